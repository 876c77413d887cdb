//! deadpool (managed): no timeouts, and so no runtime; recycling does nothing.

use std::convert::Infallible;
use std::future::Future;

use deadpool::managed::{Manager as Manage, Metrics, Object, Pool, PoolError, RecycleResult};

use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct Manager(Census);

impl Manage for Manager {
    type Type = Thing;
    type Error = Infallible;

    async fn create(&self) -> Result<Thing, Infallible> {
        Ok(self.0.make())
    }

    async fn recycle(&self, _: &mut Thing, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

pub(crate) struct Deadpool(Pool<Manager>);

impl Deadpool {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let pool = Pool::builder(Manager(census.clone()))
            .max_size(objects)
            .build()?;
        Ok(Self(pool))
    }
}

impl AsyncPool for Deadpool {
    type Guard<'a> = Object<Manager>;
    type Error = PoolError<Infallible>;

    #[inline]
    fn acquire(
        &self,
    ) -> impl Future<Output = Result<Object<Manager>, PoolError<Infallible>>> + Send {
        self.0.get()
    }
}
