//! Resources that know how to tell whether an instance is well.
//!
//! Decides nothing; vocabulary only.

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::BoxError;

use super::HealthState;
use crate::resource::{BlockingResource, Resource};

/// How often an instance is asked, unless its resource or its registration says otherwise.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);

/// How long it may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// A [`Resource`] that can tell how well one of its instances is.
///
/// It is asked where the registration says so with
/// [`health_check`](crate::manager::Registration::health_check). A resource without this trait can be
/// checked too: then the question is [`Resource::is_valid`].
///
/// # Examples
///
/// ```
/// use nebula_resource::health::{HealthCheckable, HealthState};
/// use nebula_resource::{CreateContext, Manager, Resource};
///
/// struct Replica; // of a database
/// # struct Session;
/// # impl Session { async fn lag(&mut self) -> Result<f64, std::io::Error> { Ok(0.0) } }
///
/// impl Resource for Replica {
///     # type Config = ();
///     # type Instance = Session;
///     # type Error = std::io::Error;
///     // …
///     # async fn create(&self, _: &(), _: &CreateContext) -> std::io::Result<Session> { Ok(Session) }
/// }
///
/// impl HealthCheckable for Replica {
///     async fn health_check(&self, session: &mut Session) -> Result<HealthState, std::io::Error> {
///         let seconds = session.lag().await?; // an error: unhealthy, for the time being
///         Ok(match seconds {
///             ..1.0 => HealthState::Healthy,
///             _ => HealthState::degraded("it lags behind", (seconds / 60.0).min(1.0)).unwrap(),
///         })
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let manager = Manager::new();
/// manager.register("replica", Replica, ()).health_check().await?;
/// # Ok::<(), nebula_resource::BoxError>(())
/// # }).unwrap();
/// ```
pub trait HealthCheckable: Resource {
    /// Answers how well this instance is; an error says that it is not, and may recover.
    ///
    /// Bounded by [`check_timeout`](Self::check_timeout). An instance whose check did not end is not
    /// used again.
    fn health_check(
        &self,
        instance: &mut Self::Instance,
    ) -> impl Future<Output = Result<HealthState, Self::Error>> + Send;

    /// How often. The policy at registration has the last word.
    fn check_interval(&self) -> Duration {
        INTERVAL
    }

    /// How long one check may take, with everything. The policy at registration has the last word.
    fn check_timeout(&self) -> Duration {
        TIMEOUT
    }

    /// How to call it where calls may block; not for implementers.
    #[doc(hidden)]
    fn blocking_check(this: &Arc<Self>) -> Option<Arc<dyn BlockingCheck<Self::Instance>>>
    where
        Self: Sized,
    {
        let _ = this;
        None
    }
}

/// A [`BlockingResource`] that can tell how well one of its instances is: as [`HealthCheckable`],
/// without async. It runs on a helper thread.
pub trait BlockingHealthCheckable: BlockingResource {
    /// Answers how well this instance is; see [`HealthCheckable::health_check`].
    ///
    /// # Errors
    ///
    /// Why it is not well; it may recover.
    fn health_check(&self, instance: &mut Self::Instance) -> Result<HealthState, Self::Error>;

    /// How often; see [`HealthCheckable::check_interval`].
    fn check_interval(&self) -> Duration {
        INTERVAL
    }

    /// How long one check may take; see [`HealthCheckable::check_timeout`].
    fn check_timeout(&self) -> Duration {
        TIMEOUT
    }
}

/// In place: the manager asks [`HealthCheckable::blocking_check`] and takes it to a helper thread.
impl<B: BlockingHealthCheckable> HealthCheckable for B {
    fn health_check(
        &self,
        instance: &mut B::Instance,
    ) -> impl Future<Output = Result<HealthState, B::Error>> + Send {
        ready(BlockingHealthCheckable::health_check(self, instance))
    }

    fn check_interval(&self) -> Duration {
        BlockingHealthCheckable::check_interval(self)
    }

    fn check_timeout(&self) -> Duration {
        BlockingHealthCheckable::check_timeout(self)
    }

    fn blocking_check(this: &Arc<Self>) -> Option<Arc<dyn BlockingCheck<B::Instance>>> {
        let check: Arc<dyn BlockingCheck<B::Instance>> = Arc::<Self>::clone(this);
        Some(check)
    }
}

#[doc(hidden)]
pub trait BlockingCheck<I>: Send + Sync {
    fn check_dyn(&self, instance: &mut I) -> Result<HealthState, BoxError>;
}

impl<B: BlockingHealthCheckable> BlockingCheck<B::Instance> for B {
    fn check_dyn(&self, instance: &mut B::Instance) -> Result<HealthState, BoxError> {
        BlockingHealthCheckable::health_check(self, instance).map_err(Into::into)
    }
}
