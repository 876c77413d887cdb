//! lockfree-object-pool (linear): unbounded, so nobody ever waits.

use std::convert::Infallible;

use lockfree_object_pool::{LinearObjectPool, LinearReusable};

use crate::pool::{BoxError, Census, SyncPool, Thing};

pub(crate) struct Lockfree(LinearObjectPool<Thing>);

impl Lockfree {
    pub(super) fn open(_objects: usize, census: &Census) -> Result<Self, BoxError> {
        let census = census.clone();
        let pool = LinearObjectPool::new(move || census.make(), |_| {});
        Ok(Self(pool))
    }
}

impl SyncPool for Lockfree {
    type Guard<'a> = LinearReusable<'a, Thing>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> Result<LinearReusable<'_, Thing>, Infallible> {
        Ok(self.0.pull())
    }
}
