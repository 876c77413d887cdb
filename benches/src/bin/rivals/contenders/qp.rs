//! qp: acquired without its check.

use std::convert::Infallible;
use std::future::Future;

use qp::resource::Manage;
use qp::{Pool, Pooled, async_trait};

use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct Manager(Census);

#[async_trait]
impl Manage for Manager {
    type Output = Thing;
    type Error = Infallible;

    async fn try_create(&self) -> Result<Thing, Infallible> {
        Ok(self.0.make())
    }
}

pub(crate) struct Qp(Pool<Manager>);

impl Qp {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        Ok(Self(Pool::new(Manager(census.clone()), objects)))
    }
}

impl AsyncPool for Qp {
    type Guard<'a> = Pooled<'a, Manager>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> impl Future<Output = Result<Pooled<'_, Manager>, Infallible>> + Send {
        self.0.acquire_unchecked()
    }
}
