//! Ours: no validation, no lifetimes; everything else by default, statistics included.
//!
//! One type per door and kind of guard, opened with any strategy. The bridged ones are blocking callers on
//! an async pool.

use std::future::Future;
use std::time::Duration;

use nebula_resource::{
    AcquireError, BlockingFactory, Factory, Fairness, Guard, OwnedGuard, Pool, PoolConfig,
    Strategy, sync,
};

use super::PATIENCE;
use crate::pool::{AsyncPool, BoxError, Census, SyncPool, Thing};

/// A setting of the pool, as a type.
pub(crate) trait Choice: Send + Sync + 'static {
    const STRATEGY: Strategy;
    const FAIRNESS: Fairness = Fairness::Bounded;
}

pub(crate) struct Affine;
pub(crate) struct Fifo;
pub(crate) struct Lifo;
pub(crate) struct Strict;

impl Choice for Affine {
    const STRATEGY: Strategy = Strategy::Affine;
}

impl Choice for Fifo {
    const STRATEGY: Strategy = Strategy::Fifo;
}

impl Choice for Lifo {
    const STRATEGY: Strategy = Strategy::Lifo;
}

impl Choice for Strict {
    const STRATEGY: Strategy = Strategy::Affine;
    const FAIRNESS: Fairness = Fairness::Strict;
}

/// The configuration that all of ours have here.
pub(crate) fn config<C: Choice>(objects: usize) -> PoolConfig {
    PoolConfig {
        max_size: objects,
        strategy: C::STRATEGY,
        fairness: C::FAIRNESS,
        acquire_timeout: PATIENCE,
        validate_after: None,
        max_lifetime: None,
        idle_timeout: None,
        ..PoolConfig::default()
    }
}

pub(crate) struct Things(pub(crate) Census);

impl Factory for Things {
    type Object = Thing;
    type Error = String;

    async fn create(&self) -> Result<Thing, String> {
        Ok(self.0.make())
    }
}

impl BlockingFactory for Things {
    type Object = Thing;
    type Error = String;

    fn create(&self) -> Result<Thing, String> {
        Ok(self.0.make())
    }
}

pub(crate) fn blocking<C: Choice>(
    objects: usize,
    census: &Census,
) -> Result<sync::Pool<Things>, BoxError> {
    let builder = sync::Pool::builder(Things(census.clone()));
    Ok(builder.config(config::<C>(objects)).build()?)
}

pub(crate) fn awaiting<C: Choice>(
    objects: usize,
    census: &Census,
) -> Result<Pool<Things>, BoxError> {
    let builder = Pool::builder(Things(census.clone()));
    Ok(builder.config(config::<C>(objects)).build()?)
}

/// The blocking pool, a borrowed guard.
pub(crate) struct Blocking(sync::Pool<Things>);

impl Blocking {
    pub(super) fn open<C: Choice>(objects: usize, census: &Census) -> Result<Self, BoxError> {
        Ok(Self(blocking::<C>(objects, census)?))
    }
}

impl SyncPool for Blocking {
    type Guard<'a> = sync::Guard<'a, Things>;
    type Error = AcquireError;

    #[inline]
    fn acquire(&self) -> Result<sync::Guard<'_, Things>, AcquireError> {
        self.0.acquire()
    }
}

/// The blocking pool, an owned guard.
pub(crate) struct BlockingOwned(sync::Pool<Things>);

impl BlockingOwned {
    pub(super) fn open<C: Choice>(objects: usize, census: &Census) -> Result<Self, BoxError> {
        Ok(Self(blocking::<C>(objects, census)?))
    }
}

impl SyncPool for BlockingOwned {
    type Guard<'a> = sync::OwnedGuard<Things>;
    type Error = AcquireError;

    #[inline]
    fn acquire(&self) -> Result<sync::OwnedGuard<Things>, AcquireError> {
        self.0.acquire_owned()
    }
}

/// The blocking pool, without waiting. Creates nothing, and so is filled beforehand.
pub(crate) struct Trying(sync::Pool<Things>);

impl Trying {
    pub(super) fn open<C: Choice>(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let pool = blocking::<C>(objects, census)?;
        drop(pool.acquire_many(objects)?);
        Ok(Self(pool))
    }
}

impl SyncPool for Trying {
    type Guard<'a> = sync::Guard<'a, Things>;
    type Error = &'static str;

    #[inline]
    fn acquire(&self) -> Result<sync::Guard<'_, Things>, &'static str> {
        self.0.try_acquire().ok_or("nothing idle")
    }
}

/// The async pool, a borrowed guard, to tasks; and to threads, which block.
pub(crate) struct Async(Pool<Things>);

impl Async {
    pub(super) fn open<C: Choice>(objects: usize, census: &Census) -> Result<Self, BoxError> {
        Ok(Self(awaiting::<C>(objects, census)?))
    }
}

impl AsyncPool for Async {
    type Guard<'a> = Guard<'a, Things>;
    type Error = AcquireError;

    #[inline]
    fn acquire(&self) -> impl Future<Output = Result<Guard<'_, Things>, AcquireError>> + Send {
        self.0.acquire()
    }

    async fn acquire_within(&self, time: Duration) -> bool {
        self.0.acquire_timeout(time).await.is_ok()
    }
}

impl SyncPool for Async {
    type Guard<'a> = Guard<'a, Things>;
    type Error = AcquireError;

    #[inline]
    fn acquire(&self) -> Result<Guard<'_, Things>, AcquireError> {
        self.0.acquire_blocking()
    }
}

/// The async pool, an owned guard.
pub(crate) struct AsyncOwned(Pool<Things>);

impl AsyncOwned {
    pub(super) fn open<C: Choice>(objects: usize, census: &Census) -> Result<Self, BoxError> {
        Ok(Self(awaiting::<C>(objects, census)?))
    }
}

impl AsyncPool for AsyncOwned {
    type Guard<'a> = OwnedGuard<Things>;
    type Error = AcquireError;

    #[inline]
    fn acquire(&self) -> impl Future<Output = Result<OwnedGuard<Things>, AcquireError>> + Send {
        self.0.acquire_owned()
    }
}
