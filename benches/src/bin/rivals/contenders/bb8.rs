//! bb8: no test on check-out, no lifetimes.

use std::convert::Infallible;
use std::future::Future;

use bb8::{ManageConnection, Pool, PooledConnection, RunError};

use super::PATIENCE;
use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct Manager(Census);

impl ManageConnection for Manager {
    type Connection = Thing;
    type Error = Infallible;

    async fn connect(&self) -> Result<Thing, Infallible> {
        Ok(self.0.make())
    }

    async fn is_valid(&self, _: &mut Thing) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Thing) -> bool {
        false
    }
}

pub(crate) struct Bb8(Pool<Manager>);

impl Bb8 {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let pool = Pool::builder()
            .max_size(u32::try_from(objects)?)
            .test_on_check_out(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connection_timeout(PATIENCE)
            .build_unchecked(Manager(census.clone()));
        Ok(Self(pool))
    }
}

impl AsyncPool for Bb8 {
    type Guard<'a> = PooledConnection<'a, Manager>;
    type Error = RunError<Infallible>;

    #[inline]
    fn acquire(
        &self,
    ) -> impl Future<Output = Result<PooledConnection<'_, Manager>, RunError<Infallible>>> + Send
    {
        self.0.get()
    }
}
