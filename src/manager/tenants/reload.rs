//! Another configuration for what every tenant has for itself: one tenant after the other.
//!
//! Decides in which order, and what becomes of those who cannot have it. When it is in force for
//! newcomers is decided in `exchange`.

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::slice;
use std::sync::Arc;

use nebula_resource_core::{PoolConfig, park};

use super::Nursery;
use super::exchange::{Draft, Superseded, Walk};
use crate::events::EventKind;
use crate::key::Key;
use crate::lifecycle::State;
use crate::manager::erased::Registered;
use crate::manager::error::ReloadError;
use crate::manager::reload::Coming;
use crate::manager::{Draining, Inner, Manager};
use crate::resource::ResourceConfig;
use crate::scope::Scope;

/// Another configuration for every tenant, about to be put in force; see
/// [`Manager::reload_per_tenant`].
///
/// Await it, or [`wait`](Self::wait) for it on a thread. Until then nothing has happened.
///
/// # Errors
///
/// See [`ReloadError`].
///
/// # Cancel safety
///
/// Dropped before its end, it leaves each tenant with one configuration or the other, and says nothing
/// of who has which; reload again to give it to the rest.
#[must_use = "nothing is reloaded until this is awaited, or waited for"]
pub struct ReloadPerTenant {
    manager: Arc<Inner>,
    key: String,
    config_of: Box<dyn Any + Send>,
    pool: Option<PoolConfig>,
}

/// What became of each tenant when its configuration was reloaded.
///
/// Shows who could not have it, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReloadedTenants {
    /// What was reloaded.
    pub key: Key,
    /// The number of the configuration that is now in force for tenants to come.
    pub generation: u64,
    /// The tenants that have it, and what is left of the one they had.
    pub reloaded: Vec<(Scope, Draining)>,
    /// The tenants that keep the one they had, and why.
    pub refused: Vec<(Scope, ReloadError)>,
}

impl Manager {
    /// Gives all tenants of what was [registered per tenant](Self::register_per_tenant) another
    /// configuration: await what this returns.
    ///
    /// One tenant after the other gets a new pool as with [`reload_config`](Self::reload_config): made
    /// with what `config_of` now answers for it, proven by a first instance, and then put in the place
    /// of the old one, which drains. At no moment does a tenant's caller find nothing. A tenant whose
    /// new configuration is refused, by its checks or by the server, goes on with the pool that it has
    /// and is named in the report.
    ///
    /// Tenants to come get the new configuration as soon as the first tenant has it, or at once where
    /// there is none to try it with. If no tenant can have it, nothing has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use nebula_resource::{Context, CreateContext, Manager, Resource, ResourceConfig, Scope};
    /// # struct Db;
    /// # #[derive(serde::Deserialize)]
    /// # struct DbConfig { url: String }
    /// # impl ResourceConfig for DbConfig {}
    /// # impl Resource for Db {
    /// #     type Config = DbConfig;
    /// #     type Instance = String;
    /// #     type Error = String;
    /// #     async fn create(&self, config: &DbConfig, _: &CreateContext) -> Result<String, String> {
    /// #         Ok(config.url.clone())
    /// #     }
    /// # }
    /// # futures::executor::block_on(async {
    /// let manager = Manager::new();
    /// let on = |host: &'static str| move |tenant: &str| DbConfig { url: format!("{host}/{tenant}") };
    /// manager.register_per_tenant("db", Db, on("old")).await?;
    /// let acme = Context::new(Scope::tenant("acme")?);
    /// assert_eq!(*manager.acquire::<Db>("db", &acme).await?, "old/acme");
    ///
    /// let report = manager.reload_per_tenant("db", on("new")).await?;
    /// assert!(report.refused.is_empty());
    /// assert_eq!(*manager.acquire::<Db>("db", &acme).await?, "new/acme");
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// When awaited: see [`ReloadError`].
    ///
    /// # Panics
    ///
    /// When awaited: when `config_of` does.
    pub fn reload_per_tenant<C: ResourceConfig>(
        &self,
        key: &str,
        config_of: impl Fn(&str) -> C + Send + Sync + 'static,
    ) -> ReloadPerTenant {
        // As the template has it, if it is configured with the same.
        let config_of: Box<dyn Fn(&str) -> C + Send + Sync> = Box::new(config_of);
        ReloadPerTenant {
            manager: Arc::clone(&self.inner),
            key: key.to_owned(),
            config_of: Box::new(config_of),
            pool: None,
        }
    }
}

impl ReloadPerTenant {
    /// How each tenant's pool is configured from now on; its `max_size` is the most that one tenant may
    /// have. Default: as each is at that moment.
    pub fn pool(mut self, config: PoolConfig) -> Self {
        self.pool = Some(config);
        self
    }

    /// Reloads, from a thread.
    ///
    /// # Errors
    ///
    /// See [`ReloadError`].
    ///
    /// # Blocking
    ///
    /// Until a first instance was made for every tenant, one after the other.
    pub fn wait(self) -> Result<ReloadedTenants, ReloadError> {
        park::block_on(self.reload())
    }

    async fn reload(self) -> Result<ReloadedTenants, ReloadError> {
        let nursery = self.manager.template_at(&self.key)?;
        let key = nursery.about().key.clone();
        let draft = Arc::clone(&nursery).draft(self.config_of, self.pool)?;
        let mut round = Round {
            manager: &self.manager,
            walk: Walk::new(nursery.tenants(), draft),
            refusing: HashSet::new(),
            report: ReloadedTenants::new(key),
        };
        if let Err(Superseded) = round.go().await {
            return Err(self.manager.superseded(round.report.key));
        }
        round.end()
    }
}

/// One reload, under way.
struct Round<'r> {
    manager: &'r Inner,
    walk: Walk<'r>,
    /// Who keeps the configuration that it has.
    refusing: HashSet<Scope>,
    report: ReloadedTenants,
}

impl Round<'_> {
    async fn go(&mut self) -> Result<(), Superseded> {
        loop {
            // Again until nobody is left: until the first one has it, others come with the old one.
            let left = self.walk.left(&self.refusing)?;
            if left.is_empty() {
                return Ok(());
            }
            for old in left {
                self.reload(old).await?;
            }
        }
    }

    async fn reload(&mut self, old: Registered) -> Result<(), Superseded> {
        let tenant = old.entry.about().scope.clone();
        let size = self.walk.size();
        let making = make(
            self.manager,
            &*self.walk.draft,
            &self.report.key,
            &old,
            size,
        );
        let mut coming = match making.await {
            Ok(coming) => coming,
            // It went meanwhile, and the new pool with it.
            Err(_) if !self.walk.is_there(&old)? => return Ok(()),
            Err(why) => {
                let error = why.to_string().into();
                old.entry.tell(EventKind::ReloadRefused { error });
                self.refusing.insert(tenant.clone());
                self.report.refused.push((tenant, why));
                return Ok(());
            }
        };
        // If it was put away meanwhile, it gets the new one when it comes again.
        let new = coming.new.clone();
        if self.put(&old, &mut coming, size)? {
            let generation = self.walk.draft.generation();
            new.entry.tell(EventKind::Reloaded { generation });
            let draining = self.manager.send_off(vec![old]);
            self.report.reloaded.push((tenant, draining));
        }
        Ok(())
    }

    /// A shutdown that begins meanwhile knows of the old pool, here or there.
    fn put(
        &mut self,
        old: &Registered,
        coming: &mut Coming<'_>,
        size: usize,
    ) -> Result<bool, Superseded> {
        let mut change = self.manager.registry.change();
        let exchanged = self.walk.exchange(old, &coming.new, size)?;
        if exchanged {
            change.leave(slice::from_ref(old));
            coming.arrive(&mut change);
        }
        drop(change);
        self.walk.tell();
        Ok(exchanged)
    }

    fn end(self) -> Result<ReloadedTenants, ReloadError> {
        let mut report = self.report;
        if !self.walk.is_in_force {
            return Err(ReloadError::RefusedByAll {
                key: report.key,
                tenants: report.refused,
            });
        }
        report.generation = self.walk.draft.generation();
        Ok(report)
    }
}

/// A pool with the new configuration, and an instance that was made with it.
async fn make<'m>(
    manager: &'m Inner,
    draft: &dyn Draft,
    key: &Key,
    old: &Registered,
    size: usize,
) -> Result<Coming<'m>, ReloadError> {
    let key = || key.clone();
    let made = draft.conceive(old, size);
    let made = made.map_err(|source| ReloadError::Invalid { key: key(), source })?;
    let coming = Coming::new(manager, made);
    if manager.registry.snapshot().shut {
        let key = key().to_string();
        return Err(ReloadError::ShuttingDown { key });
    }
    let new = &coming.new;
    // From the table: created, initializing, ready.
    new.entry.advance(State::Initializing);
    let proven = new.entry.prove(true).await;
    proven.map_err(|source| ReloadError::Unproven { key: key(), source })?;
    new.entry.advance(State::Ready);
    Ok(coming)
}

impl Inner {
    fn template_at(&self, key: &str) -> Result<Arc<dyn Nursery>, ReloadError> {
        let snapshot = self.registry.snapshot();
        let key = key.to_owned();
        if snapshot.shut {
            return Err(ReloadError::ShuttingDown { key });
        }
        if let Some(template) = snapshot.template(&key) {
            return Ok(Arc::clone(template));
        }
        if snapshot.all_of(&key).next().is_some() {
            return Err(ReloadError::NotPerTenant { key });
        }
        Err(ReloadError::UnknownKey {
            key,
            scope: Scope::GLOBAL,
            known: snapshot.keys(),
        })
    }

    /// What came in between.
    fn superseded(&self, key: Key) -> ReloadError {
        if self.registry.snapshot().shut {
            let key = key.to_string();
            return ReloadError::ShuttingDown { key };
        }
        ReloadError::Superseded { key }
    }
}

impl ReloadedTenants {
    const fn new(key: Key) -> Self {
        Self {
            key,
            generation: 0,
            reloaded: Vec::new(),
            refused: Vec::new(),
        }
    }
}

impl fmt::Display for ReloadedTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            generation,
            reloaded,
            refused,
        } = self;
        let count = reloaded.len();
        writeln!(
            f,
            "{key:?}: {count} tenants have configuration {generation}"
        )?;
        for (tenant, why) in refused {
            writeln!(f, "{tenant} has not: {why}")?;
        }
        Ok(())
    }
}

impl IntoFuture for ReloadPerTenant {
    type Output = Result<ReloadedTenants, ReloadError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.reload())
    }
}

/// A configuration is never formatted: it knows secrets.
impl fmt::Debug for ReloadPerTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReloadPerTenant")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
