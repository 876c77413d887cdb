//! mobc: no check on check-out, no lifetimes, all objects kept. A guard's drop spawns a task.

use std::convert::Infallible;
use std::future::Future;

use mobc::{Connection, Error, Manager as Manage, Pool, async_trait};

use super::PATIENCE;
use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct Manager(Census);

#[async_trait]
impl Manage for Manager {
    type Connection = Thing;
    type Error = Infallible;

    async fn connect(&self) -> Result<Thing, Infallible> {
        Ok(self.0.make())
    }

    async fn check(&self, thing: Thing) -> Result<Thing, Infallible> {
        Ok(thing)
    }
}

pub(crate) struct Mobc(Pool<Manager>);

impl Mobc {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let objects = u64::try_from(objects)?;
        let pool = Pool::builder()
            .max_open(objects)
            .max_idle(objects)
            .test_on_check_out(false)
            .get_timeout(Some(PATIENCE))
            .max_idle_lifetime(None)
            .max_lifetime(None)
            .build(Manager(census.clone()));
        Ok(Self(pool))
    }
}

impl AsyncPool for Mobc {
    type Guard<'a> = Connection<Manager>;
    type Error = Error<Infallible>;

    #[inline]
    fn acquire(
        &self,
    ) -> impl Future<Output = Result<Connection<Manager>, Error<Infallible>>> + Send {
        self.0.get()
    }
}
