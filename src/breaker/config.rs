//! How a circuit breaker is configured, and what is refused.
//!
//! Decides the limits of each field; knows nothing of how a field is used.

use std::time::Duration;

use nebula_resource_core::ValidationError;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most calls that a window looks back on, and the most trials: what is more cannot be meant.
const MOST_CALLS: u32 = 100_000;
const MOST_TRIALS: u32 = 1_000;

/// When a circuit breaker opens, for how long, and what closes it again.
///
/// It opens when any of its limits is reached; a limit that is `None` is not looked at. Why the
/// defaults are what they are: `docs/decisions/0026-what-a-breaker-counts.md`.
///
/// # Examples
///
/// ```
/// use nebula_resource::breaker::{BreakerConfig, Window};
/// use std::time::Duration;
///
/// let config = BreakerConfig {
///     consecutive_failures: Some(3),
///     failure_rate: Some(0.5),
///     window: Window::Calls(50),
///     slow_call: Some(Duration::from_secs(1)),
///     slow_rate: 0.8,
///     ..BreakerConfig::default()
/// };
/// assert!(config.validate().is_ok());
///
/// let refused = BreakerConfig { failure_rate: Some(f64::NAN), ..config }.validate();
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "breaker.failure_rate must be more than 0 and at most 1, got NaN",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerConfig {
    /// Opens after so many failures with no success between them: 1 to 100,000. Default: 5.
    pub consecutive_failures: Option<u32>,

    /// Opens when this share of the calls in the window has failed: more than 0, at most 1.
    /// Default: 0.5.
    pub failure_rate: Option<f64>,

    /// A call that takes at least so long is slow, whether or not it succeeds: up to one hour.
    /// Default: none is.
    ///
    /// A call lasts from when the instance was handed out, or the last report, until it is
    /// [reported](crate::ManagedGuard::report_ok) or given back; do not set this where instances are
    /// held for long on purpose.
    pub slow_call: Option<Duration>,

    /// Opens when this share of the calls in the window was slow: more than 0, at most 1. Default: 1.
    pub slow_rate: f64,

    /// Which calls the two rates are of. Default: those of the last 30 s.
    pub window: Window,

    /// With fewer calls than this in the window, the rates say nothing: 1 to 100,000, and no more
    /// than the window holds. Default: 10.
    pub minimum_calls: u32,

    /// For how long it stays open the first time: up to one day. Default: 5 s.
    ///
    /// Each time that a trial fails it is twice as long, up to [`open_at_most`](Self::open_at_most);
    /// half of it is random, so that many breakers on one backend do not try it in step.
    pub open_for: Duration,

    /// The longest time that it stays open: `open_for` to one day. Default: 5 min.
    pub open_at_most: Duration,

    /// After it has been closed for so long, the next time it opens counts as the first again: up to
    /// one day. Default: 10 min.
    pub forgives_after: Duration,

    /// How many callers are let through at once while it is half-open: 1 to 1,000. Default: 1.
    pub trials: u32,

    /// So many trials must succeed, with none failing, for it to close: 1 to 1,000. Default: 2.
    pub trials_to_close: u32,

    /// A trial of which nothing has been heard for so long makes room for another: up to one day.
    /// Default: 1 min.
    pub trial_timeout: Duration,
}

/// Which calls the rates of a [breaker](BreakerConfig) are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many: 1 to 100,000. Costs two bytes for each.
    Calls(u32),
    /// Those of the last while, in steps of a tenth of it: 10 ms to one day.
    Time(Duration),
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            consecutive_failures: Some(5),
            failure_rate: Some(0.5),
            slow_call: None,
            slow_rate: 1.0,
            window: Window::Time(Duration::from_secs(30)),
            minimum_calls: 10,
            open_for: Duration::from_secs(5),
            open_at_most: Duration::from_secs(300),
            forgives_after: Duration::from_secs(600),
            trials: 1,
            trials_to_close: 2,
            trial_timeout: Duration::from_secs(60),
        }
    }
}

impl BreakerConfig {
    /// Whether a breaker can be made with these settings.
    ///
    /// # Errors
    ///
    /// About the first field that is out of its limits.
    pub fn validate(&self) -> Result<(), ValidationError> {
        if let Some(failures) = self.consecutive_failures {
            count("breaker.consecutive_failures", failures, MOST_CALLS)?;
        }
        if let Some(rate) = self.failure_rate {
            share("breaker.failure_rate", rate)?;
        }
        if let Some(slow) = self.slow_call {
            span("breaker.slow_call", slow, HOUR, "one hour")?;
        }
        share("breaker.slow_rate", self.slow_rate)?;
        self.check_that_something_opens_it()?;
        self.check_window()?;
        let spans = [
            ("breaker.open_for", self.open_for),
            ("breaker.open_at_most", self.open_at_most),
            ("breaker.forgives_after", self.forgives_after),
            ("breaker.trial_timeout", self.trial_timeout),
        ];
        for (field, value) in spans {
            span(field, value, DAY, "one day")?;
        }
        if self.open_at_most < self.open_for {
            let constraint = format!("at least breaker.open_for ({:?})", self.open_for);
            let actual = format!("{:?}", self.open_at_most);
            return Err(ValidationError::new(
                "breaker.open_at_most",
                constraint,
                actual,
            ));
        }
        count("breaker.trials", self.trials, MOST_TRIALS)?;
        count("breaker.trials_to_close", self.trials_to_close, MOST_TRIALS)
    }

    fn check_that_something_opens_it(&self) -> Result<(), ValidationError> {
        let limits = (self.consecutive_failures, self.failure_rate, self.slow_call);
        if matches!(limits, (None, None, None)) {
            let constraint = "given where there is neither a failure_rate nor a slow_call";
            let field = "breaker.consecutive_failures";
            return Err(ValidationError::new(field, constraint, "nothing"));
        }
        Ok(())
    }

    fn check_window(&self) -> Result<(), ValidationError> {
        count("breaker.minimum_calls", self.minimum_calls, MOST_CALLS)?;
        match self.window {
            Window::Calls(calls) => {
                count("breaker.window", calls, MOST_CALLS)?;
                if self.minimum_calls > calls {
                    let constraint = format!("at most breaker.window ({calls} calls)");
                    let actual = self.minimum_calls;
                    let field = "breaker.minimum_calls";
                    return Err(ValidationError::new(field, constraint, actual));
                }
                Ok(())
            }
            Window::Time(span) => {
                if (Duration::from_millis(10)..=DAY).contains(&span) {
                    return Ok(());
                }
                let constraint = "from 10 ms to one day";
                let actual = format!("{span:?}");
                Err(ValidationError::new("breaker.window", constraint, actual))
            }
        }
    }

    /// Whether any of its limits is about a share of all calls.
    pub(super) const fn has_rates(&self) -> bool {
        self.failure_rate.is_some() || self.slow_call.is_some()
    }

    /// For how long it stays open the `times`th time in a row: doubling, half of it random.
    pub(super) fn open_span(&self, times: u32, random: u64) -> Duration {
        let doublings = times.saturating_sub(1).min(31);
        let full = self.open_for.saturating_mul(1 << doublings);
        let full = full.min(self.open_at_most);
        full.mul_f64(0.5 + fraction(random) / 2.0)
    }
}

/// From 0 to 1, without 1.
pub(crate) fn fraction(random: u64) -> f64 {
    // The bits that a float has room for.
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

fn count(field: &'static str, value: u32, most: u32) -> Result<(), ValidationError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(ValidationError::new(
        field,
        format!("from 1 to {most}"),
        value,
    ))
}

fn share(field: &'static str, value: f64) -> Result<(), ValidationError> {
    // What is no number is in no range.
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    let constraint = "more than 0 and at most 1";
    Err(ValidationError::new(field, constraint, value))
}

fn span(
    field: &'static str,
    value: Duration,
    most: Duration,
    most_in_words: &str,
) -> Result<(), ValidationError> {
    if !value.is_zero() && value <= most {
        return Ok(());
    }
    let constraint = format!("more than zero and at most {most_in_words}");
    Err(ValidationError::new(
        field,
        constraint,
        format!("{value:?}"),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    type Change = fn(&mut BreakerConfig);

    /// Row 23 of the fault matrix.
    #[test]
    fn fault_23_hostile_settings_are_refused_by_name() {
        let hostile: [(&str, Change); 22] = [
            ("consecutive_failures", |c| c.consecutive_failures = Some(0)),
            ("consecutive_failures", |c| {
                c.consecutive_failures = Some(u32::MAX);
            }),
            ("failure_rate", |c| c.failure_rate = Some(0.0)),
            ("failure_rate", |c| c.failure_rate = Some(-0.5)),
            ("failure_rate", |c| c.failure_rate = Some(1.01)),
            ("failure_rate", |c| c.failure_rate = Some(f64::NAN)),
            ("failure_rate", |c| c.failure_rate = Some(f64::INFINITY)),
            ("slow_call", |c| c.slow_call = Some(Duration::ZERO)),
            ("slow_call", |c| c.slow_call = Some(Duration::MAX)),
            ("slow_rate", |c| c.slow_rate = 0.0),
            ("slow_rate", |c| c.slow_rate = f64::NAN),
            ("window", |c| {
                (c.window, c.minimum_calls) = (Window::Calls(0), 1);
            }),
            ("window", |c| c.window = Window::Time(Duration::ZERO)),
            ("window", |c| c.window = Window::Time(Duration::MAX)),
            ("minimum_calls", |c| c.minimum_calls = 0),
            ("minimum_calls", |c| c.window = Window::Calls(9)),
            ("open_for", |c| c.open_for = Duration::ZERO),
            ("open_at_most", |c| c.open_at_most = Duration::from_secs(1)),
            ("forgives_after", |c| c.forgives_after = Duration::MAX),
            ("trials", |c| c.trials = 0),
            ("trials_to_close", |c| c.trials_to_close = u32::MAX),
            ("trial_timeout", |c| c.trial_timeout = Duration::ZERO),
        ];
        for (at, (field, change)) in hostile.into_iter().enumerate() {
            let mut config = BreakerConfig::default();
            change(&mut config);
            let refused = config.validate().unwrap_err();
            assert_eq!(refused.field, format!("breaker.{field}"), "{at}: {refused}");
        }
    }

    #[test]
    fn one_that_nothing_opens_is_refused() {
        let config = BreakerConfig {
            consecutive_failures: None,
            failure_rate: None,
            ..BreakerConfig::default()
        };
        assert_eq!(
            config.validate().unwrap_err().field,
            "breaker.consecutive_failures"
        );
        let slow_call = Some(Duration::from_secs(1));
        assert!(
            BreakerConfig {
                slow_call,
                ..config
            }
            .validate()
            .is_ok()
        );
    }

    #[test]
    fn it_stays_open_longer_each_time_up_to_a_limit() {
        let config = BreakerConfig::default();
        let longest = |times| config.open_span(times, u64::MAX).as_secs_f64().round();
        assert_eq!([1, 2, 3].map(longest), [5.0, 10.0, 20.0]);
        assert_eq!([7, 32, u32::MAX].map(longest), [300.0; 3]);
        assert_eq!(config.open_span(1, 0), Duration::from_millis(2500));
    }
}
