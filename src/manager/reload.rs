//! Putting another configuration in force: checked, proven, swapped in, and then the old pool drains.
//!
//! Decides the order of the four, and who wins of two that reload at once. Whatever goes wrong
//! before the swap changes nothing; the swap is one store, so that everybody finds either the old
//! pool or the new one. Knows nothing of types: the entry does.

use std::any::Any;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use nebula_resource_core::{AcquireError, PoolConfig, park};

use crate::events::EventKind;
use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::erased::Registered;
use crate::manager::error::ReloadError;
use crate::manager::leaving::Draining;
use crate::manager::registry::Change;
use crate::resource::ResourceConfig;
use crate::scope::Scope;

/// A configuration that is about to be put in force; see
/// [`Manager::reload_config`](super::Manager::reload_config).
///
/// Await it, or [`wait`](Self::wait) for it on a thread. Until then nothing has happened.
///
/// # Errors
///
/// See [`ReloadError`]; the old configuration is in force then.
///
/// # Cancel safety
///
/// Dropped before its end, it changes nothing.
#[must_use = "nothing is reloaded until this is awaited, or waited for"]
pub struct Reload {
    manager: Arc<Inner>,
    key: String,
    scope: Scope,
    config: Box<dyn Any + Send>,
    pool: Option<PoolConfig>,
}

/// What a reload did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reloaded {
    /// The number of the configuration that is now in force.
    pub generation: u64,
    /// What is left of the old one.
    pub old: Draining,
}

impl Reload {
    pub(crate) fn new(manager: Arc<Inner>, key: &str, config: impl ResourceConfig) -> Self {
        Self {
            manager,
            key: key.to_owned(),
            scope: Scope::GLOBAL,
            config: Box::new(config),
            pool: None,
        }
    }

    /// Whose resource is meant, where the key is registered in several scopes. Default: everybody's.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// How the new pool is configured. Default: as the old one is at this moment.
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
    /// Until the first instance is made with the new configuration.
    pub fn wait(self) -> Result<Reloaded, ReloadError> {
        park::block_on(self.reload())
    }

    async fn reload(self) -> Result<Reloaded, ReloadError> {
        let Self {
            manager,
            key,
            scope,
            config,
            pool,
        } = self;
        let old = manager.registered_at(&key, &scope)?;
        let reloaded = manager.replace(&old, config, pool).await;
        if let Err(refused) = &reloaded {
            let error = refused.to_string().into();
            old.entry.tell(EventKind::ReloadRefused { error });
        }
        reloaded
    }
}

impl Inner {
    async fn replace(
        &self,
        old: &Registered,
        config: Box<dyn Any + Send>,
        pool: Option<PoolConfig>,
    ) -> Result<Reloaded, ReloadError> {
        let mut coming = Coming::new(self, old.entry.successor(config, pool)?);
        let new = coming.new.clone();
        let about = new.entry.about();
        self.still_there(&self.registry.change(), old)?;
        // From the table: created, initializing, ready.
        new.entry.advance(State::Initializing);
        if let Err(source) = new.entry.prove(true).await {
            if matches!(source, AcquireError::Closed) {
                // It was stopped together with the old one.
                self.still_there(&self.registry.change(), old)?;
            }
            let key = about.key.clone();
            return Err(ReloadError::Unproven { key, source });
        }
        new.entry.advance(State::Ready);
        self.swap(old, &mut coming)?;
        // What the last configuration did says nothing about this one, which is proven.
        if let Some(breaker) = new.entry.breaker() {
            breaker.renew();
        }
        if let Some(ward) = new.entry.ward() {
            ward.reloaded(&*new.entry);
        }
        let generation = about.generation;
        new.entry.tell(EventKind::Reloaded { generation });
        Ok(Reloaded {
            generation,
            old: self.send_off([old.clone()]),
        })
    }

    fn registered_at(&self, key: &str, scope: &Scope) -> Result<Registered, ReloadError> {
        let snapshot = self.registry.snapshot();
        if snapshot.shut {
            let key = key.to_owned();
            return Err(ReloadError::ShuttingDown { key });
        }
        let there = snapshot.at(key, scope).cloned();
        if there.is_none() && snapshot.template(key).is_some() {
            let key = key.to_owned();
            return Err(ReloadError::PerTenant { key });
        }
        there.ok_or_else(|| ReloadError::UnknownKey {
            key: key.to_owned(),
            scope: scope.clone(),
            known: snapshot.keys(),
        })
    }

    /// Puts what is coming in the place of `old`, unless something else is there by now.
    fn swap(&self, old: &Registered, coming: &mut Coming<'_>) -> Result<(), ReloadError> {
        let mut change = self.registry.change();
        self.still_there(&change, old)?;
        change.put(coming.new.clone());
        // proof: reload-leaves
        change.leave(std::slice::from_ref(old));
        coming.arrive(&mut change);
        Ok(())
    }

    /// Refuses to go on once `old` has been taken away or replaced.
    fn still_there(&self, change: &Change<'_>, old: &Registered) -> Result<(), ReloadError> {
        let about = old.entry.about();
        let snapshot = change.before();
        // proof: reload-shut
        if snapshot.shut {
            let key = about.key.to_string();
            return Err(ReloadError::ShuttingDown { key });
        }
        let there = snapshot.at(&about.key, &about.scope);
        // proof: reload-one-wins
        if there.is_some_and(|there| there.is(old)) {
            return Ok(());
        }
        let key = about.key.clone();
        Err(ReloadError::Superseded { key })
    }
}

/// What is about to take another's place: in the books until it has, so that whoever stops everything
/// stops it too. Dropped before, it is sent off.
pub(crate) struct Coming<'m> {
    manager: &'m Inner,
    pub(crate) new: Registered,
    has_arrived: bool,
}

impl<'m> Coming<'m> {
    pub(crate) fn new(manager: &'m Inner, new: Registered) -> Self {
        // proof: reload-comes
        manager.registry.change().books.coming.push(new.clone());
        Self {
            manager,
            new,
            has_arrived: false,
        }
    }

    /// It is in the snapshot now.
    pub(crate) fn arrive(&mut self, change: &mut Change<'_>) {
        change.books.coming.retain(|one| !one.is(&self.new));
        self.has_arrived = true;
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if self.has_arrived {
            return;
        }
        let mut change = self.manager.registry.change();
        change.leave(std::slice::from_ref(&self.new));
        self.arrive(&mut change);
        drop(change);
        drop(self.new.entry.close());
        self.manager.registry.change().forget_settled();
    }
}

impl IntoFuture for Reload {
    type Output = Result<Reloaded, ReloadError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.reload())
    }
}

/// A configuration is never formatted: it knows secrets.
impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload")
            .field("key", &self.key)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
