//! The async pool: the core's handle with async names in front.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nebula_resource_core::{AcquireError, Assemble, Factory, Options, Shared, ValidationError};

use crate::driver::AsyncDriver;
use crate::runtime::{AnyRuntime, Chosen};

/// A guard that borrows its pool; see [`Guard`](nebula_resource_core::Guard).
pub type Guard<'a, F> = nebula_resource_core::Guard<AsyncDriver<F>, &'a Shared<AsyncDriver<F>>>;

/// A `'static` guard, to be kept or sent elsewhere.
pub type OwnedGuard<F> = nebula_resource_core::Guard<AsyncDriver<F>, Arc<Shared<AsyncDriver<F>>>>;

/// Collects what an async pool is made with.
pub type Builder<F> = nebula_resource_core::Builder<Assembly<F>>;

/// A pool for callers that await.
///
/// Everything that is not about acquiring comes from [`nebula_resource_core::Pool`], to which it
/// derefs: `reconfigure`, `resize`, `pause`, `retain`, `clear`, `close`, `status`, `stats`,
/// `objects`, and the blocking door, `acquire_blocking` and its family.
///
/// # Cancel safety
///
/// Every future here can be dropped at any point: a place in line is left and its turn passed on, a
/// creation goes on for the next caller, an object that was just being validated or recycled is
/// retired. Nothing is lost but that object.
pub struct Pool<F: Factory> {
    core: nebula_resource_core::Pool<AsyncDriver<F>>,
}

impl<F: Factory> Pool<F> {
    /// A pool with the default configuration. Nothing is created yet, nothing can fail yet.
    pub fn new(factory: F) -> Self {
        let chosen = Chosen::new(None);
        let clock = chosen.get().clock();
        let driver = AsyncDriver::new(factory, chosen);
        Self {
            core: nebula_resource_core::Pool::with_defaults(driver, clock),
        }
    }

    /// A pool configured step by step.
    pub fn builder(factory: F) -> Builder<F> {
        Builder::new(Assembly {
            factory,
            runtime: None,
        })
    }

    /// Takes an object, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> impl Future<Output = Result<Guard<'_, F>, AcquireError>> + Send {
        self.core.acquire_async()
    }

    /// Takes an object, waiting for up to `timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_timeout(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<Guard<'_, F>, AcquireError>> + Send {
        self.core.acquire_async_timeout(timeout)
    }

    /// Takes an object, waiting until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_deadline(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<Guard<'_, F>, AcquireError>> + Send {
        self.core.acquire_async_deadline(deadline)
    }

    /// Takes `count` objects or none, waiting for up to `acquire_timeout`. Two callers that each want
    /// several never wait for each other's share.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`]; [`TooMany`](AcquireError::TooMany) when `count` exceeds `max_size`.
    #[track_caller]
    pub fn acquire_many(
        &self,
        count: usize,
    ) -> impl Future<Output = Result<Vec<Guard<'_, F>>, AcquireError>> + Send {
        self.core.acquire_async_many(count)
    }

    /// Takes an object with a `'static` guard, waiting for up to `acquire_timeout`. The future is
    /// `'static` too, and does not keep the pool open.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_owned(
        &self,
    ) -> impl Future<Output = Result<OwnedGuard<F>, AcquireError>> + Send + use<F> {
        self.core.acquire_async_owned()
    }

    /// One round of maintenance, now; only needed with [`NoRuntime`](crate::runtime::NoRuntime).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it retires the object it was working on.
    pub fn maintain(&self) -> impl Future<Output = ()> + Send + use<F> {
        self.core.run_maintenance()
    }
}

impl<F: Factory> Deref for Pool<F> {
    type Target = nebula_resource_core::Pool<AsyncDriver<F>>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.core
    }
}

impl<F: Factory> Clone for Pool<F> {
    fn clone(&self) -> Self {
        Self {
            core: self.core.clone(),
        }
    }
}

impl<F: Factory> fmt::Debug for Pool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

/// An async pool in the making; see [`Pool::builder`].
pub struct Assembly<F> {
    factory: F,
    runtime: Option<AnyRuntime>,
}

// A factory is never formatted: it knows secrets.
impl<F> fmt::Debug for Assembly<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly").finish_non_exhaustive()
    }
}

impl<F: Factory> Assemble for Assembly<F> {
    type Pool = Pool<F>;
    type Runtime = AnyRuntime;

    fn set_runtime(&mut self, runtime: AnyRuntime) {
        self.runtime = Some(runtime);
    }

    fn assemble(self, options: Options) -> Result<Pool<F>, ValidationError> {
        let chosen = Chosen::new(self.runtime);
        let clock = options.clock().unwrap_or_else(|| chosen.get().clock());
        let driver = AsyncDriver::new(self.factory, chosen);
        let core = nebula_resource_core::Pool::assemble(options, driver, clock)?;
        Ok(Pool { core })
    }
}
