//! The blocking pool: the core's handle with blocking names in front.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{
    AcquireError, Assemble, BlockingFactory, Options, Shared, ValidationError, park,
};

use crate::driver::{Background, BlockingDriver};

/// A guard that borrows its pool; see [`Guard`](nebula_resource_core::Guard).
pub type Guard<'a, B> =
    nebula_resource_core::Guard<BlockingDriver<B>, &'a Shared<BlockingDriver<B>>>;

/// A `'static` guard, to be kept or sent elsewhere.
pub type OwnedGuard<B> =
    nebula_resource_core::Guard<BlockingDriver<B>, Arc<Shared<BlockingDriver<B>>>>;

/// Collects what a blocking pool is made with.
pub type Builder<B> = nebula_resource_core::Builder<Assembly<B>>;

/// A pool for callers that block.
///
/// Everything that is not about acquiring comes from [`nebula_resource_core::Pool`], to which it
/// derefs: `reconfigure`, `resize`, `pause`, `retain`, `clear`, `close`, `status`, `stats`,
/// `objects`, and the async door, `acquire_async` and its family.
///
/// # Blocking
///
/// `acquire` and its family may block the calling thread until their deadline.
pub struct Pool<B: BlockingFactory> {
    core: nebula_resource_core::Pool<BlockingDriver<B>>,
}

impl<B: BlockingFactory> Pool<B> {
    /// A pool with the default configuration. Nothing is created yet, nothing can fail yet.
    pub fn new(factory: B) -> Self {
        let driver = BlockingDriver::new(factory, Background::default());
        Self {
            core: nebula_resource_core::Pool::with_defaults(driver, Clock::system()),
        }
    }

    /// A pool configured step by step.
    pub fn builder(factory: B) -> Builder<B> {
        Builder::new(Assembly {
            factory,
            background: Background::default(),
        })
    }

    /// Takes an object, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> Result<Guard<'_, B>, AcquireError> {
        self.core.acquire_blocking()
    }

    /// Takes an object, waiting for up to `timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Guard<'_, B>, AcquireError> {
        self.core.acquire_blocking_timeout(timeout)
    }

    /// Takes an object, waiting until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_deadline(&self, deadline: Instant) -> Result<Guard<'_, B>, AcquireError> {
        self.core.acquire_blocking_deadline(deadline)
    }

    /// Takes `count` objects or none, waiting for up to `acquire_timeout`. Two callers that each want
    /// several never wait for each other's share.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`]; [`TooMany`](AcquireError::TooMany) when `count` exceeds `max_size`.
    #[track_caller]
    pub fn acquire_many(&self, count: usize) -> Result<Vec<Guard<'_, B>>, AcquireError> {
        self.core.acquire_blocking_many(count)
    }

    /// Takes an object with a `'static` guard, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_owned(&self) -> Result<OwnedGuard<B>, AcquireError> {
        self.core.acquire_blocking_owned()
    }

    /// One round of maintenance, now; only needed with [`Background::Nothing`].
    ///
    /// # Blocking
    ///
    /// Waits for the callbacks it runs, each within its bound.
    pub fn maintain(&self) {
        park::block_on(self.core.run_maintenance());
    }
}

impl<B: BlockingFactory> Deref for Pool<B> {
    type Target = nebula_resource_core::Pool<BlockingDriver<B>>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.core
    }
}

impl<B: BlockingFactory> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self {
            core: self.core.clone(),
        }
    }
}

impl<B: BlockingFactory> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

/// A blocking pool in the making; see [`Pool::builder`].
pub struct Assembly<B> {
    factory: B,
    background: Background,
}

// A factory is never formatted: it knows secrets.
impl<B> fmt::Debug for Assembly<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly").finish_non_exhaustive()
    }
}

impl<B: BlockingFactory> Assemble for Assembly<B> {
    type Pool = Pool<B>;
    type Runtime = Background;

    fn set_runtime(&mut self, runtime: Background) {
        self.background = runtime;
    }

    fn assemble(self, options: Options) -> Result<Pool<B>, ValidationError> {
        let clock = options.clock().unwrap_or_else(Clock::system);
        let driver = BlockingDriver::new(self.factory, self.background);
        let core = nebula_resource_core::Pool::assemble(options, driver, clock)?;
        Ok(Pool { core })
    }
}
