//! How the pool of a resource is made.
//!
//! Decides nothing; puts together what the manager and the registration said.

use std::sync::Arc;

use nebula_resource_async::runtime::AnyRuntime;
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{
    Assemble, Backend, Builder, Observer, Options, Pool, PoolConfig, ValidationError,
};

use crate::autoscale::Scaling;
use crate::breaker::{Breaker, BreakerConfig, Breakers};
use crate::health::{HealthPlan, Patient};
use crate::key::Key;
use crate::manager::driver::{Plan, ResourceDriver};
use crate::manager::reports::Audience;
use crate::manager::tenants::Allowance;
use crate::manager::watch::{Ear, Listeners, Watch};
use crate::resource::{CreateContext, Resource};

/// How the pool of a resource is made, each time one is.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    pub(crate) pool: PoolConfig,
    pub(crate) ceiling: Option<usize>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) backend: Option<Backend>,
    pub(crate) measures_holds: bool,
    pub(crate) runtime: Option<AnyRuntime>,
    pub(crate) clock: Option<Clock>,
    pub(crate) listeners: Arc<Listeners>,
    /// Who counts what speaks for the resource and against it.
    pub(crate) audience: Audience,
    /// Who may turn callers away.
    pub(crate) breakers: Breakers,
    /// What sees to its size.
    pub(crate) scaling: Scaling,
    /// Who looks after its health.
    pub(crate) health: HealthPlan,
    /// Where its instances are counted together with those of other pools.
    pub(crate) allowance: Option<Allowance>,
}

impl Setup {
    /// Gives the resource a circuit breaker of its own.
    pub(crate) fn own_breaker(
        &mut self,
        key: &Key,
        config: BreakerConfig,
    ) -> Result<(), ValidationError> {
        let breaker = Breaker::new(key.as_str(), config)?;
        self.breakers.set_own(breaker, &mut self.audience);
        Ok(())
    }

    /// Has its health looked after, if that was asked for.
    pub(crate) fn look_after(&mut self, patient: Patient) -> Result<(), ValidationError> {
        let backend = self.backend.clone();
        self.health.begin(patient.of(backend), &mut self.audience)
    }

    /// A pool of `resource`, of which nothing is created yet.
    pub(crate) fn pool_of<R: Resource>(
        &self,
        pool: PoolConfig,
        resource: Arc<R>,
        config: Arc<R::Config>,
        context: CreateContext,
    ) -> Result<Pool<ResourceDriver<R>>, ValidationError> {
        let (key, scope) = (context.key.clone(), context.scope.clone());
        let (to, audience) = (self.listeners.clone(), self.audience.clone());
        let watch = Watch::new::<R>(key, scope, to, audience);
        let assembly = Assembly {
            resource,
            config,
            context,
            runtime: self.runtime.clone(),
            watch: Arc::new(watch),
            allowance: self.allowance.clone(),
        };
        self.builder(assembly).config(pool).build()
    }

    fn builder<R: Resource>(&self, assembly: Assembly<R>) -> Builder<Assembly<R>> {
        let ear = Ear {
            user: self.observer.clone(),
            watch: Arc::clone(&assembly.watch),
        };
        let mut builder = Builder::new(assembly)
            .observer(ear)
            .measure_holds(self.measures_holds);
        if let Some(ceiling) = self.ceiling {
            builder = builder.ceiling(ceiling);
        }
        if let Some(backend) = &self.backend {
            builder = builder.backend(backend);
        }
        if let Some(clock) = &self.clock {
            builder = builder.clock(clock.clone());
        }
        builder
    }
}

/// A pool of a resource in the making.
struct Assembly<R: Resource> {
    resource: Arc<R>,
    config: Arc<R::Config>,
    context: CreateContext,
    runtime: Option<AnyRuntime>,
    watch: Arc<Watch>,
    allowance: Option<Allowance>,
}

impl<R: Resource> Assemble for Assembly<R> {
    type Pool = Pool<ResourceDriver<R>>;
    type Runtime = AnyRuntime;

    fn set_runtime(&mut self, runtime: AnyRuntime) {
        self.runtime = Some(runtime);
    }

    fn assemble(self, options: Options) -> Result<Self::Pool, ValidationError> {
        let plan = Plan::new(self.config, self.context, self.allowance);
        let runtime = self.runtime;
        let driver = ResourceDriver::new(self.resource, plan, runtime, options.clock(), self.watch);
        let clock = driver.clock();
        Pool::assemble(options, driver, clock)
    }
}
