//! One resource's way into quarantine and out of it: what is counted, and when the next attempt is.
//!
//! Decides when it is struck, cured or given up; what leads where is in the `table`. Pure: takes the
//! time, a random number and what was seen. Knows nothing of checks, pools or callers.

use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::Tick;

use super::policy::QuarantinePolicy;
use super::strategy::{LONGEST, SHORTEST};
use super::table::{Input, Phase};

/// Who was quarantined more than once lately has to be seen well twice.
const SEEN_WELL: u32 = 2;

/// The counts are enough at this, and must not overflow.
const MOST_STRIKES: u32 = 1000;

/// How long until a resource that was seen well once is looked at for the second time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a check saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    Well,
    Ill {
        why: Arc<str>,
        /// It will not come back by itself.
        is_fatal: bool,
    },
    /// It could not look.
    Nothing,
}

/// What has changed for those who are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// It is kept from callers from now on.
    Entered,
    /// An attempt failed.
    Missed {
        attempt: u32,
    },
    /// It was given up, for the first time since it entered.
    GaveUp {
        attempts: u32,
    },
    /// Callers get it again.
    Freed {
        after: Duration,
        attempts: u32,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Quarantine {
    phase: Phase,
    after: u32,
    forgive_after: Duration,
    keep_looking: Option<Duration>,
    /// Failed checks in a row, while it is free.
    failures: u32,
    /// Attempts since it entered.
    attempts: u32,
    /// Successful attempts in a row.
    passed: u32,
    strikes: u32,
    /// Since when it is free, or not.
    since: Tick,
    /// When the next attempt is.
    due: Tick,
    why: Arc<str>,
}

impl Quarantine {
    pub(crate) fn new(policy: &QuarantinePolicy, now: Tick) -> Self {
        Self {
            phase: Phase::Free,
            after: policy.after,
            forgive_after: policy.forgive_after,
            keep_looking: policy.keep_looking,
            failures: 0,
            attempts: 0,
            passed: 0,
            strikes: 0,
            since: now,
            due: Tick::NEVER,
            why: "".into(),
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) const fn since(&self) -> Tick {
        self.since
    }

    /// When the next attempt is; never, while it is free or shut.
    pub(crate) const fn due(&self) -> Tick {
        self.due
    }

    pub(crate) const fn why(&self) -> &Arc<str> {
        &self.why
    }

    pub(crate) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Strikes at `now`, without those that are forgotten by then.
    pub(crate) fn strikes(&self, now: Tick) -> u32 {
        if !self.phase.serves() {
            return self.strikes;
        }
        let forgotten = now.since(self.since).as_nanos() / self.forgive_after.as_nanos().max(1);
        let forgotten = u32::try_from(forgotten).unwrap_or(u32::MAX);
        self.strikes.saturating_sub(forgotten)
    }

    /// The number of the attempt that would be next if what goes on now failed, and the strikes that
    /// there would be then.
    pub(crate) fn upcoming(&self, now: Tick) -> (u32, u32) {
        if self.phase.serves() {
            return (1, (self.strikes(now) + 1).min(MOST_STRIKES));
        }
        (self.attempts.saturating_add(1), self.strikes)
    }

    /// The number of the attempt that goes on, and the strikes that led to it.
    pub(crate) const fn under_way(&self) -> (u32, u32) {
        (self.attempts, self.strikes)
    }

    /// There is reason to hope: the next attempt is made at once.
    pub(crate) fn hurry(&mut self, now: Tick) {
        if matches!(self.phase, Phase::Held | Phase::Lost) {
            self.due = self.due.min(now);
        }
    }

    /// Whether a check that begins now is an attempt to bring it back; `None` if there is to be none.
    pub(crate) fn begin(&mut self, now: Tick) -> Option<bool> {
        if self.phase.serves() {
            return Some(false);
        }
        if now < self.due || !self.go(Input::Due) {
            return None;
        }
        self.attempts = self.attempts.saturating_add(1);
        Some(true)
    }

    /// What the check saw that was begun last. `wait` is how long its strategy would wait before the
    /// next attempt; none if it gives up.
    pub(crate) fn saw(
        &mut self,
        now: Tick,
        evidence: Evidence,
        wait: Option<Duration>,
        random: u64,
    ) -> Step {
        match self.phase {
            Phase::Free | Phase::Suspect => self.saw_free(now, evidence, wait, random),
            Phase::Trying | Phase::Probing => self.saw_attempt(now, evidence, wait, random),
            // It came too late.
            Phase::Held | Phase::Lost | Phase::Shut => Step::Nothing,
        }
    }

    fn saw_free(
        &mut self,
        now: Tick,
        evidence: Evidence,
        wait: Option<Duration>,
        random: u64,
    ) -> Step {
        let (why, is_fatal) = match evidence {
            Evidence::Nothing => return Step::Nothing,
            Evidence::Well => {
                self.failures = 0;
                self.go(Input::Success);
                return Step::Nothing;
            }
            Evidence::Ill { why, is_fatal } => (why, is_fatal),
        };
        self.failures = self.failures.saturating_add(1);
        let is_struck = is_fatal || self.failures >= self.after;
        if !is_struck {
            self.go(Input::Failure);
            return Step::Nothing;
        }
        self.strikes = (self.strikes(now) + 1).min(MOST_STRIKES);
        self.enter(now, why);
        match wait {
            Some(wait) if !is_fatal => {
                self.go(Input::Struck);
                self.due = now.after(spread(wait, random));
                Step::Entered
            }
            _ => {
                self.go(Input::Fatal);
                self.due = self.slow(now, random);
                Step::GaveUp { attempts: 0 }
            }
        }
    }

    fn saw_attempt(
        &mut self,
        now: Tick,
        evidence: Evidence,
        wait: Option<Duration>,
        random: u64,
    ) -> Step {
        let (why, is_fatal) = match evidence {
            Evidence::Well => return self.passed(now, random),
            // Nobody has seen that it is well.
            Evidence::Nothing => ("it could not be looked at".into(), false),
            Evidence::Ill { why, is_fatal } => (why, is_fatal),
        };
        self.why = why;
        self.passed = 0;
        let attempt = self.attempts;
        let was_given_up = self.phase.is_given_up();
        match wait {
            Some(wait) if !is_fatal && !was_given_up => {
                self.go(Input::Failed);
                self.due = now.after(spread(wait, random));
                Step::Missed { attempt }
            }
            _ => {
                self.go(Input::GaveUp);
                self.due = self.slow(now, random);
                match was_given_up {
                    true => Step::Missed { attempt },
                    false => Step::GaveUp { attempts: attempt },
                }
            }
        }
    }

    fn passed(&mut self, now: Tick, random: u64) -> Step {
        self.passed = self.passed.saturating_add(1);
        if self.passed < self.strikes.min(SEEN_WELL) {
            self.go(Input::Passed);
            self.due = now.after(spread(LOOK_AGAIN, random));
            return Step::Nothing;
        }
        self.go(Input::Cured);
        self.free(now)
    }

    /// Puts it into quarantine by hand.
    pub(crate) fn hold(&mut self, now: Tick, why: Arc<str>) -> Step {
        let was_free = self.phase.serves();
        if !self.go(Input::Hold) {
            return Step::Nothing;
        }
        self.due = Tick::NEVER;
        if was_free {
            self.enter(now, why);
            return Step::Entered;
        }
        self.why = why;
        Step::Nothing
    }

    /// Takes it out of quarantine by hand.
    pub(crate) fn release(&mut self, now: Tick) -> Step {
        if !self.go(Input::Release) {
            return Step::Nothing;
        }
        self.free(now)
    }

    fn enter(&mut self, now: Tick, why: Arc<str>) {
        (self.attempts, self.passed, self.failures) = (0, 0, 0);
        self.since = now;
        self.why = why;
    }

    fn free(&mut self, now: Tick) -> Step {
        let after = now.since(self.since);
        (self.failures, self.passed) = (0, 0);
        self.since = now;
        self.due = Tick::NEVER;
        Step::Freed {
            after,
            attempts: self.attempts,
        }
    }

    fn slow(&self, now: Tick, random: u64) -> Tick {
        let every = self.keep_looking;
        every.map_or(Tick::NEVER, |every| now.after(spread(every, random)))
    }

    /// Goes where the table says; answers whether that is anywhere.
    fn go(&mut self, input: Input) -> bool {
        let next = self.phase.after(input);
        self.phase = next.unwrap_or(self.phase);
        next.is_some()
    }
}

/// `wait` within reason, less up to a fifth of it.
pub(crate) fn spread(wait: Duration, random: u64) -> Duration {
    let wait = wait.clamp(SHORTEST, LONGEST);
    let part = (random >> 11) as f64 / (1_u64 << 53) as f64;
    wait.mul_f64(1.0 - part / 5.0).max(SHORTEST)
}
