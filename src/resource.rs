//! What the manager asks of a resource: how an instance is made from a configuration, how to tell
//! that it still works, how to make it fit for the next caller, and how to say goodbye to it.
//!
//! Decides nothing; vocabulary only. Knows nothing of managers, pools or waiting. When each method
//! is called, and how long it may take, is written at the method and enforced elsewhere.

mod blocking;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;

use nebula_resource_core::{BoxError, RetireReason, ValidationError};
use serde::de::DeserializeOwned;

pub(crate) use blocking::BlockingCalls;
pub use blocking::BlockingResource;

use crate::common::Common;
use crate::key::Key;
use crate::outcome::Severity;
use crate::scope::Scope;

/// The settings of a resource, as they are read from a file or made in code.
///
/// # Examples
///
/// ```
/// use nebula_resource::{ResourceConfig, ValidationError};
///
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct CacheConfig {
///     host: String,
///     port: u16,
/// }
///
/// impl ResourceConfig for CacheConfig {
///     fn validate(&self) -> Result<(), ValidationError> {
///         if self.port == 0 {
///             return Err(ValidationError::new("port", "from 1 to 65535", self.port));
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait ResourceConfig: DeserializeOwned + Send + Sync + 'static {
    /// Whether an instance can be made with these settings, as far as that can be told without
    /// making one. Asked before anything is created, and again for every new configuration.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    fn validate(&self) -> Result<(), ValidationError> {
        Ok(())
    }
}

/// For resources that have nothing to configure.
impl ResourceConfig for () {}

/// For whom an instance is made.
///
/// An instance belongs to its pool and not to the caller that triggered it, so this says nothing of
/// any caller.
#[derive(Clone)]
pub struct CreateContext {
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) generation: u64,
    pub(crate) common: Common,
}

impl CreateContext {
    /// What the resource is called.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Whose it is.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The configuration's number: 1 at first, one more with each reload.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// What all instances of this pool have in common, such as a client that opens sessions: made
    /// for the first of them, kept as long as the pool. One of each type; a reload begins anew.
    ///
    /// Instances that are made side by side may each make one; all but the first are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::{BlockingResource, CreateContext};
    /// use std::{convert::Infallible, sync::atomic::{AtomicU32, Ordering}};
    ///
    /// struct Tickets;
    ///
    /// impl BlockingResource for Tickets {
    ///     type Config = ();
    ///     type Instance = u32;
    ///     type Error = Infallible;
    ///
    ///     fn create(&self, (): &(), context: &CreateContext) -> Result<u32, Infallible> {
    ///         let printed = context.common(|| AtomicU32::new(0));
    ///         Ok(printed.fetch_add(1, Ordering::Relaxed))
    ///     }
    /// }
    /// # use nebula_resource::{Context, Manager, Scope};
    /// # let manager = Manager::new();
    /// # manager.register_blocking("tickets", Tickets, ())?;
    /// # let nobody = Context::new(Scope::GLOBAL);
    /// # let first = manager.acquire_blocking::<Tickets>("tickets", &nobody)?;
    /// # let second = manager.acquire_blocking::<Tickets>("tickets", &nobody)?;
    /// # assert_eq!((*first, *second), (0, 1));
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// ```
    ///
    pub fn common<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let made: Result<_, Infallible> = self.try_common(|| Ok(make()));
        made.unwrap_or_else(|never| match never {})
    }

    /// [`common`](Self::common), where making it may fail.
    ///
    /// # Errors
    ///
    /// What `make` answers; the next instance tries again.
    pub fn try_common<T: Send + Sync + 'static, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        self.common.get_or_make(make)
    }
}

impl fmt::Debug for CreateContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateContext")
            .field("key", &self.key)
            .field("scope", &self.scope)
            .field("generation", &self.generation)
            .finish()
    }
}

/// A kind of thing that a program has: a database, a cache, an HTTP service.
///
/// Only [`create`](Self::create) has no default. Every method may fail, hang or panic: each call is
/// bounded, panics are caught, and the instance's place is free again.
///
/// Every [`BlockingResource`] is one too, so that whatever takes a `Resource` takes both kinds; its
/// methods then run on helper threads, never on the runtime's.
///
/// # Examples
///
/// ```
/// use nebula_resource::{CreateContext, Resource, ResourceConfig};
/// use std::io;
/// use tokio::net::TcpStream;
///
/// struct LogServer;
///
/// #[derive(serde::Deserialize)]
/// struct LogConfig {
///     address: std::net::SocketAddr,
/// }
///
/// impl ResourceConfig for LogConfig {}
///
/// impl Resource for LogServer {
///     type Config = LogConfig;
///     type Instance = TcpStream;
///     type Error = io::Error;
///
///     async fn create(&self, config: &LogConfig, _: &CreateContext) -> io::Result<TcpStream> {
///         TcpStream::connect(config.address).await
///     }
/// }
/// ```
pub trait Resource: Send + Sync + 'static {
    /// What it is configured with.
    type Config: ResourceConfig;

    /// What callers get.
    type Instance: Send + 'static;

    /// Why an instance could not be made, validated or recycled. Any `std::error::Error` will do,
    /// and so will `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// Makes a new instance.
    ///
    /// Bounded by `create_timeout`. It belongs to the pool, not to the caller that triggered it:
    /// when that caller gives up, the instance goes to the next one.
    fn create(
        &self,
        config: &Self::Config,
        context: &CreateContext,
    ) -> impl Future<Output = Result<Self::Instance, Self::Error>> + Send;

    /// Answers whether an instance that was idle for longer than `validate_after` still works:
    /// `Ok` if it does, why not if it does not.
    ///
    /// Called before the instance is handed out, and as keepalive; bounded by `validate_timeout`.
    /// An error retires the instance, and makes every one that was proven before it suspect.
    fn is_valid(
        &self,
        instance: &mut Self::Instance,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = instance;
        ready(Ok(()))
    }

    /// Makes a returned instance clean for the next caller.
    ///
    /// `Drop` cannot wait, so it runs before the next hand-out, in maintenance, or at once with
    /// `release`; bounded by `recycle_timeout`. An error retires the instance.
    fn recycle(
        &self,
        instance: &mut Self::Instance,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = instance;
        ready(Ok(()))
    }

    /// Says goodbye to an instance; the default drops it.
    ///
    /// Runs in the background, bounded by `destroy_timeout`, never in a guard's `Drop`.
    fn cleanup(
        &self,
        instance: Self::Instance,
        why: RetireReason,
    ) -> impl Future<Output = ()> + Send {
        let _ = why;
        drop(instance);
        ready(())
    }

    /// Answers, without waiting, whether a returned instance is visibly unusable.
    ///
    /// Called in the guard's `Drop`: it must be cheap and may not block.
    fn is_broken(&self, instance: &Self::Instance) -> bool {
        let _ = instance;
        false
    }

    /// Says how bad an error is that a caller met with while it used an instance, and
    /// [reported](crate::ManagedGuard::report): for the instance, and for the resource.
    ///
    /// The default knows lost connections, and takes everything else for transient
    /// ([`Severity::of`]). A resource that knows its library's errors says more: above all which of
    /// them are the caller's own fault.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::{BlockingResource, CreateContext, Severity};
    /// use nebula_resource_sqlite::rusqlite::{self, Connection, ErrorCode};
    /// use std::error::Error;
    ///
    /// struct Orders;
    ///
    /// impl BlockingResource for Orders {
    ///     type Config = ();
    ///     type Instance = Connection;
    ///     type Error = rusqlite::Error;
    ///
    ///     fn create(&self, (): &(), _: &CreateContext) -> rusqlite::Result<Connection> {
    ///         Connection::open_in_memory()
    ///     }
    ///
    ///     fn classify(&self, error: &(dyn Error + 'static)) -> Severity {
    ///         let code = error.downcast_ref::<rusqlite::Error>().and_then(|e| e.sqlite_error_code());
    ///         match code {
    ///             Some(ErrorCode::ConstraintViolation) => Severity::Harmless,
    ///             Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Severity::Fatal,
    ///             _ => Severity::of(error),
    ///         }
    ///     }
    /// }
    /// ```
    fn classify(&self, error: &(dyn Error + 'static)) -> Severity {
        Severity::of(error)
    }

    /// The resources that must be there for this one to work, by their keys: they are registered
    /// before it, started before it and stopped after it.
    ///
    /// What only some installations need is said at registration instead
    /// ([`depends_on`](crate::manager::Registration::depends_on)).
    fn dependencies(&self) -> Vec<Key> {
        Vec::new()
    }

    /// How to call it where calls may block; not for implementers.
    #[doc(hidden)]
    fn blocking_calls(this: &Arc<Self>) -> Option<Arc<BlockingCalls<Self>>>
    where
        Self: Sized,
    {
        let _ = this;
        None
    }
}
