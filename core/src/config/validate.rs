//! Which configurations a pool accepts, and what it says to the others.
//!
//! Decides the limits of each field; knows nothing of how a field is used. Lower limits of times
//! are "more than zero" and no more, so that tests can run on milliseconds; upper ones only keep
//! out what cannot be meant.

use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;

use super::{Backoff, MAX_CEILING, PoolConfig};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is wrong with a configuration: which field, what it must be, what it is.
///
/// Reads like `max_size must be at least min_idle (4), got 2`.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::config::PoolConfig;
///
/// let error = PoolConfig { max_size: 2, min_idle: 4, ..PoolConfig::default() }
///     .validate()
///     .unwrap_err();
/// assert_eq!(error.field, "max_size");
/// assert_eq!(error.to_string(), "max_size must be at least min_idle (4), got 2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {constraint}, got {actual}")]
#[non_exhaustive]
pub struct ValidationError {
    /// The field, with its path where it is nested: `create_backoff.first`.
    pub field: &'static str,
    /// What it must be; reads on after "must be".
    pub constraint: Cow<'static, str>,
    /// What it is, as it would be written.
    pub actual: String,
}

impl ValidationError {
    /// An error about `field`, which must be `constraint` but is `actual`.
    ///
    /// Public so that configurations of resources can be refused in the same words.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_core::config::ValidationError;
    ///
    /// let error = ValidationError::new("port", "from 1 to 65535", 0);
    /// assert_eq!(error.to_string(), "port must be from 1 to 65535, got 0");
    /// ```
    pub fn new(
        field: &'static str,
        constraint: impl Into<Cow<'static, str>>,
        actual: impl Display,
    ) -> Self {
        Self {
            field,
            constraint: constraint.into(),
            actual: actual.to_string(),
        }
    }
}

impl PoolConfig {
    /// Whether a pool can be made with these settings.
    ///
    /// The limits are written at each field.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] about the first field that is out of its limits, or whose neighbour
    /// contradicts it: `max_size` below `min_idle`, `create_backoff.max` below
    /// `create_backoff.first`.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_core::config::PoolConfig;
    ///
    /// assert!(PoolConfig::default().validate().is_ok());
    /// assert!(PoolConfig { max_size: 0, ..PoolConfig::default() }.validate().is_err());
    /// ```
    pub fn validate(&self) -> Result<(), ValidationError> {
        self.validate_with_ceiling(MAX_CEILING)
    }

    /// Whether a pool with room for `ceiling` objects (1 to [`MAX_CEILING`]) can take these
    /// settings.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate), and besides about the field `ceiling` when that is out of
    /// its own limits, and about `max_size` or `min_idle` when they exceed it.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_core::config::PoolConfig;
    ///
    /// let error = PoolConfig { max_size: 64, ..PoolConfig::default() }
    ///     .validate_with_ceiling(40)
    ///     .unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "max_size must be at most 40 (the ceiling, fixed when the pool is made), got 64",
    /// );
    /// ```
    pub fn validate_with_ceiling(&self, ceiling: usize) -> Result<(), ValidationError> {
        count("ceiling", ceiling)?;
        self.check_sizes(ceiling)?;
        self.check_timeouts()?;
        self.check_ages()?;
        self.check_line()?;
        count("max_concurrent_creates", self.max_concurrent_creates)?;
        self.create_backoff.check()?;
        count("warm_concurrency", self.warm_concurrency)?;
        self.check_maintenance()
    }

    fn check_sizes(&self, ceiling: usize) -> Result<(), ValidationError> {
        count("max_size", self.max_size)?;
        below_ceiling("max_size", self.max_size, ceiling)?;
        below_ceiling("min_idle", self.min_idle, ceiling)?;
        if self.max_size < self.min_idle {
            let constraint = format!("at least min_idle ({})", self.min_idle);
            return Err(ValidationError::new("max_size", constraint, self.max_size));
        }
        Ok(())
    }

    fn check_timeouts(&self) -> Result<(), ValidationError> {
        [
            ("acquire_timeout", self.acquire_timeout),
            ("create_timeout", self.create_timeout),
            ("validate_timeout", self.validate_timeout),
            ("recycle_timeout", self.recycle_timeout),
            ("destroy_timeout", self.destroy_timeout),
        ]
        .into_iter()
        .try_for_each(|(field, value)| {
            let fits = !value.is_zero() && value <= DAY;
            span(field, value, fits, "more than zero and at most one day")
        })
    }

    fn check_ages(&self) -> Result<(), ValidationError> {
        age("idle_timeout", self.idle_timeout)?;
        age("max_lifetime", self.max_lifetime)?;
        // Written so that NaN, which compares false with everything, is refused.
        if !(0.0..=0.5).contains(&self.lifetime_jitter) {
            let constraint = "a number from 0 to 0.5";
            return Err(ValidationError::new(
                "lifetime_jitter",
                constraint,
                self.lifetime_jitter,
            ));
        }
        self.check_uses()?;
        if let Some(value) = self.validate_after {
            let constraint = "at most 365 days, zero for always or \"never\"";
            span("validate_after", value, value <= YEAR, constraint)?;
        }
        age("keepalive_every", self.keepalive_every)?;
        age("leak_after", self.leak_after)
    }

    fn check_line(&self) -> Result<(), ValidationError> {
        if let Some(most) = self.max_waiting
            && !(1..=MAX_CEILING).contains(&most)
        {
            let constraint = format!("from 1 to {MAX_CEILING} or \"never\"");
            return Err(ValidationError::new("max_waiting", constraint, most));
        }
        let Some(value) = self.shed_after else {
            return Ok(());
        };
        let fits = !value.is_zero() && value <= DAY;
        let constraint = "more than zero and at most one day, or \"never\"";
        span("shed_after", value, fits, constraint)
    }

    fn check_uses(&self) -> Result<(), ValidationError> {
        // The largest number TOML can write; what is larger was meant as "never".
        const MOST: u64 = i64::MAX.unsigned_abs();
        match self.max_uses {
            Some(uses) if uses == 0 || uses > MOST => {
                let constraint = format!("from 1 to {MOST} or \"never\"");
                Err(ValidationError::new("max_uses", constraint, uses))
            }
            _ => Ok(()),
        }
    }

    fn check_maintenance(&self) -> Result<(), ValidationError> {
        let fits = (Duration::from_millis(10)..=HOUR).contains(&self.maintenance_every);
        let constraint = "from 10 ms to one hour";
        span(
            "maintenance_every",
            self.maintenance_every,
            fits,
            constraint,
        )
    }
}

impl Backoff {
    fn check(&self) -> Result<(), ValidationError> {
        let constraint = "more than zero and at most one hour";
        for (field, value) in [
            ("create_backoff.first", self.first),
            ("create_backoff.max", self.max),
        ] {
            span(field, value, !value.is_zero() && value <= HOUR, constraint)?;
        }
        let first = humantime::format_duration(self.first);
        let constraint = format!("at least create_backoff.first ({first})");
        span(
            "create_backoff.max",
            self.max,
            self.first <= self.max,
            constraint,
        )
    }
}

fn count(field: &'static str, value: usize) -> Result<(), ValidationError> {
    if (1..=MAX_CEILING).contains(&value) {
        return Ok(());
    }
    Err(ValidationError::new(
        field,
        format!("from 1 to {MAX_CEILING}"),
        value,
    ))
}

fn below_ceiling(field: &'static str, value: usize, ceiling: usize) -> Result<(), ValidationError> {
    if value <= ceiling {
        return Ok(());
    }
    let constraint = format!("at most {ceiling} (the ceiling, fixed when the pool is made)");
    Err(ValidationError::new(field, constraint, value))
}

fn age(field: &'static str, value: Option<Duration>) -> Result<(), ValidationError> {
    let Some(value) = value else { return Ok(()) };
    let fits = !value.is_zero() && value <= YEAR;
    span(
        field,
        value,
        fits,
        "more than zero and at most 365 days, or \"never\"",
    )
}

fn span(
    field: &'static str,
    value: Duration,
    fits: bool,
    constraint: impl Into<Cow<'static, str>>,
) -> Result<(), ValidationError> {
    if fits {
        return Ok(());
    }
    let actual = humantime::format_duration(value);
    Err(ValidationError::new(field, constraint, actual))
}
