//! How well something is, in four words.
//!
//! Decides which of two states is worse, and what an impact is. Knows nothing of checks.

use std::fmt;
use std::sync::Arc;

use nebula_resource_core::ValidationError;

/// How well a resource is, or one of its instances.
///
/// | state | is it handed out? | what is done |
/// |---|---|---|
/// | `Healthy`, `Unknown` | yes | nothing |
/// | `Degraded` | yes | an event warns |
/// | `Unhealthy`, recoverable | no | an instance is replaced; a resource is [quarantined](crate::quarantine) |
/// | `Unhealthy`, not recoverable | no | an instance is cleaned up; a resource has failed |
///
/// # Examples
///
/// ```
/// use nebula_resource::health::HealthState;
///
/// let slow = HealthState::degraded("a replica lags behind", 0.3)?;
/// assert_eq!(slow.to_string(), "degraded by 30 %: a replica lags behind");
/// assert!(slow.is_served() && HealthState::Healthy < slow);
///
/// assert!(HealthState::degraded("who knows", f64::NAN).is_err());
/// # Ok::<(), nebula_resource::ValidationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum HealthState {
    /// As it should be.
    Healthy,
    /// Nobody has looked yet, or nothing could be seen.
    Unknown,
    /// It works, but not as it should.
    Degraded {
        /// Why.
        reason: Arc<str>,
        /// How much of it is lost.
        impact: Impact,
    },
    /// It does not work.
    Unhealthy {
        /// Why.
        reason: Arc<str>,
        /// Whether it can come back. An instance that cannot is cleaned up; a resource that cannot is
        /// not tried again soon.
        recoverable: bool,
    },
}

impl HealthState {
    /// It works, but so much of it is lost: from 0 (nothing) to 1 (all).
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for an impact that is not from 0 to 1, NaN above all.
    pub fn degraded(reason: impl Into<Arc<str>>, impact: f64) -> Result<Self, ValidationError> {
        let impact = Impact::new(impact)?;
        Ok(Self::degraded_by(reason, impact))
    }

    pub(crate) fn degraded_by(reason: impl Into<Arc<str>>, impact: Impact) -> Self {
        let reason = reason.into();
        Self::Degraded { reason, impact }
    }

    /// It does not work, and may come back.
    pub fn unhealthy(reason: impl Into<Arc<str>>) -> Self {
        Self::Unhealthy {
            reason: reason.into(),
            recoverable: true,
        }
    }

    /// It does not work, and will not come back by itself.
    pub fn beyond_recovery(reason: impl Into<Arc<str>>) -> Self {
        Self::Unhealthy {
            reason: reason.into(),
            recoverable: false,
        }
    }

    /// Whether it is handed out.
    pub const fn is_served(&self) -> bool {
        !matches!(self, Self::Unhealthy { .. })
    }

    /// Why it is not well.
    pub const fn reason(&self) -> Option<&Arc<str>> {
        match self {
            Self::Degraded { reason, .. } | Self::Unhealthy { reason, .. } => Some(reason),
            Self::Healthy | Self::Unknown => None,
        }
    }

    /// How much of it is there: from 0 to 1. What is not known counts as well.
    pub const fn score(&self) -> f64 {
        match self {
            Self::Healthy | Self::Unknown => 1.0,
            Self::Degraded { impact, .. } => 1.0 - impact.get(),
            Self::Unhealthy { .. } => 0.0,
        }
    }

    /// A short name for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Degraded { .. } => "degraded",
            Self::Unhealthy { .. } => "unhealthy",
        }
    }

    /// The worse of the two; of equals, this one.
    pub fn or_worse(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// From well to ill.
    const fn rank(&self) -> (u8, f64) {
        match self {
            Self::Healthy => (0, 0.0),
            Self::Unknown => (1, 0.0),
            Self::Degraded { impact, .. } => (2, impact.get()),
            Self::Unhealthy { recoverable, .. } => (if *recoverable { 3 } else { 4 }, 0.0),
        }
    }
}

/// The worse is the greater; two that are equally bad for different reasons are not compared.
impl PartialOrd for HealthState {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        if self == other {
            return Some(std::cmp::Ordering::Equal);
        }
        let order = self.rank().partial_cmp(&other.rank());
        order.filter(|order| order.is_ne())
    }
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy | Self::Unknown => f.write_str(self.name()),
            Self::Degraded { reason, impact } => write!(f, "degraded by {impact}: {reason}"),
            Self::Unhealthy {
                reason,
                recoverable: true,
            } => write!(f, "unhealthy: {reason}"),
            Self::Unhealthy { reason, .. } => write!(f, "unhealthy for good: {reason}"),
        }
    }
}

/// How much of something is lost: from 0 (nothing) to 1 (all).
///
/// # Examples
///
/// ```
/// use nebula_resource::health::Impact;
///
/// assert_eq!(Impact::new(0.25)?.get(), 0.25);
/// assert_eq!(
///     Impact::new(-0.1).unwrap_err().to_string(),
///     "impact must be from 0 to 1, got -0.1",
/// );
/// # Ok::<(), nebula_resource::ValidationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Impact(f64);

impl Impact {
    /// Nothing is lost that could be measured.
    pub const NONE: Self = Self(0.0);

    /// Half of it.
    pub(crate) const HALF: Self = Self(0.5);

    /// # Errors
    ///
    /// [`ValidationError`] for what is not from 0 to 1, NaN above all.
    pub fn new(impact: f64) -> Result<Self, ValidationError> {
        if (0.0..=1.0).contains(&impact) {
            // Without the sign that a zero can have.
            return Ok(Self(impact + 0.0));
        }
        Err(ValidationError::new("impact", "from 0 to 1", impact))
    }

    /// So many of so many; of none, nothing.
    pub(crate) fn share(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::NONE;
        }
        Self((part as f64 / whole as f64).clamp(0.0, 1.0))
    }

    /// From 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = HealthState> {
        prop_oneof![
            Just(HealthState::Healthy),
            Just(HealthState::Unknown),
            (0.0..=1.0).prop_map(|impact| HealthState::degraded("so", impact).unwrap()),
            Just(HealthState::unhealthy("so")),
            Just(HealthState::beyond_recovery("so")),
        ]
    }

    proptest! {
        #[test]
        fn an_impact_is_from_nothing_to_all(impact in any::<f64>()) {
            let accepted = Impact::new(impact);
            prop_assert_eq!(accepted.is_ok(), (0.0..=1.0).contains(&impact));
            if let Ok(accepted) = accepted {
                prop_assert!(accepted.get() >= 0.0 && accepted.get().is_sign_positive());
            }
        }

        #[test]
        fn the_worse_of_two_has_no_better_score(a in any_state(), b in any_state()) {
            let worse = a.clone().or_worse(b.clone());
            prop_assert!(worse == a || worse == b);
            prop_assert!(worse.score() <= a.score() && worse.score() <= b.score());
            prop_assert_eq!(worse.is_served(), a.is_served() && b.is_served());
        }

        #[test]
        fn a_share_is_an_impact(part in any::<u64>(), whole in any::<u64>()) {
            prop_assert!(Impact::new(Impact::share(part, whole).get()).is_ok());
        }
    }

    #[test]
    fn what_is_no_impact_is_refused() {
        for no in [
            f64::NAN,
            f64::INFINITY,
            -f64::INFINITY,
            -f64::MIN_POSITIVE,
            1.0000001,
        ] {
            assert_eq!(Impact::new(no).map_err(|error| error.field), Err("impact"));
        }
        assert_eq!(
            Impact::new(-0.0).map(|zero| zero.get().is_sign_positive()),
            Ok(true)
        );
    }
}
