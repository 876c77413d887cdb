//! When something is tried again, and after what pause.
//!
//! Pure: takes what is known of the failure, the time and a random number, and answers what to do.
//! Knows nothing of operations, budgets or sleeping.

use std::time::Duration;

use nebula_resource_core::{Backoff, Tick, ValidationError};

use super::again::{Again, Begun};
use crate::breaker::fraction;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The most attempts that can be meant.
const MOST_ATTEMPTS: u32 = 100;

/// How often something is tried, and how long the pauses between are.
///
/// # Examples
///
/// ```
/// use nebula_resource::Backoff;
/// use nebula_resource::retry::RetryPolicy;
/// use std::time::Duration;
///
/// let pause = Backoff { first: Duration::from_millis(20), max: Duration::from_secs(1) };
/// let policy = RetryPolicy { attempts: 5, pause };
/// assert!(policy.validate().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often it is tried, the first time included: 1 to 100. Default: 3.
    pub attempts: u32,

    /// The pause before the second attempt is at most `first`, and doubles with each, up to `max`.
    /// Default: 100 ms and 10 s.
    ///
    /// How long it really is, up to that, is random ("full jitter"): those who failed together are
    /// not to come back together.
    pub pause: Backoff,
}

/// Why something was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUpBecause {
    /// Trying again would not help.
    Pointless,
    /// It may have been done already, and was not marked as idempotent.
    NotIdempotent,
    /// It was tried as often as the policy allows.
    Attempts,
    /// The caller's deadline would be over before the next attempt.
    Deadline,
    /// The budget for retries is used up.
    Budget,
    /// The caller was cancelled.
    Cancelled,
}

/// How things stand when something has failed.
#[derive(Clone, Copy)]
pub(super) struct SoFar {
    /// How often.
    pub(super) failed: u32,
    pub(super) is_idempotent: bool,
    pub(super) now: Tick,
    pub(super) deadline: Tick,
    pub(super) random: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            pause: Backoff::default(),
        }
    }
}

impl RetryPolicy {
    /// Whether it makes sense.
    ///
    /// # Errors
    ///
    /// About the first field that is out of its limits.
    pub fn validate(&self) -> Result<(), ValidationError> {
        if !(1..=MOST_ATTEMPTS).contains(&self.attempts) {
            let constraint = format!("from 1 to {MOST_ATTEMPTS}");
            return Err(ValidationError::new(
                "retry.attempts",
                constraint,
                self.attempts,
            ));
        }
        let Backoff { first, max } = self.pause;
        for (field, value) in [("retry.pause.first", first), ("retry.pause.max", max)] {
            if value.is_zero() || value > HOUR {
                let constraint = "more than zero and at most one hour";
                return Err(ValidationError::new(
                    field,
                    constraint,
                    format!("{value:?}"),
                ));
            }
        }
        if max < first {
            let constraint = format!("at least retry.pause.first ({first:?})");
            let actual = format!("{max:?}");
            return Err(ValidationError::new("retry.pause.max", constraint, actual));
        }
        Ok(())
    }

    /// When it is tried again, after it has failed like this.
    pub(super) fn next(&self, again: Again, so_far: SoFar) -> Result<Tick, GaveUpBecause> {
        let SoFar {
            failed,
            is_idempotent,
            now,
            deadline,
            random,
        } = so_far;
        match again.begun {
            Begun::Pointless => return Err(GaveUpBecause::Pointless),
            Begun::Perhaps if !is_idempotent => return Err(GaveUpBecause::NotIdempotent),
            Begun::Perhaps | Begun::No => {}
        }
        if failed >= self.attempts {
            return Err(GaveUpBecause::Attempts);
        }
        // Whoever says when to come back is not to be overrun just then.
        let at = now
            .after(again.after)
            .after(self.pause_after(failed, random));
        // At the deadline itself there is no time left to do anything.
        if at >= deadline {
            return Err(GaveUpBecause::Deadline);
        }
        Ok(at)
    }

    /// From nothing to all of a pause that doubles: M. Brooker, "Exponential Backoff And Jitter", AWS
    /// Architecture Blog, 2015.
    fn pause_after(&self, failed: u32, random: u64) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let longest = self.pause.first.saturating_mul(1 << doublings);
        longest.min(self.pause.max).mul_f64(fraction(random))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after(millis: u64) -> Tick {
        Tick::ZERO.after(SECOND * 3600 + Duration::from_millis(millis))
    }

    fn next(failed: u32, again: Again, is_idempotent: bool) -> Result<Tick, GaveUpBecause> {
        let so_far = SoFar {
            failed,
            is_idempotent,
            now: after(0),
            deadline: Tick::NEVER,
            random: 0,
        };
        RetryPolicy::default().next(again, so_far)
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_does_no_harm() {
        assert_eq!(
            next(1, Again::perhaps(), false),
            Err(GaveUpBecause::NotIdempotent)
        );
        assert!(next(1, Again::perhaps(), true).is_ok());
        assert!(next(1, Again::not_begun(), false).is_ok());
        assert_eq!(
            next(1, Again::pointless(), true),
            Err(GaveUpBecause::Pointless)
        );
    }

    #[test]
    fn it_is_tried_as_often_as_it_may_be() {
        assert!(next(2, Again::not_begun(), false).is_ok());
        assert_eq!(
            next(3, Again::not_begun(), false),
            Err(GaveUpBecause::Attempts)
        );
        assert_eq!(
            next(u32::MAX, Again::not_begun(), false),
            Err(GaveUpBecause::Attempts)
        );
    }

    #[test]
    fn who_says_when_is_not_asked_before() {
        let again = Again::not_begun().after(SECOND * 2);
        assert_eq!(next(1, again, false), Ok(after(2000)));
    }

    #[test]
    fn fault_23_hostile_settings_are_refused_by_name() {
        let pause = |first, max| RetryPolicy {
            pause: Backoff { first, max },
            ..RetryPolicy::default()
        };
        let attempts = |attempts| RetryPolicy {
            attempts,
            ..RetryPolicy::default()
        };
        let hostile = [
            ("retry.attempts", attempts(0)),
            ("retry.attempts", attempts(u32::MAX)),
            ("retry.pause.first", pause(Duration::ZERO, SECOND)),
            ("retry.pause.max", pause(SECOND, Duration::MAX)),
            ("retry.pause.max", pause(SECOND * 2, SECOND)),
        ];
        for (field, policy) in hostile {
            assert_eq!(policy.validate().unwrap_err().field, field);
        }
    }

    proptest! {
        /// Never before whoever was asked wants to be asked again, never later than the longest pause
        /// after that, and never at or after the deadline.
        #[test]
        fn the_pause_is_within_its_limits(
            failed in 1_u32..100,
            first in 1_u64..5_000,
            more in 0_u64..10_000,
            hint in 0_u64..10_000,
            now in any::<u64>(),
            left in 0_u64..30_000,
            random in any::<u64>(),
        ) {
            let [first, max] = [first, first + more].map(Duration::from_millis);
            let policy = RetryPolicy { attempts: 101, pause: Backoff { first, max } };
            let hint = Duration::from_millis(hint);
            let now = Tick::from_nanos(now);
            let deadline = now.after(Duration::from_millis(left));
            let again = Again::not_begun().after(hint);
            let longest = first.saturating_mul(1 << (failed - 1).min(20)).min(max);
            let so_far = SoFar { failed, is_idempotent: false, now, deadline, random };
            match policy.next(again, so_far) {
                Ok(at) => {
                    prop_assert!(at >= now.after(hint) && at < deadline);
                    prop_assert!(at.since(now) <= hint + longest);
                }
                Err(why) => {
                    prop_assert_eq!(why, GaveUpBecause::Deadline);
                    prop_assert!(now.after(hint + longest) >= deadline);
                }
            }
        }
    }
}
