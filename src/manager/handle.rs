//! A resource that was looked up once, for those who ask for it again and again.
//!
//! Decides when to look it up again: once it was reloaded. Knows nothing of what a lookup finds.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use nebula_resource_core::{ObjectInfo, PoolConfig, Status, Totals, ValidationError, park};

use crate::breaker::Breaker;
use crate::context::Context;
use crate::key::Key;
use crate::manager::Inner;
use crate::manager::acquire::{At, Nothing, Question, Start, at_once};
use crate::manager::erased::Entry;
use crate::manager::error::ResourceError;
use crate::manager::guard::ManagedGuard;
use crate::manager::place::Place;
use crate::resource::Resource;
use crate::scope::Scope;

/// A resource that was looked up once: acquiring through it costs little more than from a bare pool.
///
/// It stays valid through reloads, and follows them; a clone that is made after a reload is as fast
/// as before it. It keeps nothing open: once its resource is deregistered or the manager has shut
/// down, it is told so.
///
/// Whoever holds a handle was allowed to look it up. Hand it only to those who may use the
/// resource, or have them ask with [`acquire_in`](Self::acquire_in), which checks each caller.
pub struct Handle<R: Resource> {
    manager: Arc<Inner>,
    entry: Arc<Entry<R>>,
    /// The resource's own scope, where it is looked for again.
    home: Context,
}

impl<R: Resource> Handle<R> {
    pub(crate) fn new(manager: Arc<Inner>, entry: Arc<Entry<R>>) -> Self {
        let home = Context::new(entry.about.scope.clone());
        Self {
            manager,
            entry,
            home,
        }
    }

    /// What the resource is called.
    pub fn key(&self) -> &Key {
        &self.entry.about.key
    }

    /// Whose the resource is.
    pub fn scope(&self) -> &Scope {
        &self.entry.about.scope
    }

    /// Takes an instance, waiting for up to the pool's `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point: nothing is lost but an instance that was just being validated or
    /// recycled.
    #[track_caller]
    #[inline]
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<ManagedGuard<'_, R>, ResourceError>> + Send {
        self.acquire_as(&self.home, Location::caller())
    }

    /// [`acquire`](Self::acquire) for a caller with a deadline and a cancellation of its own, who must
    /// be within the resource's scope.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    #[track_caller]
    pub fn acquire_in<'h>(
        &'h self,
        context: &'h Context,
    ) -> impl Future<Output = Result<ManagedGuard<'h, R>, ResourceError>> + Send {
        let at = Location::caller();
        async move {
            self.admit(context)?;
            self.acquire_as(context, at).await
        }
    }

    #[inline]
    async fn acquire_as<'h>(
        &'h self,
        context: &'h Context,
        at: At,
    ) -> Result<ManagedGuard<'h, R>, ResourceError> {
        let (mut start, task) = (None, Some(park::task_key().await));
        if self.entry.about.life.state().serves() {
            match at_once(Place::Near(&self.entry), context, at, task) {
                Ok(guard) => return Ok(guard),
                Err(how_far) => start = Some(how_far),
            }
        }
        // On the heap, so that the future stays small: most acquires never come here.
        Box::pin(self.acquire_closely(context, at, start)).await
    }

    async fn acquire_closely<'h>(
        &'h self,
        context: &'h Context,
        at: At,
        start: Option<Start<'h, R>>,
    ) -> Result<ManagedGuard<'h, R>, ResourceError> {
        let (mut ask, mut start) = (self.question(context, at), start);
        loop {
            let start = match start.take() {
                Some(start) => start,
                None => Start::Closely(Place::Far(self.current(at)?)),
            };
            match self.manager.enter(ask, start).await {
                Ok(guard) => return Ok(guard),
                Err(Nothing::Error(why)) => return Err(why),
                Err(Nothing::Closed(since)) => ask = ask.again(since),
            }
        }
    }

    /// Takes an instance, parking the thread for up to the pool's `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Blocking
    ///
    /// Until there is an instance, or an error.
    #[track_caller]
    #[inline]
    pub fn acquire_blocking(&self) -> Result<ManagedGuard<'_, R>, ResourceError> {
        self.acquire_blocking_as(&self.home, Location::caller())
    }

    /// [`acquire_blocking`](Self::acquire_blocking) for a caller with a deadline and a cancellation
    /// of its own, who must be within the resource's scope.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Blocking
    ///
    /// Until there is an instance, or an error.
    #[track_caller]
    pub fn acquire_blocking_in(
        &self,
        context: &Context,
    ) -> Result<ManagedGuard<'_, R>, ResourceError> {
        self.admit(context)?;
        self.acquire_blocking_as(context, Location::caller())
    }

    #[inline]
    fn acquire_blocking_as(
        &self,
        context: &Context,
        at: At,
    ) -> Result<ManagedGuard<'_, R>, ResourceError> {
        let mut start = None;
        if self.entry.about.life.state().serves() {
            match at_once(Place::Near(&self.entry), context, at, None) {
                Ok(guard) => return Ok(guard),
                Err(how_far) => start = Some(how_far),
            }
        }
        self.acquire_blocking_closely(context, at, start)
    }

    #[cold]
    fn acquire_blocking_closely<'h>(
        &'h self,
        context: &Context,
        at: At,
        start: Option<Start<'h, R>>,
    ) -> Result<ManagedGuard<'h, R>, ResourceError> {
        let (mut ask, mut start) = (self.question(context, at), start);
        loop {
            let start = match start.take() {
                Some(start) => start,
                None => Start::Closely(Place::Far(self.current(at)?)),
            };
            match self.manager.enter_blocking(ask, start) {
                Ok(guard) => return Ok(guard),
                Err(Nothing::Error(why)) => return Err(why),
                Err(Nothing::Closed(since)) => ask = ask.again(since),
            }
        }
    }

    fn question<'q>(&'q self, context: &'q Context, at: At) -> Question<'q> {
        Question::new(self.entry.about.key.as_str(), context, at)
    }

    /// Refuses callers who are not within the resource's scope.
    fn admit(&self, caller: &Context) -> Result<(), ResourceError> {
        let scope = self.scope();
        if scope.contains(caller.scope()) {
            return Ok(());
        }
        Err(ResourceError::OutOfScope {
            key: self.key().to_string(),
            owners: vec![scope.clone()],
            caller: caller.scope().clone(),
        })
    }

    /// What the resource is by now: a reload has put another entry in the place of this one.
    fn current(&self, at: At) -> Result<Arc<Entry<R>>, ResourceError> {
        if self.entry.about.life.state().serves() && !self.entry.pool.is_closed() {
            return Ok(Arc::clone(&self.entry));
        }
        let home = self.question(&self.home, at);
        let found = self.manager.find_closely::<R>(home)?;
        if found.about.scope == self.entry.about.scope {
            return Ok(found);
        }
        // It is gone; what everybody may use under this key is another resource.
        Err(ResourceError::UnknownKey {
            key: self.key().to_string(),
            known: Vec::new(),
        })
    }

    #[track_caller]
    fn now(&self) -> Arc<Entry<R>> {
        let current = self.current(Location::caller());
        current.unwrap_or_else(|_| Arc::clone(&self.entry))
    }

    /// How many instances there are and where, at this moment.
    pub fn status(&self) -> Status {
        self.now().pool.status()
    }

    /// What has happened in its pool since the last reload.
    pub fn stats(&self) -> Totals {
        self.now().pool.stats()
    }

    /// Every instance: its state, age, uses, and who took it where.
    pub fn objects(&self) -> Vec<ObjectInfo> {
        self.now().pool.objects()
    }

    /// The configuration of its pool that is in force.
    pub fn pool_config(&self) -> PoolConfig {
        self.now().pool.config()
    }

    /// Its own circuit breaker, if it was registered with one.
    pub fn breaker(&self) -> Option<Breaker> {
        self.now().breakers().own().cloned()
    }

    /// Changes the configuration of its live pool, all of it or nothing; see
    /// [`Pool::reconfigure`](crate::engine::Pool::reconfigure).
    ///
    /// # Errors
    ///
    /// [`ValidationError`]: the old configuration is still in force.
    pub fn reconfigure_pool(
        &self,
        change: impl Fn(&mut PoolConfig),
    ) -> Result<(), ValidationError> {
        self.now().pool.reconfigure(change)
    }
}

/// The clone has looked the resource up again, if it was reloaded meanwhile.
impl<R: Resource> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self {
            manager: Arc::clone(&self.manager),
            entry: self.now(),
            home: self.home.clone(),
        }
    }
}

impl<R: Resource> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("key", self.key())
            .field("scope", self.scope())
            .finish_non_exhaustive()
    }
}
