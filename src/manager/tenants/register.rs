//! Registering what every tenant has for itself.
//!
//! Decides what is asked of a template; the pools come later.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_async::runtime::Chosen;
use nebula_resource_core::{Backend, PoolConfig, ValidationError, park};

use super::share::Limits;
use super::template::{ConfigOf, Source, Template};
use super::{Nursery, Tenants};
use crate::key::{Key, KeyError};
use crate::manager::erased::About;
use crate::manager::error::RegisterError;
use crate::manager::needs::Needs;
use crate::manager::setup::Setup;
use crate::manager::{Inner, Manager};
use crate::primitives::ArcSwap;
use crate::resource::Resource;
use crate::scope::Scope;

/// How many instances all tenants may have together, unless told otherwise.
const TOGETHER: usize = 100;

/// How long a tenant may ask for nothing before its pool is put away, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A resource that every tenant has for itself, about to be registered; see
/// [`Manager::register_per_tenant`](crate::Manager::register_per_tenant).
///
/// Await it, or [`wait`](Self::wait) for it on a thread. Until then nothing has happened.
///
/// # Errors
///
/// See [`RegisterError`]; nothing is registered then.
#[must_use = "nothing is registered until this is awaited, or waited for"]
pub struct PerTenant<R: Resource> {
    manager: Arc<Inner>,
    key: Result<Key, KeyError>,
    resource: R,
    config_of: ConfigOf<R>,
    needs: Needs,
    setup: Setup,
    together: usize,
    patience: Duration,
}

impl Manager {
    /// Registers a resource that every tenant has for itself: its pool is made when a caller of that
    /// tenant first asks, with the configuration that `config_of` answers for the tenant's id, and
    /// put away when nobody has asked for long.
    ///
    /// There is a cap for each tenant and one for all of them together. Callers without a tenant are
    /// refused; what is registered for a tenant's own scope, or for one inside it, is preferred.
    ///
    /// # Examples
    ///
    /// ```
    /// # use nebula_resource::{Context, CreateContext, Manager, PoolConfig, Resource, ResourceConfig, Scope};
    /// # struct Db;
    /// # #[derive(serde::Deserialize)]
    /// # struct DbConfig { database: String }
    /// # impl ResourceConfig for DbConfig {}
    /// # impl Resource for Db {
    /// #     type Config = DbConfig;
    /// #     type Instance = String;
    /// #     type Error = std::io::Error;
    /// #     async fn create(&self, config: &DbConfig, _: &CreateContext) -> std::io::Result<String> {
    /// #         Ok(config.database.clone())
    /// #     }
    /// # }
    /// # futures::executor::block_on(async {
    /// let manager = Manager::new();
    /// manager
    ///     .register_per_tenant("db", Db, |tenant| DbConfig { database: format!("db_{tenant}") })
    ///     .pool(PoolConfig { max_size: 5, ..PoolConfig::default() })
    ///     .at_most_together(100)
    ///     .await?;
    ///
    /// let acme = Context::new(Scope::tenant("acme")?.workflow("billing")?);
    /// assert_eq!(*manager.acquire::<Db>("db", &acme).await?, "db_acme");
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// When awaited: see [`RegisterError`].
    pub fn register_per_tenant<R: Resource>(
        &self,
        key: impl AsRef<str>,
        resource: R,
        config_of: impl Fn(&str) -> R::Config + Send + Sync + 'static,
    ) -> PerTenant<R> {
        let inner = Arc::clone(&self.inner);
        PerTenant::new(inner, key.as_ref(), resource, config_of)
    }
}

impl<R: Resource> PerTenant<R> {
    pub(crate) fn new(
        manager: Arc<Inner>,
        key: &str,
        resource: R,
        config_of: impl Fn(&str) -> R::Config + Send + Sync + 'static,
    ) -> Self {
        let setup = manager.setup.clone();
        Self {
            manager,
            key: Key::new(key),
            resource,
            config_of: Box::new(config_of),
            needs: Needs::nothing(),
            setup,
            together: TOGETHER,
            patience: PATIENCE,
        }
    }

    /// How each tenant's pool is configured; its `max_size` is the most that one tenant may have.
    /// Default: the manager's.
    pub fn pool(mut self, config: PoolConfig) -> Self {
        self.setup.pool = config;
        self
    }

    /// How many instances all tenants may have together. Default: 100.
    ///
    /// While there are so many tenants that the total is short, each may have the same part of it,
    /// and at least one. What a tenant has in use beyond its part stays with it until it comes
    /// back; others wait for that.
    pub const fn at_most_together(mut self, instances: usize) -> Self {
        self.together = instances;
        self
    }

    /// After how long without a request a tenant's pool is put away; it gets another when it asks
    /// again. While the total is short, the pool of a tenant that asks for nothing goes as soon as a
    /// newcomer needs the room. Default: 10 min.
    ///
    /// The runtime looks twice in that time, in the background; a tenant so goes after one and a half
    /// times as long at the latest. Where nothing runs in the background
    /// ([`NoRuntime`](crate::runtime::NoRuntime)), each
    /// [`run_maintenance`](crate::Manager::run_maintenance) looks, and says goodbye to what was the
    /// tenant's.
    pub const fn put_away_after(mut self, unused: Duration) -> Self {
        self.patience = unused;
        self
    }

    /// What must be there for it to work; see
    /// [`Registration::depends_on`](crate::manager::Registration::depends_on).
    pub fn depends_on(mut self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.needs.add(keys);
        self
    }

    /// Says which backend the instances of all tenants come from: attempts to create are then
    /// bounded for all of them together.
    pub fn backend(mut self, backend: &Backend) -> Self {
        self.setup.backend = Some(backend.clone());
        self
    }

    /// Registers it, from a thread.
    ///
    /// # Errors
    ///
    /// See [`RegisterError`].
    ///
    /// # Blocking
    ///
    /// Not for long: nothing is created.
    pub fn wait(self) -> Result<(), RegisterError> {
        park::block_on(self.register())
    }

    async fn register(self) -> Result<(), RegisterError> {
        let manager = Arc::clone(&self.manager);
        manager.admit_template(self.prepare()?)
    }

    /// Checks what can be checked without knowing a tenant or what else is registered.
    fn prepare(self) -> Result<Arc<dyn Nursery>, RegisterError> {
        let key = self.key.map_err(RegisterError::Key)?;
        let needs = self.needs.with(|| self.resource.dependencies());
        let needs = needs.map_err(RegisterError::Key)?;
        let invalid = |source| {
            let key = key.clone();
            RegisterError::Invalid { key, source }
        };
        if self.together == 0 {
            let actual = self.together;
            let source = ValidationError::new("at_most_together", "at least 1", actual);
            return Err(invalid(source));
        }
        let pool = self.setup.pool.clone();
        let limits = Limits::of(&pool);
        let tenants = Arc::new(Tenants::new(self.together, limits));
        let source = Source::new(self.config_of, &self.setup, pool, &tenants, 1);
        let source = source.map_err(invalid)?;
        let runtime = Chosen::new(self.setup.runtime.clone());
        Ok(Arc::new_cyclic(|me| Template {
            about: About::new::<R>(key.clone(), Scope::GLOBAL, needs),
            resource: Arc::new(self.resource),
            given: self.setup,
            source: ArcSwap::from_pointee(source),
            tenants,
            patience: self.patience,
            runtime,
            me: me.clone(),
        }))
    }
}

impl<R: Resource> IntoFuture for PerTenant<R> {
    type Output = Result<(), RegisterError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.register())
    }
}

/// Neither a resource nor its configuration is ever formatted: they know secrets.
impl<R: Resource> fmt::Debug for PerTenant<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerTenant")
            .field("key", &self.key)
            .field("at_most_together", &self.together)
            .finish_non_exhaustive()
    }
}
