//! The circuit breaker itself: what it counts, when it changes, and who is let through.
//!
//! Pure: takes the time and a random number, and answers what to do. What may follow what is in
//! `state`; nothing here changes the state but by that table. Knows nothing of threads, guards or
//! resources.

use nebula_resource_core::Tick;

use super::config::{self, BreakerConfig};
use super::state::{BreakerState, Cause};
use super::window::{Counts, Went, Window, bucket, width};

/// What somebody gets who asks to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Like everybody.
    Pass,
    /// As one of a few; how it went is to be told with this number.
    Trial(u64),
    /// Not now; maybe then.
    Refused(Option<Tick>),
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    /// It was given up before there was anything to tell.
    Void,
}

/// It has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: BreakerState,
    pub(super) to: BreakerState,
    pub(super) cause: Cause,
    /// When it is tried next, where it has opened.
    pub(super) until: Option<Tick>,
    /// What it went by.
    pub(super) run: u32,
    pub(super) counts: Counts,
}

#[derive(Debug)]
pub(super) struct Machine {
    config: BreakerConfig,
    /// Of a bucket of its window; 0 where that is not one of time.
    width: u64,
    state: BreakerState,
    window: Window,
    /// Failures since the last success.
    run: u32,
    /// How often it has opened, without being closed for long between.
    openings: u32,
    closed_at: Tick,
    /// While it is open: until when.
    until: Tick,
    /// Those that are under way: their numbers, and when they began.
    trials: Vec<(u64, Tick)>,
    passed: u32,
    next_trial: u64,
    /// The latest time it was told: it knows none before.
    now: Tick,
}

impl Machine {
    /// Closed, at the beginning of time.
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            width: match config.window {
                config::Window::Calls(_) => 0,
                config::Window::Time(span) => width(span),
            },
            config,
            state: BreakerState::Closed,
            window: Window::new(config.window),
            run: 0,
            openings: 0,
            closed_at: Tick::ZERO,
            until: Tick::ZERO,
            trials: Vec::new(),
            passed: 0,
            next_trial: 0,
            now: Tick::ZERO,
        }
    }

    pub(super) const fn state(&self) -> BreakerState {
        self.state
    }

    /// When it is tried next, while it is open.
    pub(super) fn open_until(&self) -> Option<Tick> {
        (self.state == BreakerState::Open).then_some(self.until)
    }

    /// The latest time that it was told.
    pub(super) const fn now(&self) -> Tick {
        self.now
    }

    /// What it goes by: failures in a row, and the calls in its window.
    pub(super) fn counts(&mut self) -> (u32, Counts) {
        let bucket = self.bucket(self.now);
        (self.run, self.window.counts(bucket))
    }

    /// The bucket that a moment is in; always the same where its window is not one of time.
    pub(super) const fn bucket(&self, at: Tick) -> u64 {
        if self.width == 0 {
            0
        } else {
            bucket(at, self.width)
        }
    }

    /// Somebody asks to be let through.
    pub(super) fn admit(&mut self, now: Tick) -> (Admission, Option<Change>) {
        let now = self.pass(now);
        let mut change = None;
        if self.state == BreakerState::Open && now >= self.until {
            change = self.go(Cause::Waited, now, 0);
        }
        let admission = match self.state {
            state if state.admits_all() => Admission::Pass,
            BreakerState::HalfOpen => self.try_one(now),
            BreakerState::Open => Admission::Refused(Some(self.until)),
            _ => Admission::Refused(None),
        };
        (admission, change)
    }

    fn try_one(&mut self, now: Tick) -> Admission {
        let timeout = self.config.trial_timeout;
        self.trials.retain(|(_, begun)| now.since(*begun) < timeout);
        if self.trials.len() >= self.config.trials as usize {
            return Admission::Refused(None);
        }
        let trial = self.next_trial;
        self.next_trial += 1;
        self.trials.push((trial, now));
        Admission::Trial(trial)
    }

    /// So many calls succeeded, none of them slowly, at the time of that bucket. Never opens it.
    pub(super) fn succeeded(&mut self, times: u64, bucket: u64) {
        if times > 0 && self.state == BreakerState::Closed {
            self.run = 0;
            self.window.add(times, Went::default(), bucket);
        }
    }

    /// A call failed, or was slow, or both.
    pub(super) fn went_badly(&mut self, went: Went, now: Tick, random: u64) -> Option<Change> {
        let now = self.pass(now);
        if self.state != BreakerState::Closed {
            return None;
        }
        self.run = if went.failed {
            self.run.saturating_add(1)
        } else {
            0
        };
        let bucket = self.bucket(now);
        self.window.add(1, went, bucket);
        let counts = self.window.counts(bucket);
        self.go(self.reason_to_open(counts)?, now, random)
    }

    /// An instance could not be made: as good as a call, or as a trial, that failed.
    pub(super) fn not_created(&mut self, now: Tick, random: u64) -> Option<Change> {
        let failed = Went {
            failed: true,
            slow: false,
        };
        match self.state {
            BreakerState::HalfOpen => {
                let now = self.pass(now);
                self.go(Cause::TrialFailed, now, random)
            }
            _ => self.went_badly(failed, now, random),
        }
    }

    fn reason_to_open(&self, counts: Counts) -> Option<Cause> {
        let config = &self.config;
        if config
            .consecutive_failures
            .is_some_and(|most| self.run >= most)
        {
            return Some(Cause::ConsecutiveFailures);
        }
        if counts.calls < u64::from(config.minimum_calls) {
            return None;
        }
        let reaches = |part: u64, limit: f64| part as f64 >= limit * counts.calls as f64;
        if config
            .failure_rate
            .is_some_and(|limit| reaches(counts.failed, limit))
        {
            return Some(Cause::FailureRate);
        }
        let is_slow = config.slow_call.is_some() && reaches(counts.slow, config.slow_rate);
        is_slow.then_some(Cause::SlowRate)
    }

    /// A trial is over. One that it no longer knows changes nothing.
    pub(super) fn tried(
        &mut self,
        trial: u64,
        verdict: Verdict,
        now: Tick,
        random: u64,
    ) -> Option<Change> {
        let now = self.pass(now);
        let known = self
            .trials
            .iter()
            .position(|(number, _)| *number == trial)?;
        self.trials.swap_remove(known);
        match verdict {
            Verdict::Void => None,
            Verdict::Failed => self.go(Cause::TrialFailed, now, random),
            Verdict::Passed => {
                self.passed += 1;
                let enough = self.passed >= self.config.trials_to_close;
                enough.then(|| self.go(Cause::TrialsPassed, now, random))?
            }
        }
    }

    /// Somebody says what is to be.
    pub(super) fn told(&mut self, cause: Cause, now: Tick) -> Option<Change> {
        let now = self.pass(now);
        self.go(cause, now, 0)
    }

    /// Changes as the table says, if it says anything.
    fn go(&mut self, cause: Cause, now: Tick, random: u64) -> Option<Change> {
        let from = self.state;
        let to = from.after(cause)?;
        let (run, counts) = self.counts();
        self.state = to;
        self.trials.clear();
        self.passed = 0;
        match to {
            BreakerState::Open => self.open(from, now, random),
            BreakerState::Closed => self.close(cause, now),
            _ => {}
        }
        Some(Change {
            from,
            to,
            cause,
            until: self.open_until(),
            run,
            counts,
        })
    }

    fn open(&mut self, from: BreakerState, now: Tick, random: u64) {
        let was_well = now.since(self.closed_at) >= self.config.forgives_after;
        if from == BreakerState::Closed && was_well {
            self.openings = 0;
        }
        self.openings = self.openings.saturating_add(1);
        self.until = now.after(self.config.open_span(self.openings, random));
    }

    fn close(&mut self, cause: Cause, now: Tick) {
        if cause == Cause::Reset {
            self.openings = 0;
        }
        self.run = 0;
        self.window.clear();
        self.closed_at = now;
    }

    /// Time passes, and never runs backwards.
    fn pass(&mut self, now: Tick) -> Tick {
        self.now = self.now.max(now);
        self.now
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
