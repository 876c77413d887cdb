//! What is looked at in a check: one thing after the other.
//!
//! Decides what each of the built-in stages takes for well, and that the first that finds a resource
//! unhealthy is the last. Knows nothing of when a check comes, or of what follows from it.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nebula_resource_core::{Status, ValidationError};

use super::{HealthState, Impact};
use crate::key::Key;
use crate::scope::Scope;

/// What a stage answers, once it has.
pub type Examining<'a> = Pin<Box<dyn Future<Output = HealthState> + Send + 'a>>;

/// One thing that is looked at in a check.
///
/// Stages are run one after the other, until one finds the resource unhealthy or the check's time is
/// up; the worst that was found counts. A stage that panics has found it unhealthy.
///
/// # Examples
///
/// ```
/// use nebula_resource::health::{Examination, Examining, HealthPolicy, HealthState, Stage};
///
/// /// A pool in which many wait is as good as down.
/// struct Crowded(usize);
///
/// impl Stage for Crowded {
///     fn name(&self) -> &str {
///         "crowded"
///     }
///
///     fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a> {
///         Box::pin(async move {
///             let waiting = resource.pool().waiting;
///             match waiting > self.0 {
///                 true => HealthState::unhealthy(format!("{waiting} are waiting")),
///                 false => HealthState::Healthy,
///             }
///         })
///     }
/// }
///
/// let policy = HealthPolicy::new().stage(Crowded(100));
/// ```
pub trait Stage: Send + Sync + 'static {
    /// What it is called.
    fn name(&self) -> &str;

    /// Looks at a resource.
    fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a>;
}

/// What came of asking an instance.
#[derive(Clone, Debug)]
pub(crate) struct Probed {
    pub(crate) state: HealthState,
    /// How long the instance took to answer; `None` if none was asked, or did not answer.
    pub(crate) latency: Option<Duration>,
}

/// A resource that is being looked at.
pub struct Examination {
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) pool: Status,
    pub(crate) oldest_waiter: Option<Duration>,
    pub(crate) needs: Vec<(Key, HealthState)>,
    pub(crate) asking: Mutex<Option<Pin<Box<dyn Future<Output = Probed> + Send>>>>,
    pub(crate) probed: Mutex<Option<Probed>>,
}

impl Examination {
    /// What the resource is called.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Whose it is.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// How its pool stood when the check began.
    pub const fn pool(&self) -> Status {
        self.pool
    }

    /// How long the one that has waited longest had waited when the check began.
    pub const fn oldest_waiter(&self) -> Option<Duration> {
        self.oldest_waiter
    }

    /// What it needs, and how that was when the check began; what has no health policy is unknown.
    pub fn needs(&self) -> &[(Key, HealthState)] {
        &self.needs
    }

    /// How long an instance took to answer, where one was asked: after [`Connectivity`].
    pub fn latency(&self) -> Option<Duration> {
        self.probed().as_ref().and_then(|probed| probed.latency)
    }

    fn probed(&self) -> Option<Probed> {
        let probed = self.probed.lock().unwrap_or_else(PoisonError::into_inner);
        probed.clone()
    }

    /// Asks an instance; the second time, it is known.
    async fn probe(&self) -> HealthState {
        if let Some(known) = self.probed() {
            return known.state;
        }
        let asking = self
            .asking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(asking) = asking else {
            return HealthState::Unknown;
        };
        let probed = asking.await;
        let state = probed.state.clone();
        *self.probed.lock().unwrap_or_else(PoisonError::into_inner) = Some(probed);
        state
    }

    /// Looks at one thing after the other; answers the worst. Tells what it is at.
    pub(crate) async fn go_through(
        &self,
        stages: &[Arc<dyn Stage>],
        mut at: impl FnMut(&str),
    ) -> HealthState {
        let mut worst = HealthState::Healthy;
        for stage in stages {
            at(stage.name());
            worst = worst.or_worse(stage.examine(self).await);
            if !worst.is_served() {
                break;
            }
        }
        worst
    }
}

impl fmt::Debug for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Examination")
            .field("key", &self.key)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Takes an instance, or has one made, and asks it: [`HealthCheckable::health_check`], or
/// [`Resource::is_valid`] where that is all there is. Always the first stage.
///
/// An instance that is not well is let go, and another is asked: a single one says nothing about its
/// resource. Where all are in use and none comes back in time, nothing was seen.
///
/// [`HealthCheckable::health_check`]: super::HealthCheckable::health_check
/// [`Resource::is_valid`]: crate::Resource::is_valid
#[derive(Clone, Copy, Debug, Default)]
pub struct Connectivity;

impl Stage for Connectivity {
    fn name(&self) -> &str {
        "connectivity"
    }

    fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a> {
        Box::pin(resource.probe())
    }
}

/// An instance that answers too slowly is degraded: the more so, the slower.
#[derive(Clone, Copy, Debug)]
pub struct Performance(Duration);

impl Performance {
    /// Takes longer answers than this for degraded. At twice as long, half of it is lost.
    pub const fn slower_than(threshold: Duration) -> Self {
        Self(threshold)
    }
}

impl Stage for Performance {
    fn name(&self) -> &str {
        "performance"
    }

    fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a> {
        let slow = resource.latency().filter(|took| *took > self.0);
        let state = slow.map_or(HealthState::Healthy, |took| {
            let reason = format!("it took {took:?} to answer, more than {:?}", self.0);
            let lost = took.saturating_sub(self.0);
            let (lost, took) = (lost.as_nanos(), took.as_nanos());
            let part = |nanos| u64::try_from(nanos).unwrap_or(u64::MAX);
            HealthState::degraded_by(reason, Impact::share(part(lost), part(took)))
        });
        Box::pin(ready(state))
    }
}

/// A pool that is nearly all in use is degraded.
#[derive(Clone, Copy, Debug)]
pub struct Utilization(f64);

impl Utilization {
    /// Takes a greater part in use than this for degraded.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for what is not from 0 to 1, NaN above all.
    pub fn above(threshold: f64) -> Result<Self, ValidationError> {
        if (0.0..=1.0).contains(&threshold) {
            return Ok(Self(threshold));
        }
        let field = "utilization";
        Err(ValidationError::new(field, "from 0 to 1", threshold))
    }
}

impl Stage for Utilization {
    fn name(&self) -> &str {
        "utilization"
    }

    fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a> {
        let pool = resource.pool();
        // Those who wait are in use as soon as they can be.
        let wanted = pool.in_use + pool.waiting;
        let used = wanted as f64 / pool.max_size.max(1) as f64;
        let state = if used > self.0 {
            let (wanted, waiting) = (wanted as u64, pool.waiting as u64);
            HealthState::degraded_by(
                format!("nearly all is in use: {pool}"),
                Impact::share(waiting, wanted),
            )
        } else {
            HealthState::Healthy
        };
        Box::pin(ready(state))
    }
}

/// What needs something that is not well is not well either: degraded, and never worse, for it can do
/// some of its work without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dependencies;

impl Stage for Dependencies {
    fn name(&self) -> &str {
        "dependencies"
    }

    fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a> {
        let worst = resource
            .needs()
            .iter()
            .filter(|(_, state)| !matches!(state, HealthState::Healthy | HealthState::Unknown))
            .min_by(|(_, a), (_, b)| a.score().total_cmp(&b.score()));
        let state = worst.map_or(HealthState::Healthy, |(key, state)| {
            // Half as much as if it were its own.
            let lost = ((1.0 - state.score()) * 1000.0) as u64;
            HealthState::degraded_by(format!("{key:?} is {state}"), Impact::share(lost, 2000))
        });
        Box::pin(ready(state))
    }
}

#[cfg(test)]
mod tests;
