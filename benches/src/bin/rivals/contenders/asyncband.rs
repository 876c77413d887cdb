//! asyncband's bounded pool (once fastpool): its check on check-out does nothing.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use asyncband::pool::bounded::{Object, Pool, PoolConfig};
use asyncband::pool::{ManageObject, ObjectStatus};

use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct Manager(Census);

impl ManageObject for Manager {
    type Object = Thing;
    type Error = Infallible;

    async fn create(&self) -> Result<Thing, Infallible> {
        Ok(self.0.make())
    }

    async fn is_recyclable(&self, _: &mut Thing, _: &ObjectStatus) -> Result<(), Infallible> {
        Ok(())
    }
}

pub(crate) struct Asyncband(Arc<Pool<Manager>>);

impl Asyncband {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let config = PoolConfig::new(objects);
        Ok(Self(Pool::new(config, Manager(census.clone()))))
    }
}

impl AsyncPool for Asyncband {
    type Guard<'a> = Object<Manager>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> impl Future<Output = Result<Object<Manager>, Infallible>> + Send {
        self.0.get()
    }
}
