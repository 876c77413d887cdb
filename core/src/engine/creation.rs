//! The engine's part in creation: permits and the gate, before and after.
//!
//! Keeps I5 and I6. Knows nothing of how an object is made.

use crate::Tick;
use crate::config::PoolConfig;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::guarded::contained;
use crate::record::ObjectState;
use crate::waiters::{Cause, Wakes};

impl<T> Engine<T> {
    /// Whether a creation that has not begun yet still has somebody to serve.
    pub(crate) fn creation_wanted(&self) -> bool {
        let line = self.line.lock();
        line.queue.lacking() >= line.gate.creating()
    }

    /// A new object: handed to the head of the line, or put aside.
    pub(crate) fn deliver(&self, entry: Box<Entry<T>>) {
        entry.record.set_state(ObjectState::Idle);
        let settings = self.settings();
        let mut wakes = Wakes::default();
        let mut line = self.line.lock();
        let state = self.permits.state();
        let head = line.queue.first().filter(|_| state.open() && state.keeps());
        let left = match head {
            Some(head) => {
                wakes.push(line.queue.grant(head, entry));
                None
            }
            None => Some(entry),
        };
        let lacking = line.queue.lacking();
        let failure = line.gate.succeeded(lacking, &settings.config);
        // proof: deliver-serves
        self.serve_locked(&mut line, &mut wakes);
        drop(line);
        wakes.wake();
        if let Some(entry) = left {
            // proof: deliver-gives
            self.give(entry);
        }
        contained(|| drop(failure));
    }

    /// A creation failed; answers when the next one may be tried. Whoever calls this sees to it that
    /// `sweep` is called then.
    pub(crate) fn creation_failed(&self, now: Tick, cause: Cause, random: u64) -> Tick {
        self.stats.create_failed();
        let config = &self.settings().config;
        self.release_permit();
        let mut line = self.line.lock();
        // The old cause is dropped after the lock: it is user code.
        let (retry_at, _before) = line.gate.failed(now, cause, config.create_backoff, random);
        line.alarm = line.alarm.min(retry_at);
        let failure = line.gate.failure().cloned();
        drop(line);
        if config.fail_fast {
            self.refuse_all(failure.as_ref());
        }
        retry_at
    }

    /// A creation ended without an outcome.
    pub(crate) fn creation_withdrawn(&self) {
        self.release_permit();
        self.line.lock().gate.withdrawn();
        // proof: withdrawal-frees
        self.permit_freed();
    }

    /// Idle objects, and those being looked after, most of which are about to be idle again: to make
    /// others in their place would be churn.
    fn in_stock(&self) -> usize {
        let [idle, _, checking] = self.registry.census();
        idle + checking
    }

    /// Whether `min_idle` wants more than there is and is coming.
    pub(crate) fn lacks_stock(&self) -> bool {
        let min_idle = self.settings().config.min_idle;
        if min_idle == 0 || !self.permits.state().open() {
            return false;
        }
        let line = self.line.lock();
        let idle = self.in_stock();
        idle + line.gate.creating() < min_idle
    }

    /// When a creation for the stock may be tried.
    pub(crate) fn refill_at(&self) -> Tick {
        self.line.lock().gate.refill_at()
    }

    /// Takes a permit for an object to keep in stock, if `min_idle` wants one and the gate admits it.
    pub(crate) fn start_stocking(&self, now: Tick, config: &PoolConfig) -> bool {
        let mut line = self.line.lock();
        // Under the lock: a delivery between two readings would be missed by both.
        let idle = self.in_stock();
        let wanted = self.permits.state().open()
            && idle + line.gate.creating() < config.min_idle
            && line.gate.admits_refill(now, config.warm_concurrency);
        let started = wanted && self.permits.try_reserve();
        if started {
            line.gate.started();
        }
        started
    }
}
