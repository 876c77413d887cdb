//! opool: unbounded (an empty one makes another object), so nobody ever waits.

use std::convert::Infallible;
use std::sync::Arc;

use opool::{Pool, PoolAllocator, RefGuard};

use crate::pool::{BoxError, Census, SyncPool, Thing};

pub(crate) struct Allocator(Census);

impl PoolAllocator<Thing> for Allocator {
    fn allocate(&self) -> Thing {
        self.0.make()
    }
}

pub(crate) struct Opool(Arc<Pool<Allocator, Thing>>);

impl Opool {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let pool = Pool::new_prefilled(objects, Allocator(census.clone()));
        Ok(Self(pool.to_rc()))
    }
}

impl SyncPool for Opool {
    type Guard<'a> = RefGuard<'a, Allocator, Thing>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> Result<RefGuard<'_, Allocator, Thing>, Infallible> {
        Ok(self.0.get())
    }
}
