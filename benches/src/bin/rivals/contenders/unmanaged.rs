//! deadpool (unmanaged): objects are put in from outside. Threads can only try, so that they take part
//! where an object is always idle.

use std::future::Future;

use deadpool::unmanaged::{Object, Pool, PoolError};

use crate::pool::{AsyncPool, BoxError, Census, SyncPool, Thing};

pub(crate) struct Unmanaged(Pool<Thing>);

impl Unmanaged {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let things: Vec<_> = (0..objects).map(|_| census.make()).collect();
        Ok(Self(Pool::from(things)))
    }
}

impl SyncPool for Unmanaged {
    type Guard<'a> = Object<Thing>;
    type Error = PoolError;

    #[inline]
    fn acquire(&self) -> Result<Object<Thing>, PoolError> {
        self.0.try_get()
    }
}

impl AsyncPool for Unmanaged {
    type Guard<'a> = Object<Thing>;
    type Error = PoolError;

    #[inline]
    fn acquire(&self) -> impl Future<Output = Result<Object<Thing>, PoolError>> + Send {
        self.0.get()
    }
}
