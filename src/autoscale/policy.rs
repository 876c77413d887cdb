//! When a pool is to be larger or smaller, in numbers.
//!
//! Decides which numbers make sense. Knows nothing of pools.

use std::time::Duration;

use nebula_resource_core::ValidationError;
use nebula_resource_core::config::MAX_CEILING;

/// What is thought of as a long time, here.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a pool is measured in as a rule: more often would say nothing new.
const SHORTEST: Duration = Duration::from_millis(10);

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// They are.
    #[default]
    Act,
    /// They are told, and nothing is changed.
    Advise,
}

/// When a pool's `max_size` is to grow and to shrink, and how far.
///
/// What counts is demand: instances in use and callers in line, in proportion to `max_size`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use nebula_resource::autoscale::{AutoscalePolicy, Mode};
///
/// let policy = AutoscalePolicy {
///     high_for: Duration::from_secs(10),
///     mode: Mode::Advise,
///     ..AutoscalePolicy::between(4, 64)
/// };
/// assert!(policy.validate().is_ok());
///
/// let crossed = AutoscalePolicy { low: 0.9, ..policy };
/// let refused = crossed.validate().unwrap_err();
/// assert_eq!(refused.to_string(), "autoscale.low must be less than high (0.8), got 0.9");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AutoscalePolicy {
    /// `max_size` never becomes less than this. At least 1, and `min_idle` of the pool. Default: 1.
    pub min: usize,
    /// `max_size` never becomes more than this. At most the pool's ceiling. Default: 40.
    pub max: usize,
    /// Demand is high from here on: a part of `max_size`, more than `low` and at most 1. Default: 0.8.
    pub high: f64,
    /// For so long demand must be high without a break. Default: 30 s.
    pub high_for: Duration,
    /// Then there may be so many more. Default: 2.
    pub step_up: usize,
    /// Demand is low up to here: a part of `max_size`, more than 0. Default: 0.2.
    pub low: f64,
    /// For so long demand must be low without a break. Default: 5 min.
    pub low_for: Duration,
    /// Then there may be so many fewer. Default: 1.
    pub step_down: usize,
    /// After each change, for so long there is no other. Default: 30 s.
    pub cooldown: Duration,
    /// How often demand is measured; not less often than `high_for` and `low_for` are long. Default:
    /// 5 s.
    pub every: Duration,
    /// Whether decisions are carried out. Default: they are.
    pub mode: Mode,
}

impl Default for AutoscalePolicy {
    fn default() -> Self {
        Self {
            min: 1,
            max: 40,
            high: 0.8,
            high_for: Duration::from_secs(30),
            step_up: 2,
            low: 0.2,
            low_for: Duration::from_secs(5 * 60),
            step_down: 1,
            cooldown: Duration::from_secs(30),
            every: Duration::from_secs(5),
            mode: Mode::Act,
        }
    }
}

impl AutoscalePolicy {
    /// The defaults, between these limits.
    pub fn between(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            ..Self::default()
        }
    }

    /// Whether it makes sense. The limits are written at each field.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] about the first field that is out of its limits, or whose neighbour
    /// contradicts it.
    pub fn validate(&self) -> Result<(), ValidationError> {
        self.check_sizes()?;
        self.check_watermarks()?;
        self.check_spans()
    }

    fn check_sizes(&self) -> Result<(), ValidationError> {
        for (field, value) in [
            ("autoscale.min", self.min),
            ("autoscale.max", self.max),
            ("autoscale.step_up", self.step_up),
            ("autoscale.step_down", self.step_down),
        ] {
            if !(1..=MAX_CEILING).contains(&value) {
                let constraint = format!("from 1 to {MAX_CEILING}");
                return Err(ValidationError::new(field, constraint, value));
            }
        }
        if self.max < self.min {
            let constraint = format!("at least min ({})", self.min);
            return Err(ValidationError::new("autoscale.max", constraint, self.max));
        }
        Ok(())
    }

    fn check_watermarks(&self) -> Result<(), ValidationError> {
        // Written so that NaN, which compares false with everything, is refused.
        for (field, value) in [("autoscale.high", self.high), ("autoscale.low", self.low)] {
            if !(value > 0.0 && value <= 1.0) {
                let constraint = "a number that is more than 0 and at most 1";
                return Err(ValidationError::new(field, constraint, value));
            }
        }
        if self.low >= self.high {
            let constraint = format!("less than high ({})", self.high);
            return Err(ValidationError::new("autoscale.low", constraint, self.low));
        }
        Ok(())
    }

    fn check_spans(&self) -> Result<(), ValidationError> {
        let least = [
            ("autoscale.every", self.every, SHORTEST),
            ("autoscale.high_for", self.high_for, self.every),
            ("autoscale.low_for", self.low_for, self.every),
            ("autoscale.cooldown", self.cooldown, Duration::ZERO),
        ];
        for (field, value, least) in least {
            if value < least || value > DAY {
                let constraint = format!("from {least:?} to one day");
                let actual = format!("{value:?}");
                return Err(ValidationError::new(field, constraint, actual));
            }
        }
        Ok(())
    }

    /// Whether it makes sense for a pool of this stock and ceiling.
    pub(crate) fn fits(&self, min_idle: usize, ceiling: usize) -> Result<(), ValidationError> {
        self.validate()?;
        if self.min < min_idle {
            let constraint = format!("at least min_idle ({min_idle})");
            return Err(ValidationError::new("autoscale.min", constraint, self.min));
        }
        if self.max > ceiling {
            let constraint =
                format!("at most {ceiling} (the ceiling, fixed when the pool is made)");
            return Err(ValidationError::new("autoscale.max", constraint, self.max));
        }
        Ok(())
    }

    /// Whether a pool may be of this size to begin with.
    pub(crate) fn admits(&self, max_size: usize) -> Result<(), ValidationError> {
        let Self { min, max, .. } = self;
        if (*min..=*max).contains(&max_size) {
            return Ok(());
        }
        let constraint = format!("from {min} to {max} (min and max of its autoscaling)");
        Err(ValidationError::new("max_size", constraint, max_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Spoil = fn(&mut AutoscalePolicy);

    #[test]
    fn the_defaults_are_those_of_the_documentation_and_valid() {
        let policy = AutoscalePolicy::default();
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!((policy.high, policy.low), (0.8, 0.2));
        assert_eq!((policy.step_up, policy.step_down), (2, 1));
        assert_eq!(policy.high_for, Duration::from_secs(30));
        assert_eq!(policy.low_for, Duration::from_secs(300));
        assert_eq!(policy.mode, Mode::Act);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let spoils: [(&str, Spoil); 26] = [
            ("autoscale.min", |p| p.min = 0),
            ("autoscale.min", |p| p.min = usize::MAX),
            ("autoscale.max", |p| p.max = 0),
            ("autoscale.max", |p| p.max = MAX_CEILING + 1),
            ("autoscale.max", |p| p.min = 41),
            ("autoscale.step_up", |p| p.step_up = 0),
            ("autoscale.step_up", |p| p.step_up = usize::MAX),
            ("autoscale.step_down", |p| p.step_down = 0),
            ("autoscale.high", |p| p.high = f64::NAN),
            ("autoscale.high", |p| p.high = f64::INFINITY),
            ("autoscale.high", |p| p.high = 1.1),
            ("autoscale.high", |p| p.high = -0.8),
            ("autoscale.high", |p| p.high = 0.0),
            ("autoscale.low", |p| p.low = f64::NAN),
            ("autoscale.low", |p| p.low = f64::NEG_INFINITY),
            ("autoscale.low", |p| p.low = 0.0),
            ("autoscale.low", |p| p.low = -0.0),
            ("autoscale.low", |p| p.low = 0.8),
            ("autoscale.low", |p| p.high = 0.1),
            ("autoscale.every", |p| p.every = Duration::ZERO),
            ("autoscale.every", |p| p.every = Duration::MAX),
            ("autoscale.high_for", |p| p.high_for = Duration::ZERO),
            ("autoscale.high_for", |p| p.every = Duration::from_secs(31)),
            ("autoscale.low_for", |p| p.low_for = Duration::ZERO),
            ("autoscale.low_for", |p| p.low_for = Duration::MAX),
            ("autoscale.cooldown", |p| p.cooldown = Duration::MAX),
        ];
        for (field, spoil) in spoils {
            let mut policy = AutoscalePolicy::default();
            spoil(&mut policy);
            let refused = policy.validate().map_err(|error| error.field);
            assert_eq!(refused, Err(field), "{policy:?}");
        }
    }

    #[test]
    fn a_pool_that_it_does_not_fit_is_refused_by_name() {
        let policy = AutoscalePolicy::between(4, 20);
        assert_eq!(policy.fits(4, 20), Ok(()));
        assert!(
            policy
                .fits(5, 20)
                .is_err_and(|error| error.field == "autoscale.min")
        );
        assert!(
            policy
                .fits(4, 19)
                .is_err_and(|error| error.field == "autoscale.max")
        );
        let crossed = AutoscalePolicy {
            low: 0.8,
            ..policy.clone()
        };
        assert!(crossed.fits(4, 20).is_err());
        assert_eq!(
            [3, 4, 20, 21].map(|size| policy.admits(size).is_ok()),
            [false, true, true, false]
        );
    }
}
