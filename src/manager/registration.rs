//! Registering: what is said of a resource, and what can be checked of it alone.
//!
//! Decides nothing about what else is there: that is `admission`'s. Creates nothing.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use nebula_resource_async::runtime::AnyRuntime;
use nebula_resource_core::{Backend, Observer, PoolConfig, park};

use crate::autoscale::AutoscalePolicy;
use crate::breaker::{Breaker, BreakerConfig};
use crate::health::{HealthPlan, Patient};
use crate::key::{Key, KeyError};
use crate::manager::erased::{About, Entry, Registered};
use crate::manager::error::RegisterError;
use crate::manager::needs::Needs;
use crate::manager::setup::Setup;
use crate::manager::{Batch, Handle, Inner, Manager};
use crate::resource::Resource;
use crate::scope::Scope;

/// A resource that is about to be registered; see [`Manager::register`](super::Manager::register).
///
/// Await it, or [`wait`](Self::wait) for it on a thread. Until then nothing has happened.
///
/// # Errors
///
/// See [`RegisterError`]; nothing is registered then.
///
/// # Cancel safety
///
/// Dropped before its end, it leaves no trace.
#[must_use = "nothing is registered until this is awaited, or waited for"]
pub struct Registration<R: Resource> {
    manager: Arc<Inner>,
    key: Result<Key, KeyError>,
    resource: R,
    config: R::Config,
    scope: Scope,
    needs: Needs,
    setup: Setup,
    pub(crate) autoscale: Option<AutoscalePolicy>,
    breaker: Option<BreakerConfig>,
}

impl Manager {
    /// Registers a resource: await what this returns, after saying more where the defaults will not
    /// do.
    ///
    /// Everything is checked first. Nothing is created until somebody asks for it, unless
    /// `warm_on_register` is set in the pool's configuration.
    ///
    /// # Examples
    ///
    /// ```
    /// # use nebula_resource::{Context, CreateContext, Manager, PoolConfig, Resource, Scope};
    /// # struct Cache;
    /// # impl Resource for Cache {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     async fn create(&self, _: &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    /// # futures::executor::block_on(async {
    /// let manager = Manager::new();
    /// manager.register("main_db", Cache, ()).await?;
    /// manager
    ///     .register("orders_cache", Cache, ())
    ///     .scope(Scope::tenant("acme")?)
    ///     .pool(PoolConfig { max_size: 8, ..PoolConfig::default() })
    ///     .depends_on(["main_db"])
    ///     .await?;
    ///
    /// let globex = Context::new(Scope::tenant("globex")?);
    /// let refused = manager.acquire::<Cache>("orders_cache", &globex).await.unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "\"orders_cache\" belongs to tenant acme; the caller is tenant globex",
    /// );
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// When awaited: see [`RegisterError`].
    pub fn register<R: Resource>(
        &self,
        key: impl AsRef<str>,
        resource: R,
        config: R::Config,
    ) -> Registration<R> {
        Registration::new(Arc::clone(&self.inner), key.as_ref(), resource, config)
    }

    /// Registers a resource with the defaults, from a thread. To say more, end
    /// [`register`](Self::register) with [`wait`](Registration::wait).
    ///
    /// # Errors
    ///
    /// See [`RegisterError`].
    ///
    /// # Blocking
    ///
    /// Only if the manager's pools are [configured](super::ManagerBuilder::pool) with `warm_on_register`.
    pub fn register_blocking<R: Resource>(
        &self,
        key: impl AsRef<str>,
        resource: R,
        config: R::Config,
    ) -> Result<Handle<R>, RegisterError> {
        self.register(key, resource, config).wait()
    }

    /// Registers several resources together: all of them, or, with an error, none. They may need each
    /// other, in any order; those with `warm_on_register` are warmed up after what they need, and
    /// side by side.
    ///
    /// # Examples
    ///
    /// ```
    /// # use nebula_resource::{CreateContext, Manager, Resource};
    /// # struct Db;
    /// # impl Resource for Db {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     async fn create(&self, _: &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    /// # futures::executor::block_on(async {
    /// let manager = Manager::new();
    /// manager
    ///     .register_all()
    ///     .add(manager.register("orders", Db, ()).depends_on(["main_db"]))
    ///     .add(manager.register("main_db", Db, ()))
    ///     .await?;
    ///
    /// let refused = manager
    ///     .register_all()
    ///     .add(manager.register("a", Db, ()).depends_on(["b"]))
    ///     .add(manager.register("b", Db, ()).depends_on(["a"]))
    ///     .await
    ///     .unwrap_err();
    /// assert_eq!(refused.to_string(), "a resource cannot need itself: a → b → a");
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// When awaited: see [`RegisterError`].
    pub fn register_all(&self) -> Batch {
        Batch::new(Arc::clone(&self.inner))
    }
}

impl<R: Resource> Registration<R> {
    pub(crate) fn new(manager: Arc<Inner>, key: &str, resource: R, config: R::Config) -> Self {
        let setup = manager.setup.clone();
        Self {
            manager,
            key: Key::new(key),
            resource,
            config,
            scope: Scope::GLOBAL,
            needs: Needs::nothing(),
            autoscale: None,
            setup,
            breaker: None,
        }
    }

    /// Who may use it: callers within `scope`. Default: everybody.
    ///
    /// The same key can be registered in several scopes; a caller gets the narrowest that it is in.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// How its pool is configured. Default: [`PoolConfig::default`].
    pub fn pool(mut self, config: PoolConfig) -> Self {
        self.setup.pool = config;
        self
    }

    /// Changes any part of its pool's configuration.
    pub fn configure_pool(mut self, change: impl FnOnce(&mut PoolConfig)) -> Self {
        change(&mut self.setup.pool);
        self
    }

    /// What must be there for it to work, besides what the resource says
    /// [itself](Resource::dependencies), by their keys. They must be registered already.
    pub fn depends_on(mut self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.needs.add(keys);
        self
    }

    /// Up to so many instances its pool can be grown on the fly. Default: four times `max_size`, at
    /// least 32.
    pub const fn ceiling(mut self, ceiling: usize) -> Self {
        self.setup.ceiling = Some(ceiling);
        self
    }

    /// Is told what happens in its pool.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.setup.observer = Some(Arc::new(observer));
        self
    }

    /// Says which backend the instances come from, when other pools get theirs there too: attempts
    /// to create are then bounded for all of them together.
    pub fn backend(mut self, backend: &Backend) -> Self {
        self.setup.backend = Some(backend.clone());
        self
    }

    /// Measures how long instances are held: two precise clock readings per use. Default: off.
    pub const fn measure_holds(mut self, measure: bool) -> Self {
        self.setup.measures_holds = measure;
        self
    }

    /// Gives it a circuit breaker of its own, named after it: once too many calls fail, callers are
    /// turned away at once, until a few that are let through fare well. Default: none.
    ///
    /// What counts as a failure is said [at its module](crate::breaker).
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::breaker::{BreakerConfig, BreakerState};
    /// use nebula_resource::{Manager, ResourceError};
    /// # use nebula_resource::{BlockingResource, CreateContext};
    /// # struct Db;
    /// # impl BlockingResource for Db {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    ///
    /// let manager = Manager::new();
    /// let config = BreakerConfig { consecutive_failures: Some(3), ..BreakerConfig::default() };
    /// let db = manager.register("main_db", Db, ()).breaker(config).wait()?;
    ///
    /// for _ in 0..3 {
    ///     let timed_out = std::io::Error::from(std::io::ErrorKind::TimedOut); // of a query, say
    ///     db.acquire_blocking()?.report(&timed_out);
    /// }
    /// let refused = db.acquire_blocking().unwrap_err();
    /// assert!(matches!(refused, ResourceError::BreakerOpen(_)));
    /// let breaker = db.breaker().ok_or("it has one")?;
    /// assert_eq!(breaker.state(), BreakerState::Open);
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// ```
    pub fn breaker(mut self, config: BreakerConfig) -> Self {
        self.breaker = Some(config);
        self
    }

    /// Has it share a circuit breaker with others that fail when it does; may be said more than once.
    pub fn shared_breaker(mut self, breaker: &Breaker) -> Self {
        let Setup {
            breakers, audience, ..
        } = &mut self.setup;
        breakers.add(breaker.clone(), audience);
        self
    }

    /// What runs its background work. Default: the manager's.
    pub fn runtime(mut self, runtime: impl Into<AnyRuntime>) -> Self {
        self.setup.runtime = Some(runtime.into());
        self
    }

    /// What was said of its health, and of which resource.
    pub(crate) const fn health_plan(&mut self) -> (&R, &mut HealthPlan) {
        (&self.resource, &mut self.setup.health)
    }

    /// Registers it, from a thread.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`].
    ///
    /// # Blocking
    ///
    /// Only with `warm_on_register`: until its first instances are made.
    pub fn wait(self) -> Result<Handle<R>, RegisterError> {
        park::block_on(self.register())
    }

    async fn register(self) -> Result<Handle<R>, RegisterError> {
        let manager = Arc::clone(&self.manager);
        let entry = Arc::new(self.prepare()?);
        let newcomer = Registered::new(Arc::clone(&entry));
        manager.admit(vec![newcomer]).await?;
        Ok(Handle::new(manager, entry))
    }

    /// Checks what can be checked without knowing what else is registered. Creates nothing.
    pub(crate) fn prepare(self) -> Result<Entry<R>, RegisterError> {
        let key = self.key.map_err(RegisterError::Key)?;
        let needs = self.needs.with(|| self.resource.dependencies());
        let needs = needs.map_err(RegisterError::Key)?;
        let about = About::new::<R>(key.clone(), self.scope, needs);
        let mut setup = self.setup;
        let own = self.breaker.map(|config| setup.own_breaker(&key, config));
        own.unwrap_or(Ok(()))
            .and_then(|()| setup.scale(&self.manager, &about, self.autoscale))
            .and_then(|()| setup.look_after(Patient::new(&self.manager, &about)))
            .and_then(|()| Entry::new(about, Arc::new(self.resource), self.config, setup))
            .map_err(|source| RegisterError::Invalid { key, source })
    }
}

impl<R: Resource> IntoFuture for Registration<R> {
    type Output = Result<Handle<R>, RegisterError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.register())
    }
}

/// Neither a resource nor its configuration is ever formatted: they know secrets.
impl<R: Resource> fmt::Debug for Registration<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("key", &self.key)
            .field("scope", &self.scope)
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}
