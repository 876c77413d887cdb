//! fast_pool: its check on check-out does nothing, and cannot be left out.

use std::future::Future;

use fast_pool::{ConnectionGuard, Manager as Manage, Pool};

use super::PATIENCE;
use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct Manager(Census);

impl Manage for Manager {
    type Connection = Thing;
    type Error = String;

    async fn connect(&self) -> Result<Thing, String> {
        Ok(self.0.make())
    }

    async fn check(&self, _: &mut Thing) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) struct FastPool(Pool<Manager>);

impl FastPool {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let pool = Pool::new(Manager(census.clone()));
        pool.set_max_open(u64::try_from(objects)?);
        pool.set_timeout_wait(Some(PATIENCE));
        Ok(Self(pool))
    }
}

impl AsyncPool for FastPool {
    type Guard<'a> = ConnectionGuard<Manager>;
    type Error = String;

    #[inline]
    fn acquire(&self) -> impl Future<Output = Result<ConnectionGuard<Manager>, String>> + Send {
        self.0.get()
    }
}
