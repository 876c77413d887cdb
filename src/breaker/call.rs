//! One use of a resource, as its circuit breakers see it: let through, and how it went.
//!
//! Decides what of it counts. Whatever becomes of the caller, a trial that was begun is ended: it is
//! given up when it is dropped.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{AcquireError, Stage, Tick};

use super::front::{Barred, Front, Let};
use super::machine::Verdict;
use super::window::Went;
use super::words::BreakerOpen;
use super::{Breaker, Ear};
use crate::manager::reports::Audience;
use crate::outcome::Severity;

/// The breakers of one registration: as a rule none, sometimes its own, and those that it shares.
#[derive(Clone, Default)]
pub(crate) struct Breakers {
    all: Vec<Breaker>,
    /// Whether the first of them is nobody else's.
    has_own: bool,
    /// Whether it matters to any of them how long calls take.
    times_calls: bool,
}

/// A use of a resource that was let through.
pub(crate) struct Call {
    /// When it began, by the coarse clock.
    began: Tick,
    /// Its places among the few, where it is a trial.
    trials: Vec<Trial>,
    /// Whether its caller has said how it went.
    is_told: bool,
}

/// A place among the few that are let through while a breaker is half-open.
struct Trial {
    front: Arc<Front>,
    number: u64,
    clock: Clock,
    is_over: bool,
}

impl Breakers {
    /// And this one, once.
    pub(crate) fn add(&mut self, breaker: Breaker, audience: &mut Audience) {
        if self.all.iter().all(|there| !there.is(&breaker)) {
            self.insert(self.all.len(), breaker, audience);
        }
    }

    /// And this one, which is nobody else's.
    pub(crate) fn set_own(&mut self, breaker: Breaker, audience: &mut Audience) {
        self.insert(0, breaker, audience);
        self.has_own = true;
    }

    fn insert(&mut self, at: usize, breaker: Breaker, audience: &mut Audience) {
        audience.add(Arc::new(Ear(breaker.clone())));
        self.times_calls |= breaker.0.config.slow_call.is_some();
        self.all.insert(at, breaker);
    }

    /// The one that is nobody else's.
    pub(crate) fn own(&self) -> Option<&Breaker> {
        self.all.first().filter(|_| self.has_own)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Breaker> {
        self.all.iter()
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether it matters how long calls take.
    #[inline]
    pub(crate) const fn time_calls(&self) -> bool {
        self.times_calls
    }

    /// Lets a caller through, if all of them do.
    pub(crate) fn let_in(&self, key: &str, clock: &Clock) -> Result<Call, Box<BreakerOpen>> {
        let mut call = Call {
            began: clock.coarse(),
            trials: Vec::new(),
            is_told: false,
        };
        for Breaker(front) in &self.all {
            if front.admits_since() != Tick::NEVER {
                continue;
            }
            match front.ask(clock) {
                Ok(Let::Pass) => {}
                Ok(Let::Try(number)) => call.try_out(front, number, clock),
                // The trials so far are given up.
                Err(barred) => return Err(refusal(key, front, barred)),
            }
        }
        Ok(call)
    }

    /// Its caller says how it went, not for the last time perhaps.
    pub(crate) fn told(
        &self,
        call: &mut Call,
        severity: Option<Severity>,
        took: Duration,
        clock: &Clock,
        error: Option<&(dyn Error + 'static)>,
    ) {
        call.is_told = true;
        if severity == Some(Severity::Poisoned) {
            return call.give_up();
        }
        let failed = severity.is_some_and(Severity::is_failure);
        let words = || error.map(ToString::to_string);
        self.count(call, failed, took, clock, &words);
    }

    /// The instance is given back.
    pub(crate) fn ended(&self, call: &mut Call, took: Duration, clock: &Clock) {
        // Whoever panics has not said how it went.
        if call.is_told || std::thread::panicking() {
            return call.give_up();
        }
        self.count(call, false, took, clock, &|| None);
    }

    fn count(
        &self,
        call: &mut Call,
        failed: bool,
        took: Duration,
        clock: &Clock,
        words: super::front::Words<'_>,
    ) {
        for Breaker(front) in &self.all {
            let slow = front.config.slow_call.is_some_and(|slow| took >= slow);
            let went = Went { failed, slow };
            match call.trial_of(front) {
                Some(trial) => trial.end(went, words),
                None => front.ended(call.began, went, clock, words),
            }
        }
        // What the same caller says next is about another call.
        call.give_up();
        call.began = clock.coarse();
    }
}

fn refusal(key: &str, front: &Front, barred: Barred) -> Box<BreakerOpen> {
    let Barred {
        state,
        why,
        retry_in,
    } = barred;
    Box::new(BreakerOpen {
        key: key.to_owned(),
        breaker: Arc::clone(&front.name),
        state,
        why,
        retry_in,
    })
}

impl Call {
    #[cold]
    fn try_out(&mut self, front: &Arc<Front>, number: u64, clock: &Clock) {
        self.trials.push(Trial {
            front: Arc::clone(front),
            number,
            clock: clock.clone(),
            is_over: false,
        });
    }

    fn trial_of(&mut self, front: &Arc<Front>) -> Option<&mut Trial> {
        self.trials
            .iter_mut()
            .find(|trial| Arc::ptr_eq(&trial.front, front))
    }

    /// There was nothing to be had. That is the resource's fault where it was being made or checked.
    #[cold]
    pub(crate) fn not_served(mut self, why: &AcquireError) {
        let is_its_fault = match why {
            AcquireError::CreateFailed(_) => true,
            AcquireError::TimedOut(timed_out) => timed_out.stage != Stage::Waiting,
            _ => false,
        };
        let failed = Went {
            failed: true,
            slow: false,
        };
        if is_its_fault {
            let words = || Some(why.to_string());
            let each = self.trials.iter_mut();
            each.for_each(|trial| trial.end(failed, &words));
        }
    }

    /// Gives its places among the few to others.
    fn give_up(&mut self) {
        self.trials.clear();
    }
}

impl Trial {
    fn end(&mut self, went: Went, words: super::front::Words<'_>) {
        let verdict = if went == Went::default() {
            Verdict::Passed
        } else {
            Verdict::Failed
        };
        self.is_over = true;
        self.front.tried(self.number, verdict, &self.clock, words);
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !self.is_over {
            let nothing = || None;
            self.front
                .tried(self.number, Verdict::Void, &self.clock, &nothing);
        }
    }
}
