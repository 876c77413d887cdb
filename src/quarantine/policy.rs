//! When a resource is quarantined, and what comes after it.
//!
//! Decides the defaults, and which settings make sense.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::ValidationError;

use super::strategy::{Doubling, LONGEST, RecoveryStrategy, SHORTEST};

/// When a resource is quarantined, how it is brought back, and what happens when that fails.
///
/// | setting | default |
/// |---|---|
/// | [`after`](Self::after): failed checks in a row | 3 |
/// | [`strategy`](Self::strategy) | [`Doubling`]: 1, 2, 4 … 60 s, 10 attempts |
/// | [`keep_looking`](Self::keep_looking): given up, looked at every | 60 s |
/// | [`forgive_after`](Self::forgive_after): a strike is forgotten after so long in health | 10 min |
/// | [`ramp`](Self::ramp): brought back, handed out in full after | 10 s |
///
/// # Examples
///
/// ```
/// use nebula_resource::quarantine::{Doubling, QuarantinePolicy};
/// use std::time::Duration;
///
/// let policy = QuarantinePolicy::new()
///     .after(5)
///     .strategy(Doubling::new(Duration::from_secs(1), Duration::from_secs(10), 30)?)
///     .keep_looking(Some(Duration::from_secs(300)));
/// # Ok::<(), nebula_resource::ValidationError>(())
/// ```
#[derive(Clone)]
pub struct QuarantinePolicy {
    pub(crate) after: u32,
    pub(crate) strategy: Arc<dyn RecoveryStrategy>,
    pub(crate) keep_looking: Option<Duration>,
    pub(crate) forgive_after: Duration,
    pub(crate) ramp: Duration,
}

impl QuarantinePolicy {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            after: 3,
            strategy: Arc::new(Doubling::default()),
            keep_looking: Some(Duration::from_secs(60)),
            forgive_after: Duration::from_secs(10 * 60),
            ramp: Duration::from_secs(10),
        }
    }

    /// After how many failed checks in a row it is quarantined. At least 1.
    pub const fn after(mut self, failures: u32) -> Self {
        self.after = failures;
        self
    }

    /// How it is brought back.
    pub fn strategy(mut self, strategy: impl RecoveryStrategy) -> Self {
        self.strategy = Arc::new(strategy);
        self
    }

    /// How often it is looked at once it has been given up, so that nobody has to get up at night for a
    /// backend that came back by itself; `None` for never. At least 10 ms, and at most a day.
    pub const fn keep_looking(mut self, every: Option<Duration>) -> Self {
        self.keep_looking = every;
        self
    }

    /// After how long in health one strike is forgotten. Each strike doubles the first wait of the next
    /// quarantine. More than zero.
    pub const fn forgive_after(mut self, healthy: Duration) -> Self {
        self.forgive_after = healthy;
        self
    }

    /// For how long after it came back callers get less than all of it at once: a tenth of its
    /// `max_size` at first, and then more and more. Those who come too many wait. Zero for not at all, at
    /// most an hour.
    pub const fn ramp(mut self, full_after: Duration) -> Self {
        self.ramp = full_after;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        if self.after == 0 {
            return Err(ValidationError::new("quarantine.after", "at least 1", 0));
        }
        let wrong = |field, constraint: &'static str, actual: Duration| {
            Err(ValidationError::new(
                field,
                constraint,
                format!("{actual:?}"),
            ))
        };
        if let Some(every) = self.keep_looking
            && !(SHORTEST..=LONGEST).contains(&every)
        {
            return wrong("quarantine.keep_looking", "from 10 ms to a day", every);
        }
        if self.forgive_after.is_zero() {
            let constraint = "more than zero";
            return wrong("quarantine.forgive_after", constraint, self.forgive_after);
        }
        if self.ramp > HOUR {
            return wrong("quarantine.ramp", "at most an hour", self.ramp);
        }
        Ok(())
    }
}

impl Default for QuarantinePolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for QuarantinePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuarantinePolicy")
            .field("after", &self.after)
            .field("keep_looking", &self.keep_looking)
            .field("forgive_after", &self.forgive_after)
            .field("ramp", &self.ramp)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let field = |policy: QuarantinePolicy| policy.validate().map_err(|error| error.field);
        let default = QuarantinePolicy::new;
        assert_eq!(field(default()), Ok(()));
        assert_eq!(field(default().keep_looking(None)), Ok(()));
        assert_eq!(field(default().after(0)), Err("quarantine.after"));
        let never = Some(Duration::ZERO);
        assert_eq!(
            field(default().keep_looking(never)),
            Err("quarantine.keep_looking")
        );
        let zero = default().forgive_after(Duration::ZERO);
        assert_eq!(field(zero), Err("quarantine.forgive_after"));
        assert_eq!(field(default().ramp(Duration::MAX)), Err("quarantine.ramp"));
    }
}
