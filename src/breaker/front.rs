//! A circuit breaker among threads: what its callers touch, and when its lock is taken.
//!
//! Decides what may be done without the lock: while it is closed, letting somebody through is one
//! load, and a success at most one increment besides. All else is rare, and the machine's. No user
//! code runs under a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nebula_resource_core::Tick;
use nebula_resource_core::clock::Clock;

use super::BreakerStatus;
use super::config::{self, BreakerConfig};
use super::machine::{Admission, Change, Machine, Verdict};
use super::state::{BreakerState, Cause};
use super::tally::Tally;
use super::window::{Went, bucket, width};
use super::words::{last_words, why};
use crate::events::EventKind;
use crate::manager::watch::Watch;

pub(super) struct Front {
    pub(super) name: Arc<str>,
    pub(super) config: BreakerConfig,
    machine: Mutex<Machine>,
    /// Since when everybody is let through, by the coarse clock; `NEVER` while not everybody is.
    since: AtomicU64,
    /// Successes that the machine has not been told of.
    unsaid: Tally,
    /// Of a bucket of its window; 0 where its number does not matter.
    width: u64,
    /// Why it is not closed.
    why: Mutex<Option<Arc<str>>>,
    /// The registrations through which it tells of its changes.
    voices: Mutex<Vec<Weak<Watch>>>,
}

/// A caller is let through.
pub(super) enum Let {
    Pass,
    Try(u64),
}

/// A caller is not let through.
pub(super) struct Barred {
    pub(super) state: BreakerState,
    pub(super) why: Option<Arc<str>>,
    pub(super) retry_in: Option<Duration>,
}

/// What is known of an error, in words: asked for only where it matters.
pub(super) type Words<'w> = &'w dyn Fn() -> Option<String>;

impl Front {
    pub(super) fn new(name: Arc<str>, config: BreakerConfig) -> Self {
        let width = match config.window {
            config::Window::Time(span) if config.has_rates() => width(span),
            _ => 0,
        };
        Self {
            name,
            config,
            machine: Mutex::new(Machine::new(config)),
            since: AtomicU64::new(Tick::ZERO.as_nanos()),
            unsaid: Tally::default(),
            width,
            why: Mutex::new(None),
            voices: Mutex::default(),
        }
    }

    /// Since when everybody is let through; `NEVER` if not everybody is.
    #[inline]
    pub(super) fn admits_since(&self) -> Tick {
        // ord: Relaxed: whoever is a moment late is let through or asks, and nothing else is read.
        Tick::from_nanos(self.since.load(Ordering::Relaxed))
    }

    /// Somebody asks to be let through, where not everybody is.
    #[cold]
    pub(super) fn ask(&self, clock: &Clock) -> Result<Let, Barred> {
        let now = clock.now();
        let mut machine = self.machine();
        let (admission, change) = machine.admit(now);
        let state = machine.state();
        self.settle(machine, change, clock.coarse(), &|| None);
        match admission {
            Admission::Pass => Ok(Let::Pass),
            Admission::Trial(trial) => Ok(Let::Try(trial)),
            Admission::Refused(until) => Err(Barred {
                state,
                why: lock(&self.why).clone(),
                retry_in: until.map(|until| until.since(now)),
            }),
        }
    }

    /// A call that began then is over.
    #[inline]
    pub(super) fn ended(&self, began: Tick, went: Went, clock: &Clock, words: Words<'_>) {
        if began < self.admits_since() {
            return;
        }
        if went != Went::default() {
            return self.went_badly(went, clock, words);
        }
        let bucket = self.bucket(clock.coarse());
        if self.unsaid.add(bucket, !self.config.has_rates()).is_err() {
            self.begin_bucket(bucket);
        }
    }

    /// The first success since time has moved on.
    #[cold]
    fn begin_bucket(&self, bucket: u64) {
        let mut machine = self.machine();
        self.say(&mut machine, bucket);
        machine.succeeded(1, bucket);
    }

    #[cold]
    fn went_badly(&self, went: Went, clock: &Clock, words: Words<'_>) {
        let (now, random) = (clock.now(), clock.jitter());
        let mut machine = self.machine();
        self.say(&mut machine, self.bucket(now));
        let change = machine.went_badly(went, now, random);
        self.settle(machine, change, clock.coarse(), words);
    }

    /// An instance could not be made.
    pub(super) fn not_created(&self, clock: &Clock, words: Words<'_>) {
        let (now, random) = (clock.now(), clock.jitter());
        let mut machine = self.machine();
        self.say(&mut machine, self.bucket(now));
        let change = machine.not_created(now, random);
        self.settle(machine, change, clock.coarse(), words);
    }

    /// A trial is over.
    pub(super) fn tried(&self, trial: u64, verdict: Verdict, clock: &Clock, words: Words<'_>) {
        let (now, random) = (clock.now(), clock.jitter());
        let mut machine = self.machine();
        let change = machine.tried(trial, verdict, now, random);
        self.settle(machine, change, clock.coarse(), words);
    }

    /// Somebody says what is to be.
    pub(super) fn told(&self, cause: Cause) {
        let mut machine = self.machine();
        let change = machine.told(cause, Tick::ZERO);
        let now = machine.now();
        self.settle(machine, change, now, &|| None);
    }

    /// See [`Breaker::renew`](super::Breaker::renew).
    pub(super) fn renew(&self) {
        let is_forced =
            |state| matches!(state, BreakerState::ForcedOpen | BreakerState::ForcedClosed);
        let mut machine = self.machine();
        if is_forced(machine.state()) {
            return;
        }
        let change = machine.told(Cause::Reset, Tick::ZERO);
        let now = machine.now();
        self.settle(machine, change, now, &|| None);
    }

    pub(super) fn status(&self) -> BreakerStatus {
        let mut machine = self.machine();
        let bucket = machine.bucket(machine.now());
        self.say(&mut machine, bucket);
        let (consecutive_failures, counts) = machine.counts();
        let (state, open_until) = (machine.state(), machine.open_until());
        drop(machine);
        BreakerStatus {
            name: Arc::clone(&self.name),
            state,
            why: lock(&self.why).clone(),
            open_until,
            consecutive_failures,
            calls: counts.calls,
            failed: counts.failed,
            slow: counts.slow,
        }
    }

    pub(super) fn speaks_through(&self, watch: Weak<Watch>) {
        let mut voices = lock(&self.voices);
        voices.retain(|voice| voice.strong_count() > 0);
        voices.push(watch);
    }

    fn bucket(&self, at: Tick) -> u64 {
        if self.width == 0 {
            0
        } else {
            bucket(at, self.width)
        }
    }

    /// Tells the machine of the successes so far.
    fn say(&self, machine: &mut Machine, present: u64) {
        let (times, bucket) = self.unsaid.take(present);
        machine.succeeded(times, bucket);
    }

    /// Makes a change known: first to those who ask, then to those who listen.
    fn settle(
        &self,
        machine: MutexGuard<'_, Machine>,
        change: Option<Change>,
        coarse: Tick,
        words: Words<'_>,
    ) {
        let Some(change) = change else { return };
        let since = if change.to.admits_all() {
            coarse
        } else {
            Tick::NEVER
        };
        self.unsaid.take(0);
        self.since.store(since.as_nanos(), Ordering::Relaxed);
        if change.to.admits_all() {
            *lock(&self.why) = None;
        } else if let Some(why) = why(&change) {
            *lock(&self.why) = Some(why);
        }
        let now = machine.now();
        drop(machine);
        self.announce(&change, now, words);
    }

    /// Tells through the first registration that is still there: one event for each change, however
    /// many share the breaker.
    fn announce(&self, change: &Change, now: Tick, words: Words<'_>) {
        let opened = matches!(change.to, BreakerState::Open | BreakerState::ForcedOpen);
        if opened && let Some(last) = last_words(words) {
            let mut why = lock(&self.why);
            *why = why
                .as_ref()
                .map(|why| format!("{why}; the last: {last}").into());
        }
        if change.from == change.to {
            return;
        }
        let voice = lock(&self.voices).iter().find_map(Weak::upgrade);
        let Some(voice) = voice else { return };
        let (breaker, cause) = (Arc::clone(&self.name), change.cause);
        voice.tell(|| match change.to {
            BreakerState::Open | BreakerState::ForcedOpen => EventKind::BreakerOpened {
                breaker,
                cause,
                why: lock(&self.why).clone().unwrap_or_default(),
                tried_in: change.until.map(|until| until.since(now)),
            },
            BreakerState::HalfOpen => EventKind::BreakerHalfOpen { breaker, cause },
            _ => EventKind::BreakerClosed { breaker, cause },
        });
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        lock(&self.machine)
    }
}

/// What panicked while it held one of these locks changed nothing by halves.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
