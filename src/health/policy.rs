//! How a resource's health is looked after.
//!
//! Decides the defaults, and which settings make sense.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::ValidationError;

use super::checkable::{INTERVAL, TIMEOUT};
use super::stage::Stage;
use crate::quarantine::QuarantinePolicy;

/// How a resource's health is looked after: how often it is checked, what is looked at, and what follows.
///
/// | setting | default |
/// |---|---|
/// | [`interval`](Self::interval) between checks | the resource's own, or 30 s |
/// | [`timeout`](Self::timeout) of one check | the resource's own, or 5 s |
/// | [`stage`](Self::stage)s | [`Connectivity`](super::Connectivity) |
/// | [`degraded_after`](Self::degraded_after): checks in a row | 2 |
/// | [`healthy_after`](Self::healthy_after): checks in a row | 1, and one more for who flaps |
/// | [`reports_after`](Self::reports_after): reported errors in a row that call for a check | 5 |
/// | [`max_ejection_percent`](Self::max_ejection_percent): instances let go in an interval | 10, one at least |
/// | [`history`](Self::history): checks that are remembered | 32 |
/// | [`quarantine`](Self::quarantine) | [`QuarantinePolicy::new`] |
///
/// # Examples
///
/// ```
/// use nebula_resource::health::{HealthPolicy, Performance, Utilization};
/// use std::time::Duration;
///
/// let policy = HealthPolicy::new()
///     .interval(Duration::from_secs(10))
///     .stage(Performance::slower_than(Duration::from_millis(200)))
///     .stage(Utilization::above(0.9)?);
/// # Ok::<(), nebula_resource::ValidationError>(())
/// ```
#[derive(Clone)]
pub struct HealthPolicy {
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stages: Vec<Arc<dyn Stage>>,
    pub(crate) degraded_after: u32,
    pub(crate) healthy_after: u32,
    pub(crate) reports_after: u32,
    pub(crate) max_ejection_percent: u8,
    pub(crate) history: usize,
    pub(crate) quarantine: QuarantinePolicy,
}

impl HealthPolicy {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            interval: None,
            timeout: None,
            stages: Vec::new(),
            degraded_after: 2,
            healthy_after: 1,
            reports_after: 5,
            max_ejection_percent: 10,
            history: 32,
            quarantine: QuarantinePolicy::new(),
        }
    }

    /// The most time between the moment when a backend fails and the check that draws the consequence.
    /// From 10 ms to a day.
    ///
    /// A healthy resource is looked at a little more often: every 0.7 to 0.9 intervals, at random. Once a
    /// check has failed, the next ones come sooner, so that as many as are needed fit in.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// How long one check may take, with everything. More than zero, at most an hour.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// And this is looked at too, after what was said before. A stage that finds it unhealthy is the
    /// last.
    pub fn stage(mut self, stage: impl Stage) -> Self {
        self.stages.push(Arc::new(stage));
        self
    }

    /// How many checks in a row must find it degraded before it is said to be. At least 1.
    pub const fn degraded_after(mut self, checks: u32) -> Self {
        self.degraded_after = checks;
        self
    }

    /// How many checks in a row must find it healthy before it is said to be. At least 1.
    pub const fn healthy_after(mut self, checks: u32) -> Self {
        self.healthy_after = checks;
        self
    }

    /// How many errors that callers [report](crate::ManagedGuard::report) in a row call for a check at
    /// once. If that finds nothing wrong, the resource is degraded for as long as they go on. At least 1.
    pub const fn reports_after(mut self, errors: u32) -> Self {
        self.reports_after = errors;
        self
    }

    /// The part of a resource's instances, in percent, that may be let go within an interval because their
    /// checks failed: so that a wrong check cannot take away everything. One may go always. At most 100.
    pub const fn max_ejection_percent(mut self, percent: u8) -> Self {
        self.max_ejection_percent = percent;
        self
    }

    /// How many checks are remembered, for [`Manager::health`](crate::Manager::health) and the score. From
    /// 1 to 1000.
    pub const fn history(mut self, checks: usize) -> Self {
        self.history = checks;
        self
    }

    /// What happens to a resource that is unhealthy.
    pub fn quarantine(mut self, policy: QuarantinePolicy) -> Self {
        self.quarantine = policy;
        self
    }

    /// In force where nothing else is said.
    pub(crate) fn or_else(mut self, interval: Duration, timeout: Duration) -> Self {
        self.interval = self.interval.or(Some(interval));
        self.timeout = self.timeout.or(Some(timeout));
        self
    }

    pub(crate) fn interval_in_force(&self) -> Duration {
        self.interval.unwrap_or(INTERVAL)
    }

    pub(crate) fn timeout_in_force(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT)
    }

    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        const SHORTEST: Duration = Duration::from_millis(10);
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let (interval, timeout) = (self.interval_in_force(), self.timeout_in_force());
        if !(SHORTEST..=HOUR * 24).contains(&interval) {
            let actual = format!("{interval:?}");
            return Err(ValidationError::new(
                "health.interval",
                "from 10 ms to a day",
                actual,
            ));
        }
        if timeout.is_zero() || timeout > HOUR {
            let constraint = "more than zero and at most an hour";
            let actual = format!("{timeout:?}");
            return Err(ValidationError::new("health.timeout", constraint, actual));
        }
        let counts = [
            ("health.degraded_after", self.degraded_after),
            ("health.healthy_after", self.healthy_after),
            ("health.reports_after", self.reports_after),
        ];
        for (field, count) in counts {
            if count == 0 {
                return Err(ValidationError::new(field, "at least 1", count));
            }
        }
        if self.max_ejection_percent > 100 {
            let actual = self.max_ejection_percent;
            let field = "health.max_ejection_percent";
            return Err(ValidationError::new(field, "at most 100", actual));
        }
        if !(1..=1000).contains(&self.history) {
            let actual = self.history;
            return Err(ValidationError::new(
                "health.history",
                "from 1 to 1000",
                actual,
            ));
        }
        self.quarantine.validate()
    }
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HealthPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages: Vec<_> = self.stages.iter().map(|stage| stage.name()).collect();
        f.debug_struct("HealthPolicy")
            .field("interval", &self.interval)
            .field("timeout", &self.timeout)
            .field("stages", &stages)
            .field("max_ejection_percent", &self.max_ejection_percent)
            .field("quarantine", &self.quarantine)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let field = |policy: HealthPolicy| policy.validate().map_err(|error| error.field);
        let new = HealthPolicy::new;
        assert_eq!(field(new()), Ok(()));
        let zero = Duration::ZERO;
        assert_eq!(field(new().interval(zero)), Err("health.interval"));
        assert_eq!(field(new().interval(Duration::MAX)), Err("health.interval"));
        assert_eq!(field(new().timeout(zero)), Err("health.timeout"));
        assert_eq!(field(new().timeout(Duration::MAX)), Err("health.timeout"));
        assert_eq!(field(new().degraded_after(0)), Err("health.degraded_after"));
        assert_eq!(field(new().healthy_after(0)), Err("health.healthy_after"));
        assert_eq!(field(new().reports_after(0)), Err("health.reports_after"));
        let all_and_more = new().max_ejection_percent(101);
        assert_eq!(field(all_and_more), Err("health.max_ejection_percent"));
        assert_eq!(field(new().history(0)), Err("health.history"));
        let never = QuarantinePolicy::new().after(0);
        assert_eq!(field(new().quarantine(never)), Err("quarantine.after"));
    }
}
