//! What goes round with one resource's policy: measures its pool, asks the machine, and has done what
//! that decides.
//!
//! Decides nothing about when; carries out, or tells. It belongs to a registration and goes on through
//! reloads.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use nebula_resource_core::{Job, Tick, ValidationError};

use super::machine::{Machine, Sample};
use super::policy::{AutoscalePolicy, Mode};
use super::why::{Recommendation, Why};
use crate::events::EventKind;
use crate::key::Key;
use crate::manager::Inner;
use crate::manager::erased::{Boxed, Erased, Registered};
use crate::manager::ticker::{Chore, ChoreId, Turn};
use crate::scope::Scope;

/// A change of size is done at once, unless an observer takes its time.
const LONG: Duration = Duration::from_secs(60);

/// Whether the policy is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stance {
    Follows,
    Off,
    /// Somebody wants exactly so many.
    Held,
}

/// See the module.
pub(crate) struct Scaler {
    manager: Weak<Inner>,
    pub(super) key: Key,
    pub(super) scope: Scope,
    desk: Mutex<Desk>,
    /// One more with each word of an operator: what was decided before it is not done any more.
    word: AtomicU64,
    chore: OnceLock<ChoreId>,
}

pub(super) struct Desk {
    pub(super) policy: AutoscalePolicy,
    machine: Machine,
    pub(super) stance: Stance,
    pub(super) last: Recommendation,
    /// What was last advised, as long as it stands.
    advised: Option<(usize, usize)>,
    /// Of the configuration whose pool was last measured.
    generation: u64,
}

impl Scaler {
    pub(crate) fn new(
        manager: &Arc<Inner>,
        key: Key,
        scope: Scope,
        policy: AutoscalePolicy,
        max_size: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            manager: Arc::downgrade(manager),
            key,
            scope,
            desk: Mutex::new(Desk {
                policy,
                machine: Machine::new(),
                stance: Stance::Follows,
                last: Recommendation::stay(max_size, Why::NotMeasured),
                advised: None,
                generation: 0,
            }),
            word: AtomicU64::new(0),
            chore: OnceLock::new(),
        })
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it says now.
    pub(crate) fn recommendation(&self) -> Recommendation {
        self.desk().last.clone()
    }

    /// Its resource as it is now; none once it is gone.
    pub(super) fn current(self: &Arc<Self>) -> Option<Registered> {
        let there = self.manager.upgrade()?.at(&self.key, &self.scope)?;
        let its = there.entry.scaler();
        its.is_some_and(|its| Arc::ptr_eq(&its, self))
            .then_some(there)
    }

    /// Measures from now on.
    pub(crate) fn begin(self: &Arc<Self>) {
        let Some(manager) = self.manager.upgrade() else {
            return;
        };
        let (me, ticker) = (Arc::downgrade(self), manager.ticker());
        let first = ticker.clock().now().after(self.desk().policy.every);
        self.chore.get_or_init(|| ticker.add(me, first));
    }

    /// Follows the policy anew, from now on.
    pub(super) fn follow(&self, policy: Option<AutoscalePolicy>) {
        let mut desk = self.desk();
        if let Some(policy) = policy {
            desk.policy = policy;
        }
        desk.stance = Stance::Follows;
        desk.machine = Machine::new();
        desk.advised = None;
        let at = desk.last.from;
        desk.last = Recommendation::stay(at, Why::NotMeasured);
        self.speak();
        drop(desk);
        if let (Some(manager), Some(chore)) = (self.manager.upgrade(), self.chore.get()) {
            let ticker = manager.ticker();
            ticker.hasten(*chore, ticker.clock().now());
        }
    }

    /// Follows it no longer.
    pub(super) fn rest(&self) {
        let mut desk = self.desk();
        desk.stance = Stance::Off;
        let at = desk.last.from;
        desk.last = Recommendation::stay(at, Why::Disabled);
        self.speak();
    }

    /// Makes it exactly so many, and leaves it at that.
    pub(super) fn hold(
        &self,
        current: &Registered,
        max_size: usize,
    ) -> Result<(), ValidationError> {
        let mut desk = self.desk();
        let before = std::mem::replace(&mut desk.stance, Stance::Held);
        self.speak();
        // Its observers are the user's code: not under the lock.
        drop(desk);
        let from = current.entry.pool_status().max_size;
        let done = current.entry.rescale(None, max_size, &|| true);
        let mut desk = self.desk();
        if done.is_err() {
            desk.stance = before;
            return done.map(drop);
        }
        desk.last = Recommendation::stay(max_size, Why::ByHand);
        drop(desk);
        if from != max_size {
            let (to, why) = (max_size, Why::ByHand);
            current.entry.tell(EventKind::Scaled { from, to, why });
        }
        Ok(())
    }

    /// Takes back whatever was decided and is not done yet.
    fn speak(&self) {
        // ord: Release, pairs with the Acquire in `carry_out`.
        self.word.fetch_add(1, Ordering::Release);
    }

    /// Does what was decided, unless somebody has said otherwise since.
    fn carry_out(self: Arc<Self>, current: &Registered, decided: Recommendation, word: u64) {
        // ord: Acquire, pairs with the Release in `speak`.
        let stands = || self.word.load(Ordering::Acquire) == word;
        let Recommendation { from, to, why } = decided;
        let done = current.entry.rescale(Some(from), to, &stands);
        let Some(manager) = self.manager.upgrade() else {
            return;
        };
        let now = manager.ticker().clock().now();
        let mut desk = self.desk();
        let Desk {
            machine, policy, ..
        } = &mut *desk;
        let event = match done {
            Ok(true) => {
                machine.stepped(now, policy);
                Some(EventKind::Scaled { from, to, why })
            }
            // It is not what was measured.
            Ok(false) => {
                machine.forget();
                None
            }
            Err(error) => {
                machine.failed(now, policy);
                let error = error.to_string().into();
                Some(EventKind::ScalingFailed { from, to, error })
            }
        };
        drop(desk);
        if let Some(event) = event {
            current.entry.tell(event);
        }
    }
}

impl Desk {
    fn measure(&mut self, now: Tick, entry: &dyn Erased) -> Recommendation {
        let pool = entry.pool_status();
        let state = entry.about().life.state();
        let generation = entry.about().generation;
        if std::mem::replace(&mut self.generation, generation) != generation {
            // Another pool: what was seen of the last one counts for nothing.
            self.machine.forget();
        }
        if !state.serves() || pool.paused || pool.closed {
            self.machine.forget();
            let why = match pool.paused {
                true => Why::Paused,
                false => Why::NotServing { state },
            };
            return Recommendation::stay(pool.max_size, why);
        }
        let sample = Sample {
            in_use: pool.in_use,
            waiting: pool.waiting,
            size: pool.size,
            max: pool.max_size,
        };
        self.machine
            .look(now, sample, &self.policy, entry.min_idle())
    }

    /// Whether that is news.
    fn advises(&mut self, decided: &Recommendation) -> bool {
        let advice = decided.is_change().then_some((decided.from, decided.to));
        let is_news = advice.is_some() && advice != self.advised;
        self.advised = advice;
        is_news
    }
}

impl Chore for Scaler {
    fn turn(self: Arc<Self>, now: Tick) -> Turn {
        let Some(current) = self.current() else {
            return Turn::Done;
        };
        let mut desk = self.desk();
        if desk.stance != Stance::Follows {
            return Turn::At(Tick::NEVER);
        }
        let (every, mode) = (desk.policy.every, desk.policy.mode);
        let next = now.after(every);
        let decided = desk.measure(now, &*current.entry);
        desk.last = decided.clone();
        let is_news = desk.advises(&decided);
        // Under the lock: what is said after it is not missed.
        let word = self.word.load(Ordering::Relaxed);
        drop(desk);
        if !decided.is_change() {
            return Turn::At(next);
        }
        if mode == Mode::Advise {
            let Recommendation { from, to, why } = decided;
            if is_news {
                let advised = EventKind::ScalingAdvised { from, to, why };
                current.entry.tell(advised);
            }
            return Turn::At(next);
        }
        let work: Boxed<Tick> = Box::pin(async move {
            self.carry_out(&current, decided, word);
            next
        });
        Turn::Work { work, within: LONG }
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        let manager = self.manager.upgrade();
        match manager.and_then(|manager| manager.at(&self.key, &self.scope)) {
            Some(there) => there.entry.spawn(job),
            None => Err(job),
        }
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        if let (Some(manager), Some(chore)) = (self.manager.upgrade(), self.chore.get()) {
            manager.ticker().remove(*chore);
        }
    }
}

impl fmt::Debug for Scaler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scaler")
            .field("key", &self.key)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
