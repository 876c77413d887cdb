//! By hand, for tasks: tokio's semaphore counts, a mutex around a queue keeps.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::lent::{Home, Lent};
use crate::pool::{AsyncPool, BoxError, Census, Thing};

pub(crate) struct SemaphoreQueue {
    free: Semaphore,
    idle: Mutex<VecDeque<Box<Thing>>>,
}

impl Home for SemaphoreQueue {
    #[inline]
    fn put_back(&self, thing: Box<Thing>) {
        self.idle.lock().push_back(thing);
    }
}

impl SemaphoreQueue {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let idle = (0..objects).map(|_| Box::new(census.make())).collect();
        Ok(Self {
            free: Semaphore::new(objects),
            idle: Mutex::new(idle),
        })
    }
}

impl AsyncPool for SemaphoreQueue {
    type Guard<'a> = Lent<&'a Self, SemaphorePermit<'a>>;
    type Error = &'static str;

    async fn acquire(&self) -> Result<Self::Guard<'_>, &'static str> {
        let permit = self.free.acquire().await.map_err(|_| "closed")?;
        // Never empty: a thing is put back before its permit.
        let thing = self.idle.lock().pop_front().ok_or("no thing")?;
        Ok(Lent::new(self, thing, permit))
    }
}
