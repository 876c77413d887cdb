//! When a quarantined resource is tried again, what is done for it before, and when it is given up.
//!
//! Decides the default answer. Knows nothing of resources, or of what counts as a success.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use nebula_resource_core::{BoxError, ValidationError};

use crate::key::Key;
use crate::scope::Scope;

/// One attempt to bring a resource back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// What the resource is called.
    pub key: Key,
    /// Whose it is.
    pub scope: Scope,
    /// Which attempt it is since the resource was quarantined: 1 is the first.
    pub number: u32,
    /// How often the resource was quarantined lately, this time included: at least 1.
    pub strikes: u32,
}

/// How a quarantined resource is brought back.
///
/// Before each attempt it is asked how long to wait, and at the attempt what can be done; then the
/// resource's health is checked, and that decides. What it says is kept within bounds: a strategy that
/// panics is taken for one that gives up, a wait of nothing is 10 ms, and what hangs is cut off at the
/// check's timeout.
///
/// # Examples
///
/// A service that can be restarted:
///
/// ```
/// use nebula_resource::BoxError;
/// use nebula_resource::quarantine::{Attempt, Doubling, QuarantinePolicy, RecoveryStrategy};
/// use std::{future::Future, pin::Pin, time::Duration};
///
/// struct Restart;
///
/// impl RecoveryStrategy for Restart {
///     fn wait_before(&self, attempt: &Attempt) -> Option<Duration> {
///         Doubling::default().wait_before(attempt)
///     }
///
///     fn repair<'a>(
///         &'a self,
///         attempt: &'a Attempt,
///     ) -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>> {
///         Box::pin(async move {
///             println!("restarting {} for the {}. time", attempt.key, attempt.number);
///             Ok(())
///         })
///     }
/// }
///
/// let policy = QuarantinePolicy::new().strategy(Restart);
/// ```
pub trait RecoveryStrategy: Send + Sync + 'static {
    /// How long to wait before `attempt`, of which up to a fifth is taken off at random; `None` to give
    /// up. Quick: it is asked where others wait.
    fn wait_before(&self, attempt: &Attempt) -> Option<Duration>;

    /// Does what can be done before the resource is looked at. An error is a failed attempt. The
    /// default does nothing.
    fn repair<'a>(
        &'a self,
        attempt: &'a Attempt,
    ) -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>> {
        let _ = attempt;
        Box::pin(ready(Ok(())))
    }
}

/// Waits twice as long before each attempt: 1, 2, 4, 8 s and so on, at most 60 s, 10 times. Each time
/// that the resource had to be quarantined again lately, it begins twice as far on.
///
/// # Examples
///
/// ```
/// use nebula_resource::quarantine::Doubling;
/// use std::time::Duration;
///
/// let patient = Doubling::new(Duration::from_millis(250), Duration::from_secs(5), 100)?;
/// assert!(Doubling::new(Duration::ZERO, Duration::from_secs(5), 100).is_err());
/// # Ok::<(), nebula_resource::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubling {
    first: Duration,
    most: Duration,
    attempts: u32,
}

impl Doubling {
    /// From `first` to `most`, for so many attempts.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] if `first` is less than 10 ms, `most` less than `first` or more than a day, or
    /// there are no attempts.
    pub fn new(first: Duration, most: Duration, attempts: u32) -> Result<Self, ValidationError> {
        if first < SHORTEST {
            let actual = format!("{first:?}");
            return Err(ValidationError::new("first", "at least 10 ms", actual));
        }
        if most < first || most > LONGEST {
            let constraint = format!("from first ({first:?}) to a day");
            return Err(ValidationError::new(
                "most",
                constraint,
                format!("{most:?}"),
            ));
        }
        if attempts == 0 {
            return Err(ValidationError::new("attempts", "at least 1", attempts));
        }
        Ok(Self {
            first,
            most,
            attempts,
        })
    }
}

/// No wait is shorter, whatever a strategy says.
pub(crate) const SHORTEST: Duration = Duration::from_millis(10);

/// No wait is longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Doubling {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(60),
            attempts: 10,
        }
    }
}

impl RecoveryStrategy for Doubling {
    fn wait_before(&self, attempt: &Attempt) -> Option<Duration> {
        if attempt.number > self.attempts {
            return None;
        }
        let doublings = (attempt.number - 1).saturating_add(attempt.strikes.saturating_sub(1));
        let factor = 2_u32.saturating_pow(doublings);
        Some(self.first.saturating_mul(factor).min(self.most))
    }
}

impl fmt::Debug for dyn RecoveryStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryStrategy")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attempt(number: u32, strikes: u32) -> Attempt {
        Attempt {
            key: Key::new("db").unwrap(),
            scope: Scope::GLOBAL,
            number,
            strikes,
        }
    }

    #[test]
    fn waits_double_up_to_a_minute_ten_times() {
        let waits = (1..12).map(|number| Doubling::default().wait_before(&attempt(number, 1)));
        let seconds: Vec<_> = waits.map(|wait| wait.map(|wait| wait.as_secs())).collect();
        let ten = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map(Some);
        assert_eq!(seconds[..10], ten);
        assert_eq!(seconds[10], None);
    }

    #[test]
    fn bad_schedules_are_refused() {
        let second = Duration::from_secs(1);
        let field = |first, most, attempts| Doubling::new(first, most, attempts).unwrap_err().field;
        assert_eq!(field(Duration::ZERO, second, 1), "first");
        assert_eq!(field(second, second / 2, 1), "most");
        assert_eq!(field(second, Duration::MAX, 1), "most");
        assert_eq!(field(second, second, 0), "attempts");
    }

    proptest! {
        #[test]
        fn who_was_struck_more_often_waits_no_shorter(
            number in 1_u32..=10, strikes in 1_u32..1000,
        ) {
            let wait = |strikes| Doubling::default().wait_before(&attempt(number, strikes)).unwrap();
            prop_assert!(wait(strikes) <= wait(strikes + 1));
            prop_assert!(wait(strikes) <= Duration::from_secs(60));
        }
    }
}
