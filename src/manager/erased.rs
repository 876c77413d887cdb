//! One registered resource: its pool, what it was made of, and how to get at it without its type.
//!
//! Decides what can be done with a resource whose type is not known, and whether a caller who knows
//! it is right. Knows nothing of lookup, or of other resources.

use std::any::{Any, type_name};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::{
    AcquireError, Closing, Driver, Job, ObjectInfo, Pool, PoolConfig, Status, Totals,
    ValidationError,
};

use crate::autoscale::Scaled;
use crate::breaker::{Breaker, Breakers};
use crate::common::Common;
use crate::context::Cancellation;
use crate::events::EventKind;
use crate::health::{Care, Cared};
use crate::lifecycle::State;
use crate::manager::Inner;
pub(crate) use crate::manager::about::About;
use crate::manager::acquire::{Nothing, Question, Start};
use crate::manager::driver::ResourceDriver;
use crate::manager::error::ReloadError;
use crate::manager::place::Place;
use crate::manager::proof::prove;
use crate::manager::setup::Setup;
use crate::manager::shutdown::CleanUp;
use crate::manager::watch::Watch;
use crate::provider::AnyGuard;
use crate::resource::{CreateContext, Resource, ResourceConfig};

/// A future of whoever does not know its type.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A registered resource, with one configuration. A reload makes another.
pub(crate) struct Entry<R: Resource> {
    pub(crate) about: About,
    pub(crate) pool: Pool<ResourceDriver<R>>,
    /// How it is looked after: as a rule not at all.
    pub(crate) care: Option<Box<Care<R>>>,
    resource: Arc<R>,
    /// Shared among the tenants of a template; without their pools' configurations.
    pub(crate) setup: Arc<Setup>,
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
        let watch = pool.shared().driver().watch();
        setup
            .breakers
            .iter()
            .for_each(|one| one.speaks_through(watch));
        let care = Care::of(&setup, &resource).map(Box::new);
        let mut about = about;
        about.is_open_to_all = setup.breakers.is_empty() && care.is_none();
        Ok(Self {
            about,
            pool,
            care,
            resource,
            setup,
        })
    }
}

impl<R: Resource> Entry<R> {
    /// Who may turn callers away: as a rule nobody.
    #[inline]
    pub(crate) fn breakers(&self) -> &Breakers {
        &self.setup.breakers
    }

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
pub(crate) trait Erased: Scaled + Cared + Send + Sync {
    /// Tells who listens what has happened to it.
    fn tell(&self, what: EventKind);

    /// From now on, what speaks for it and against it counts.
    fn count(&self);

    /// Goes on with its life, if the table allows it, and tells.
    fn advance(&self, next: State) {
        if let Ok(from) = self.about().life.to(next) {
            if next.serves() {
                self.count();
            }
            self.tell(EventKind::StateChanged { from, to: next });
        }
    }

    /// Its own circuit breaker, if it has one.
    fn breaker(&self) -> Option<&Breaker>;

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

    /// One round of its pool's maintenance, now.
    fn maintain(&self) -> Boxed<()>;

    /// Says goodbye to what was retired, where nothing does so in the background.
    fn bury(&self) -> Option<Boxed<()>>;

    /// Refuses everybody from now on; see [`Pool::close`].
    fn close(&self) -> Closing;

    /// Refuses everybody from now on, and keeps what comes back until [`clean_up`](Self::clean_up).
    fn stop(&self) -> Closing;

    /// Its turn to be cleaned up: one clean-up for each object that was kept. What comes back after
    /// them is cleaned up as it comes.
    fn clean_up(&self) -> Vec<CleanUp>;

    /// Nothing waits for its turn to be cleaned up, or is being so.
    fn has_no_leftovers(&self) -> bool;

    /// What is raised once all of those have ended, whoever asked for them; none if they have.
    fn owed(&self) -> Option<Cancellation>;

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

    fn count(&self) {
        self.watch().count(self.pool.shared().clock());
    }

    fn breaker(&self) -> Option<&Breaker> {
        self.breakers().own()
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
        // A tenant that keeps its former configuration may have a lower ceiling than the others.
        let max_size = max_size.min(self.setup.ceiling.unwrap_or(max_size));
        // Within the ceiling, and not below `min_idle`: never refused.
        let _valid = self.pool.reconfigure(|config| {
            config.max_size = max_size;
            config.min_idle = min_idle.min(max_size);
        });
    }

    fn shed(&self) {
        let mut is_first = true;
        self.pool
            .retain(|_, _| !std::mem::replace(&mut is_first, false));
    }

    fn maintain(&self) -> Boxed<()> {
        Box::pin(self.pool.run_maintenance())
    }

    fn bury(&self) -> Option<Boxed<()>> {
        let is_here = !self.pool.shared().driver().can_spawn();
        is_here.then(|| -> Boxed<()> { Box::pin(self.pool.bury_retired()) })
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

    fn has_no_leftovers(&self) -> bool {
        self.pool.shared().driver().has_no_leftovers()
    }

    fn owed(&self) -> Option<Cancellation> {
        self.pool.shared().driver().owed()
    }

    fn acquire_any<'a>(
        self: Arc<Self>,
        manager: &'a Inner,
        ask: Question<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<AnyGuard, Nothing>> + Send + 'a>> {
        Box::pin(async move {
            let start = Start::Closely(Place::Far(self));
            let guard = manager.enter(ask, start).await?;
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

    /// What no other entry has while this one is there.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.any).cast::<()>().addr()
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
