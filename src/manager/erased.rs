//! One registered resource: its pool, what it was made of, and how to get at it without its type.
//!
//! Decides what can be done with a resource whose type is not known, and whether a caller who knows
//! it is right. Knows nothing of lookup, or of other resources.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::{
    AcquireError, Closing, Driver, Job, ObjectInfo, Pool, PoolConfig, Status, Totals,
    ValidationError,
};

use crate::common::Common;
use crate::events::EventKind;
use crate::key::Key;
use crate::lifecycle::{Lifecycle, State};
use crate::manager::Inner;
use crate::manager::acquire::{Nothing, Question};
use crate::manager::driver::ResourceDriver;
use crate::manager::error::ReloadError;
use crate::manager::place::Place;
use crate::manager::setup::Setup;
use crate::manager::shutdown::CleanUp;
use crate::manager::watch::Watch;
use crate::provider::AnyGuard;
use crate::resource::{CreateContext, Resource, ResourceConfig};
use crate::scope::Scope;

/// A future of whoever does not know its type.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is known about a registration, whatever its type.
pub(crate) struct About {
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) needs: Vec<Key>,
    /// The configuration's number: 1 at first, one more with each reload.
    pub(crate) generation: u64,
    /// The resource's type, as the compiler calls it.
    pub(crate) resource: &'static str,
    pub(crate) resource_id: TypeId,
    pub(crate) life: Lifecycle,
}

impl About {
    /// About what is new.
    pub(crate) fn new<R: Resource>(key: Key, scope: Scope, needs: Vec<Key>) -> Self {
        Self {
            key,
            scope,
            needs,
            generation: 1,
            resource: type_name::<R>(),
            resource_id: TypeId::of::<R>(),
            life: Lifecycle::new(),
        }
    }

    /// About the same with another configuration.
    fn reloaded(&self) -> Self {
        Self {
            key: self.key.clone(),
            scope: self.scope.clone(),
            needs: self.needs.clone(),
            generation: self.generation + 1,
            resource: self.resource,
            resource_id: self.resource_id,
            life: Lifecycle::new(),
        }
    }
}

/// A registered resource, with one configuration. A reload makes another.
pub(crate) struct Entry<R: Resource> {
    pub(crate) about: About,
    pub(crate) pool: Pool<ResourceDriver<R>>,
    resource: Arc<R>,
    /// Shared among the tenants of a template; without their pools' configurations.
    setup: Arc<Setup>,
}

impl<R: Resource> Entry<R> {
    /// Checks everything that can be checked, and creates nothing.
    pub(crate) fn new(
        about: About,
        resource: Arc<R>,
        config: R::Config,
        setup: Setup,
    ) -> Result<Self, ValidationError> {
        let pool = setup.pool.clone();
        Self::with(about, resource, config, pool, Arc::new(setup))
    }

    /// The same, where the pool is configured otherwise than `setup` says.
    pub(crate) fn with(
        about: About,
        resource: Arc<R>,
        config: R::Config,
        pool: PoolConfig,
        setup: Arc<Setup>,
    ) -> Result<Self, ValidationError> {
        config.validate()?;
        let context = CreateContext {
            key: about.key.clone(),
            scope: about.scope.clone(),
            generation: about.generation,
            common: Common::default(),
        };
        let pool = setup.pool_of(pool, Arc::clone(&resource), Arc::new(config), context)?;
        Ok(Self {
            about,
            pool,
            resource,
            setup,
        })
    }
}

impl<R: Resource> Entry<R> {
    /// Whether anybody listens to who uses it.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.pool.shared().driver().is_watched()
    }

    /// Who listens to what becomes of it.
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        self.pool.shared().driver().watch()
    }
}

/// A resource of a type that is not known here.
pub(crate) trait Erased: Send + Sync {
    /// Tells who listens what has happened to it.
    fn tell(&self, what: EventKind);

    /// Goes on with its life, if the table allows it, and tells.
    fn advance(&self, next: State) {
        if let Ok(from) = self.about().life.to(next) {
            self.tell(EventKind::StateChanged { from, to: next });
        }
    }

    fn about(&self) -> &About;
    fn pool_status(&self) -> Status;
    fn min_idle(&self) -> usize;
    fn totals(&self) -> Totals;
    fn objects(&self) -> Vec<ObjectInfo>;
    fn oldest_waiter(&self) -> Option<Duration>;

    /// Changes how many instances there may be, and are kept idle.
    fn resize(&self, max_size: usize, min_idle: usize);

    /// Retires one idle instance, if there is one.
    fn shed(&self);

    /// Refuses everybody from now on; see [`Pool::close`].
    fn close(&self) -> Closing;

    /// Refuses everybody from now on, and keeps what comes back until [`clean_up`](Self::clean_up).
    fn stop(&self) -> Closing;

    /// Its turn to be cleaned up: one clean-up for each object that was kept. What comes back after
    /// them is cleaned up as it comes.
    fn clean_up(&self) -> Vec<CleanUp>;

    /// Acquires from its pool, for who does not know the type of what is in there.
    fn acquire_any<'a>(
        self: Arc<Self>,
        manager: &'a Inner,
        ask: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<AnyGuard, Nothing>> + Send + 'a>>;

    /// Runs `job` where its pool's background work runs.
    ///
    /// # Errors
    ///
    /// Gives the job back where nothing runs in the background.
    fn spawn(&self, job: Job) -> Result<(), Job>;

    /// Whether registration is to wait for its first instances.
    fn is_warmed(&self) -> bool;

    /// Makes as many instances as registration is to wait for, or one, and leaves them in the pool.
    /// With `at_once`, the first failure is the answer.
    fn prove(&self, at_once: bool) -> Boxed<Result<(), AcquireError>>;

    /// The same resource with another configuration, in a pool of its own, to take the place of this
    /// one. Checks everything that can be checked, and creates nothing.
    fn successor(
        &self,
        config: Box<dyn Any + Send>,
        pool: Option<PoolConfig>,
    ) -> Result<Registered, ReloadError>;
}

impl<R: Resource> Erased for Entry<R> {
    fn tell(&self, what: EventKind) {
        self.watch().tell(|| what);
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn pool_status(&self) -> Status {
        self.pool.status()
    }

    fn min_idle(&self) -> usize {
        self.pool.config().min_idle
    }

    fn totals(&self) -> Totals {
        self.pool.stats()
    }

    fn objects(&self) -> Vec<ObjectInfo> {
        self.pool.objects()
    }

    fn oldest_waiter(&self) -> Option<Duration> {
        self.pool.oldest_waiter()
    }

    fn resize(&self, max_size: usize, min_idle: usize) {
        // Within the ceiling, and not below `min_idle`: never refused.
        let _valid = self.pool.reconfigure(|config| {
            config.max_size = max_size;
            config.min_idle = min_idle;
        });
    }

    fn shed(&self) {
        let mut is_first = true;
        self.pool
            .retain(|_, _| !std::mem::replace(&mut is_first, false));
    }

    fn close(&self) -> Closing {
        self.pool.close()
    }

    fn stop(&self) -> Closing {
        self.pool.shared().driver().keep_leftovers();
        self.pool.close()
    }

    fn clean_up(&self) -> Vec<CleanUp> {
        self.pool.shared().driver().clean_up()
    }

    fn acquire_any<'a>(
        self: Arc<Self>,
        manager: &'a Inner,
        ask: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<AnyGuard, Nothing>> + Send + 'a>> {
        Box::pin(async move {
            let guard = manager.enter(ask, Place::Far(self)).await?;
            Ok(AnyGuard::new(guard))
        })
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        self.pool.shared().driver().spawn(job)
    }

    fn is_warmed(&self) -> bool {
        self.pool.config().warm_on_register
    }

    fn prove(&self, at_once: bool) -> Boxed<Result<(), AcquireError>> {
        let pool = self.pool.clone();
        Box::pin(async move { prove(&pool, at_once).await })
    }

    fn successor(
        &self,
        config: Box<dyn Any + Send>,
        pool: Option<PoolConfig>,
    ) -> Result<Registered, ReloadError> {
        let key = &self.about.key;
        let Ok(config) = config.downcast::<R::Config>() else {
            return Err(ReloadError::WrongConfig {
                key: key.clone(),
                resource: self.about.resource,
                wanted: type_name::<R::Config>(),
            });
        };
        let pool = pool.unwrap_or_else(|| self.pool.config());
        let setup = Arc::clone(&self.setup);
        let (about, resource) = (self.about.reloaded(), Arc::clone(&self.resource));
        match Self::with(about, resource, *config, pool, setup) {
            Ok(entry) => Ok(Registered::new(Arc::new(entry))),
            Err(source) => Err(ReloadError::Invalid {
                key: key.clone(),
                source,
            }),
        }
    }
}

/// Has `pool` make its first instances, by its own rules for who waits.
async fn prove<R: Resource>(
    pool: &Pool<ResourceDriver<R>>,
    at_once: bool,
) -> Result<(), AcquireError> {
    let config = pool.config();
    let count = if config.warm_on_register {
        config.min_idle.max(1)
    } else {
        1
    };
    if !at_once || config.fail_fast {
        return pool.acquire_async_many(count).await.map(drop);
    }
    // Nobody else knows this pool yet. What is valid stays so whether or not it fails fast.
    let _valid = pool.reconfigure(|config| config.fail_fast = true);
    let proven = pool.acquire_async_many(count).await.map(drop);
    let _valid = pool.reconfigure(|config| config.fail_fast = false);
    proven
}

/// An entry in the registry: once for those who know its type, and once for the others.
#[derive(Clone)]
pub(crate) struct Registered {
    any: Arc<dyn Any + Send + Sync>,
    pub(crate) entry: Arc<dyn Erased>,
}

impl Registered {
    pub(crate) fn new<R: Resource>(entry: Arc<Entry<R>>) -> Self {
        Self {
            any: Arc::<Entry<R>>::clone(&entry),
            entry,
        }
    }

    /// The entry, if it is of this type.
    #[inline]
    pub(crate) fn typed<R: Resource>(&self) -> Option<Arc<Entry<R>>> {
        Arc::clone(&self.any).downcast().ok()
    }

    /// Closes it; it cleans up by itself.
    pub(crate) fn dismiss(&self) {
        self.entry.advance(State::Draining);
        drop(self.entry.close());
    }

    /// Whether both are the same entry.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.any, &other.any)
    }

    /// Its state, looked at closely.
    pub(crate) fn state(&self) -> State {
        let status = self.entry.pool_status();
        let uses = self.entry.totals().acquired;
        let state = self.entry.about().life.state();
        state.observed(status.in_use, uses)
    }
}

impl<R: Resource> fmt::Debug for Entry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.about.key)
            .field("scope", &self.about.scope)
            .finish_non_exhaustive()
    }
}
