//! What a registration says of its resource's health, before there is a pool.
//!
//! Decides whether there is anybody who looks after it. Knows nothing of how.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::ValidationError;

use super::probe::Asker;
use super::ward::{Patient, Ward};
use super::{HealthCheckable, HealthPolicy};
use crate::manager::Registration;
use crate::manager::reports::Audience;
use crate::resource::Resource;

/// See the module. Nothing, as a rule.
#[derive(Clone, Default)]
pub(crate) struct HealthPlan {
    policy: Option<HealthPolicy>,
    own: Option<Own>,
    pub(crate) ward: Option<Arc<Ward>>,
}

/// The resource's own check.
#[derive(Clone)]
struct Own {
    /// A [`MakeAsker`] of the resource's type.
    asker: Arc<dyn Any + Send + Sync>,
    interval: Duration,
    timeout: Duration,
}

/// How the question is made, once it is known of which resource.
struct MakeAsker<R: Resource>(fn(&Arc<R>) -> Asker<R>);

impl HealthPlan {
    /// Somebody looks after it from now on, if that was asked for.
    pub(crate) fn begin(
        &mut self,
        patient: Patient,
        audience: &mut Audience,
    ) -> Result<(), ValidationError> {
        let policy = match (self.policy.take(), &self.own) {
            (None, None) => return Ok(()),
            (policy, None) => policy.unwrap_or_default(),
            (policy, Some(own)) => policy
                .unwrap_or_default()
                .or_else(own.interval, own.timeout),
        };
        policy.validate()?;
        let ward = Ward::new(patient, policy);
        audience.add(Arc::<Ward>::clone(&ward));
        self.ward = Some(ward);
        Ok(())
    }

    /// What an instance is asked.
    pub(crate) fn asker<R: Resource>(&self, resource: &Arc<R>) -> Asker<R> {
        let own = self.own.as_ref();
        match own.and_then(|own| own.asker.downcast_ref::<MakeAsker<R>>()) {
            Some(own) => own.0(resource),
            None => Asker::validity(resource),
        }
    }
}

impl<R: Resource> Registration<R> {
    /// Has its health looked after: checked again and again, and kept from callers while it does not
    /// work. Default: nobody looks.
    ///
    /// What an instance is asked is [`Resource::is_valid`], unless
    /// [`health_check`](Self::health_check) is said too.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::health::HealthPolicy;
    /// use nebula_resource::{BlockingResource, CreateContext, Manager};
    /// use std::time::Duration;
    /// # struct Db;
    /// # impl BlockingResource for Db {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    ///
    /// let manager = Manager::new();
    /// let policy = HealthPolicy::new().interval(Duration::from_secs(10));
    /// manager.register("db", Db, ()).health(policy).wait()?;
    /// println!("{}", manager.health());
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// ```
    pub fn health(mut self, policy: HealthPolicy) -> Self {
        self.health_plan().1.policy = Some(policy);
        self
    }

    /// Has its health looked after with the resource's own check, as often as the resource says.
    /// [`health`](Self::health) says the rest; what it says of times has the last word.
    pub fn health_check(mut self) -> Self
    where
        R: HealthCheckable,
    {
        let (resource, plan) = self.health_plan();
        plan.own = Some(Own {
            asker: Arc::new(MakeAsker::<R>(Asker::own)),
            interval: resource.check_interval(),
            timeout: resource.check_timeout(),
        });
        self
    }
}
