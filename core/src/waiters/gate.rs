//! How many creations may run at once, and when to try again after one failed.
//!
//! Pure: takes `now` and a random number, returns what to do. Knows nothing of factories, of who
//! waits, or of permits.
//!
//! Creations are started for waiters, but not one for each: while objects are out, the next one
//! to come back may serve the waiter sooner than a new one could be made. So one creation at a
//! time at first; each that completes while somebody still waits doubles the window, up to
//! `max_concurrent_creates` (TCP's slow start, for the same reason). With no object alive there is
//! nothing to come back, and the window is fully open.
//!
//! A creation that takes long (whoever runs it says so) takes up no room in the window: what hangs must
//! not keep others from being made. It counts towards `max_concurrent_creates` all the same.
//!
//! While failing, one probe at a time for the pool as a whole, with exponential backoff; one that takes
//! long is joined by the next in the same way.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::config::{Backoff, PoolConfig};

/// The cause of a failed creation, shared by all who hear of it.
pub(crate) type Cause = Arc<dyn Error + Send + Sync + 'static>;

/// While somebody waits, a recovered backend is noticed within this time. Every waiter is to be served
/// within a second of the recovery: the rest of it is for connecting.
pub(super) const PROBE_AT_LEAST_EVERY: Duration = Duration::from_millis(800);

/// What is known about a backend that refuses.
#[derive(Clone)]
pub(crate) struct Failure {
    /// Failed rounds in a row (creations that ran side by side count once).
    pub(crate) rounds: u32,
    /// When the first of them failed.
    pub(crate) since: Tick,
    /// When the next one may be tried for a waiter.
    pub(crate) retry_at: Tick,
    /// When the next one may be tried with nobody waiting.
    refill_at: Tick,
    /// The alarm for `retry_at` has rung: from now on whoever looks may try.
    pub(crate) due: bool,
    /// An object was made, and was no good: another one that is made says nothing yet.
    stillborn: bool,
    pub(crate) cause: Cause,
}

pub(crate) struct Gate {
    creating: usize,
    /// So many of them have been running for long.
    slow: usize,
    window: usize,
    failure: Option<Failure>,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self {
            creating: 0,
            slow: 0,
            window: 1,
            failure: None,
        }
    }

    /// Creations under way.
    pub(crate) const fn creating(&self) -> usize {
        self.creating
    }

    /// Creations under way that may still end any moment.
    pub(super) const fn young(&self) -> usize {
        self.creating - self.slow
    }

    /// The failure in force, if the last creation failed.
    pub(crate) const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The alarm rang; answers whether a probe is due.
    pub(crate) fn rang(&mut self, now: Tick) -> bool {
        if let Some(failure) = &mut self.failure {
            failure.due |= now >= failure.retry_at;
            return failure.due && self.creating == self.slow;
        }
        false
    }

    /// Whether nobody has to wait for an alarm first.
    pub(crate) fn unhindered(&self) -> bool {
        self.failure.as_ref().is_none_or(|failure| failure.due)
    }

    /// Whether one more creation may start, with `alive` objects in the pool and `lacking` wanted.
    pub(crate) fn admits(
        &self,
        now: Tick,
        alive: usize,
        lacking: usize,
        config: &PoolConfig,
    ) -> bool {
        let most = config.max_concurrent_creates;
        if self.creating >= most.min(lacking) {
            return false;
        }
        if let Some(failure) = &self.failure {
            // A waiter that read the clock just before the alarm rang, and looks after it, must
            // not go to sleep: it rings no second time.
            // proof: alarm-is-remembered
            let due = failure.due || now >= failure.retry_at;
            return self.young() == 0 && due;
        }
        alive == 0 || self.young() < self.window
    }

    /// When a creation for the stock may be tried: at once, unless creations fail.
    pub(crate) fn refill_at(&self) -> Tick {
        self.failure
            .as_ref()
            .map_or(Tick::ZERO, |failure| failure.refill_at)
    }

    /// Whether one more creation may start to keep idle objects in stock, `most` at a time.
    pub(crate) fn admits_refill(&self, now: Tick, most: usize) -> bool {
        match &self.failure {
            Some(failure) => self.creating == 0 && now >= failure.refill_at,
            None => self.creating < most,
        }
    }

    pub(crate) const fn started(&mut self) {
        self.creating += 1;
    }

    /// One of those under way takes long.
    pub(crate) const fn slowed(&mut self) {
        self.slow += 1;
    }

    /// One that took long is about to end.
    pub(crate) const fn slow_ends(&mut self) {
        self.slow -= 1;
    }

    /// A creation succeeded; `lacking` objects are still wanted besides the new one.
    /// Answers the failure that is over, to be dropped without the lock.
    pub(crate) fn succeeded(&mut self, lacking: usize, config: &PoolConfig) -> Option<Failure> {
        self.creating -= 1;
        self.window = if lacking > 0 {
            (self.window * 2).min(config.max_concurrent_creates)
        } else {
            1
        };
        self.failure.take_if(|failure| !failure.stillborn)
    }

    /// An object that was made for somebody was good; answers the failure that is over.
    pub(crate) fn thrives(&mut self) -> Option<Failure> {
        self.failure.take_if(|failure| failure.stillborn)
    }

    /// A creation was given up without an outcome, because nobody wanted it or the pool closed.
    pub(crate) const fn withdrawn(&mut self) {
        self.creating -= 1;
    }

    /// A creation failed; answers the failure now in force, and the one that it takes the place of,
    /// to be dropped without the lock.
    pub(crate) fn failed(
        &mut self,
        now: Tick,
        cause: Cause,
        backoff: Backoff,
        random: u64,
    ) -> (Failure, Option<Failure>) {
        self.creating -= 1;
        self.note(now, cause, backoff, random, false)
    }

    /// An object was made, and failed its first check: as good as not made, except that the creation
    /// has ended before.
    pub(crate) fn stillborn(
        &mut self,
        now: Tick,
        cause: Cause,
        backoff: Backoff,
        random: u64,
    ) -> (Failure, Option<Failure>) {
        self.note(now, cause, backoff, random, true)
    }

    fn note(
        &mut self,
        now: Tick,
        cause: Cause,
        backoff: Backoff,
        random: u64,
        stillborn: bool,
    ) -> (Failure, Option<Failure>) {
        self.window = 1;
        let before = self.failure.take();
        let next = match &before {
            // Ran side by side with the one before: the same round.
            Some(failure) if now < failure.retry_at => Failure {
                cause,
                ..failure.clone()
            },
            _ => Failure {
                stillborn,
                ..Failure::after(before.as_ref(), now, cause, backoff, random)
            },
        };
        self.failure = Some(next.clone());
        (next, before)
    }

    /// A creation was refused without an attempt, because of a failure that others met; answers the
    /// one that it takes the place of, to be dropped without the lock.
    pub(crate) fn refused(&mut self, failure: Failure) -> Option<Failure> {
        self.creating -= 1;
        self.window = 1;
        self.failure.replace(failure)
    }

    /// Others found the backend there again: whoever looks may try.
    pub(crate) fn hasten(&mut self, now: Tick) -> bool {
        if let Some(failure) = &mut self.failure {
            failure.retry_at = failure.retry_at.min(now);
            failure.refill_at = failure.refill_at.min(now);
        }
        self.failure.is_some()
    }
}

impl Failure {
    fn after(
        before: Option<&Self>,
        now: Tick,
        cause: Cause,
        backoff: Backoff,
        random: u64,
    ) -> Self {
        let rounds = before.map_or(1, |failure| failure.rounds.saturating_add(1));
        // Cut before the jitter: else all who wait for the same backend would probe it in step.
        let probing = Backoff {
            first: backoff.first.min(PROBE_AT_LEAST_EVERY),
            max: backoff.max.min(PROBE_AT_LEAST_EVERY),
        };
        Self {
            rounds,
            since: before.map_or(now, |failure| failure.since),
            retry_at: now.after(delay(probing, rounds, random)),
            refill_at: now.after(delay(backoff, rounds, random)),
            due: false,
            stillborn: false,
            cause,
        }
    }
}

/// Exponential with equal jitter: half fixed, half random.
///
/// Equal jitter because a single prober needs a floor under its rate more than it needs spread:
/// M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
fn delay(backoff: Backoff, rounds: u32, random: u64) -> Duration {
    let doublings = rounds.saturating_sub(1).min(31);
    let full = backoff
        .first
        .saturating_mul(1 << doublings)
        .min(backoff.max);
    let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
    full.mul_f64(0.5 + share / 2.0)
}
