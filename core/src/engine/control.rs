//! What an owner does to a live pool: reconfigure, pause, clear, filter, close.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::config::{Fairness, PoolConfig, ValidationError};
use crate::engine::{Engine, ObjectInfo, Settings};
use crate::entry::{Entry, Verdict};
use crate::primitives::PoisonError;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::waiters::Overload;

impl<T> Engine<T> {
    /// Changes the configuration: all of it or, with an error, nothing.
    pub(crate) fn reconfigure(
        &self,
        change: impl Fn(&mut PoolConfig),
    ) -> Result<(), ValidationError> {
        loop {
            let before = self.settings();
            let mut config = before.config.clone();
            change(&mut config);
            config.validate_with_ceiling(self.ceiling)?;
            if self.try_replace(&before, config) {
                break;
            }
        }
        self.refuse_greedy();
        // proof: shrink-trims
        self.trim_after_change();
        // proof: grow-serves
        self.serve();
        Ok(())
    }

    /// The swap; refused when somebody else was faster, so that no change is lost. `change` ran
    /// before the lock was taken: it is user code.
    fn try_replace(&self, before: &Arc<Settings>, config: PoolConfig) -> bool {
        // proof: one-change-at-a-time
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        // proof: no-change-lost
        if !Arc::ptr_eq(before, &self.settings()) {
            return false;
        }
        let (limit, strategy) = (config.max_size, config.strategy);
        let bounds = Overload::new(&config);
        let strict = config.fairness == Fairness::Strict;
        self.install(Settings::new(config));
        self.permits.set_limit(limit);
        self.idle.set_strategy(strategy);
        let mut line = self.line.lock();
        line.strict = strict;
        let before = std::mem::replace(&mut line.overload, bounds);
        drop(line);
        drop(before);
        true
    }

    fn install(&self, settings: Settings) {
        self.replace_settings(Arc::new(settings));
        // After the swap: whoever sees the new stamp finds the new settings.
        self.stamp.configured();
    }

    /// Nothing is handed out until `resume`, but what somebody in line has in its hand already.
    pub(crate) fn pause(&self) -> bool {
        self.permits.set_paused(true)
    }

    pub(crate) fn resume(&self) -> bool {
        let resumed = self.permits.set_paused(false);
        if resumed {
            // proof: resume-serves
            self.permit_freed();
        }
        resumed
    }

    /// Refuses everybody from now on and retires what is idle; answers whether this call did it.
    pub(crate) fn close(&self) -> bool {
        let first = self.permits.close();
        if first {
            // proof: close-refuses
            self.refuse_all(None);
            // proof: close-trims
            self.trim_after_change();
            self.settled.notify(usize::MAX);
        }
        first
    }

    /// Retires every object made before this call: idle ones now, others when they return.
    pub(crate) fn clear(&self) {
        self.stamp.clear();
        let stamp = self.stamp.read();
        for entry in self.all_idle() {
            if entry.stamp.same_clear(stamp) {
                self.give(entry);
            } else {
                self.retire(entry, RetireReason::Cleared);
            }
        }
    }

    /// Retires the idle objects for which `keep` says no.
    pub(crate) fn retain(&self, now: Tick, keep: impl FnMut(&T, &ObjectInfo) -> bool) -> usize {
        let mut keep = keep;
        let mut idle = self.all_idle().into_iter();
        let mut retired = 0;
        while let Some(entry) = idle.next() {
            let info = entry.record.info(now);
            match catch_unwind(AssertUnwindSafe(|| keep(&entry.object, &info))) {
                // proof: retain-gives
                Ok(true) => self.give(entry),
                Ok(false) => {
                    retired += 1;
                    self.retire(entry, RetireReason::NotRetained);
                }
                Err(panic) => {
                    // The predicate only looked: its objects are as good as before.
                    self.give(entry);
                    idle.for_each(|entry| self.give(entry));
                    resume_unwind(panic);
                }
            }
        }
        retired
    }

    /// Every object that is idle at this moment, taken out.
    pub(crate) fn all_idle(&self) -> Vec<Box<Entry<T>>> {
        self.idle.take_all()
    }

    /// Takes the idle object with this number, if it is still idle; the others stay.
    pub(crate) fn take_this(&self, id: u64) -> Option<Box<Entry<T>>> {
        let mut passed = Vec::new();
        let wanted = loop {
            match self.idle.search_ring_first() {
                Some(entry) if entry.record.id == id => break Some(entry),
                Some(entry) => passed.push(entry),
                None => break None,
            }
        };
        for entry in self.idle.in_order(passed) {
            // proof: passed-over-gives
            self.give(entry);
        }
        wanted
    }

    /// Looks at an object that is about to be handed out.
    pub(crate) fn inspect(&self, entry: &mut Entry<T>, now: Tick) -> Verdict {
        let more = entry.relieve(self.missed.steps());
        if more > Duration::ZERO && entry.record.state() == ObjectState::Idle {
            let since = entry.record.since().after(more).min(now);
            entry.record.moved(ObjectState::Idle, since);
        }
        entry.inspect(self.stamp.read(), now, &self.settings())
    }
}
