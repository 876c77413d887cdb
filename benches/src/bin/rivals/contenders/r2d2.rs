//! r2d2: no test on check-out, no lifetimes.

use std::convert::Infallible;

use r2d2::{ManageConnection, Pool, PooledConnection};

use super::PATIENCE;
use crate::pool::{BoxError, Census, SyncPool, Thing};

pub(crate) struct Manager(Census);

impl ManageConnection for Manager {
    type Connection = Thing;
    type Error = Infallible;

    fn connect(&self) -> Result<Thing, Infallible> {
        Ok(self.0.make())
    }

    fn is_valid(&self, _: &mut Thing) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Thing) -> bool {
        false
    }
}

pub(crate) struct R2d2(Pool<Manager>);

impl R2d2 {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let pool = Pool::builder()
            .max_size(u32::try_from(objects)?)
            .test_on_check_out(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connection_timeout(PATIENCE)
            .build(Manager(census.clone()))?;
        Ok(Self(pool))
    }
}

impl SyncPool for R2d2 {
    type Guard<'a> = PooledConnection<Manager>;
    type Error = r2d2::Error;

    #[inline]
    fn acquire(&self) -> Result<PooledConnection<Manager>, r2d2::Error> {
        self.0.get()
    }
}
