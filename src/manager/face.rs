//! The manager as its users see it.
//!
//! Decides nothing; each method names the part that does.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::acquire::{Question, Wanted};
use super::setup::Setup;
use super::{
    DeregisterError, Draining, Handle, Inner, ManagedGuard, ManagerBuilder, ManagerStatus, Reload,
    ResourceError, ShutdownBudget, ShuttingDown,
};
use crate::context::Context;
use crate::events::Events;
use crate::hooks::Hooks;
use crate::provider::{AnyGuard, Request};
use crate::resource::{Resource, ResourceConfig};
use crate::scope::Scope;

/// Has all resources of a program: each is declared once, and asked for by its key.
///
/// Clones are the same manager. When the last one is dropped, its pools are closed; to wait for
/// what is still in use and have it cleaned up in order, [`shutdown`](Self::shutdown) first.
///
/// # Examples
///
/// ```
/// use nebula_resource::{Context, CreateContext, Manager, Resource, Scope};
/// use std::convert::Infallible;
///
/// struct Greeter; // makes greetings
///
/// impl Resource for Greeter {
///     type Config = ();
///     type Instance = String;
///     type Error = Infallible;
///
///     async fn create(&self, _: &(), context: &CreateContext) -> Result<String, Infallible> {
///         Ok(format!("hello from {}", context.key()))
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let manager = Manager::new();
/// manager.register("greeter", Greeter, ()).await?;
///
/// let nobody = Context::new(Scope::GLOBAL);
/// let greeting = manager.acquire::<Greeter>("greeter", &nobody).await?;
/// assert_eq!(*greeting, "hello from greeter");
/// drop(greeting);
///
/// let report = manager.shutdown().await;
/// assert!(report.is_clean());
/// # Ok::<(), nebula_resource::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Manager {
    pub(super) inner: Arc<Inner>,
    /// Counts the managers: handles keep the inner part alive, but nothing open.
    _open: Arc<Open>,
}

struct Open(Arc<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Manager {
    /// A manager whose pools find their runtime by themselves.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A manager made step by step.
    pub fn builder() -> ManagerBuilder {
        ManagerBuilder::default()
    }

    /// What it shares with its handles.
    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(super) fn with(setup: Setup) -> Self {
        let inner = Arc::new(Inner::new(setup));
        Self {
            _open: Arc::new(Open(Arc::clone(&inner))),
            inner,
        }
    }

    /// Takes an instance of the resource that is called `key`, waiting for up to the pool's
    /// `acquire_timeout`.
    ///
    /// Of several that are registered under one key, the caller gets the narrowest that it is in.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point: a place in line is left and its turn passed on, a creation goes
    /// on for the next caller, an instance that was just being validated or recycled is retired.
    #[track_caller]
    #[inline]
    pub fn acquire<'m, R: Resource>(
        &'m self,
        key: &'m str,
        context: &'m Context,
    ) -> impl Future<Output = Result<ManagedGuard<'static, R>, ResourceError>> + Send + use<'m, R>
    {
        let at = Location::caller();
        self.inner.acquire(Question::new(key, context, at))
    }

    /// [`acquire`](Self::acquire), parking the thread.
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
    pub fn acquire_blocking<R: Resource>(
        &self,
        key: &str,
        context: &Context,
    ) -> Result<ManagedGuard<'static, R>, ResourceError> {
        let at = Location::caller();
        self.inner.acquire_blocking(Question::new(key, context, at))
    }

    pub(crate) async fn provide_any(
        &self,
        request: Request<'_>,
    ) -> Result<AnyGuard, ResourceError> {
        let ask = Question::new(request.key(), request.context(), request.at());
        let wanted = Wanted {
            id: request.resource(),
            name: request.resource_name(),
        };
        self.inner.acquire_any(ask, wanted).await
    }

    /// Looks a resource up once, for who acquires it again and again.
    ///
    /// # Errors
    ///
    /// See [`ResourceError`].
    #[track_caller]
    pub fn handle<R: Resource>(
        &self,
        key: &str,
        context: &Context,
    ) -> Result<Handle<R>, ResourceError> {
        let at = Location::caller();
        let entry = self.inner.find(Question::new(key, context, at))?;
        Ok(Handle::new(Arc::clone(&self.inner), entry))
    }

    /// Puts another configuration in force: await what this returns.
    ///
    /// The new configuration is validated, and a first instance is made with it, in a pool of its
    /// own. Only then does that pool take the old one's place; from then on callers get new
    /// instances, those who were in line are served by the new pool, and the old one drains: guards
    /// that are out stay valid. While it drains, there may be instances of both, up to `max_size`
    /// each. At no moment does a caller find nothing.
    ///
    /// # Errors
    ///
    /// When awaited: see [`ReloadError`](super::ReloadError). The old configuration is in force then.
    pub fn reload_config(&self, key: &str, config: impl ResourceConfig) -> Reload {
        Reload::new(Arc::clone(&self.inner), key, config)
    }

    /// Takes a resource out: nobody gets it from now on, and its pool drains.
    ///
    /// # Errors
    ///
    /// See [`DeregisterError`].
    pub fn deregister(&self, key: &str, scope: &Scope) -> Result<Draining, DeregisterError> {
        self.inner.deregister(key, scope)
    }

    /// Everything that is registered, at this moment. For whoever runs the program: it tells of all
    /// tenants.
    pub fn status(&self) -> ManagerStatus {
        self.inner.status()
    }

    /// Does by hand, and now, what is otherwise done in the background: one round of every pool's
    /// maintenance, putting idle tenants away, and what is due for resources besides (autoscaling, for
    /// one).
    ///
    /// Only needed where nothing runs in the background
    /// ([`NoRuntime`](crate::runtime::NoRuntime)): every now and then, as often as
    /// `maintenance_every` says.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::{Manager, runtime::NoRuntime};
    ///
    /// let manager = Manager::builder().runtime(NoRuntime).build();
    /// futures::executor::block_on(manager.run_maintenance());
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it retires the instance it was working on.
    pub async fn run_maintenance(&self) {
        self.inner.maintain().await;
    }

    /// What depends on what, with each resource's state, in the language of Graphviz. For whoever
    /// runs the program: it tells of all tenants.
    pub fn graph(&self) -> String {
        self.inner.drawing()
    }

    /// Own code around what is done to resources. For whoever runs the program: it is told of all
    /// tenants, unless it is attached for some.
    pub fn hooks(&self) -> &Hooks {
        &self.inner.setup.listeners.hooks
    }

    /// What happens to resources. For whoever runs the program: it tells of all tenants, unless
    /// subscribed to for some.
    pub fn events(&self) -> &Events {
        &self.inner.setup.listeners.events
    }

    /// Stops what is registered for `scope` and for every scope inside it: dependants first, as
    /// [`shutdown`](Self::shutdown) does. Nobody gets any of it from now on.
    ///
    /// The global scope has everything in it; the manager goes on, with nothing registered.
    pub fn end_scope(&self, scope: &Scope) -> ShuttingDown {
        self.inner.end_scope(scope)
    }

    /// Stops everything: nobody is admitted any more, guards are waited for, and all instances are
    /// cleaned up, dependants before what they depend on. With the default budget it takes at most
    /// 25 s; asked a second time, it hurries.
    ///
    /// It has begun when this returns. Await it for the report.
    pub fn shutdown(&self) -> ShuttingDown {
        self.shutdown_within(ShutdownBudget::default())
    }

    /// [`shutdown`](Self::shutdown) with another budget. Of several calls the first one's counts.
    pub fn shutdown_within(&self, budget: ShutdownBudget) -> ShuttingDown {
        self.inner.shut_down(budget)
    }
}

impl Default for Manager {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
