//! By hand, for threads: a mutex around a stack, and a condition variable for those who wait.

use std::convert::Infallible;

use parking_lot::{Condvar, Mutex};

use super::lent::{Home, Lent};
use crate::pool::{BoxError, Census, SyncPool, Thing};

pub(crate) struct MutexCondvar {
    #[allow(
        clippy::vec_box,
        reason = "what is handed out is a pointer, as with the others"
    )]
    idle: Mutex<Vec<Box<Thing>>>,
    returned: Condvar,
}

impl Home for MutexCondvar {
    #[inline]
    fn put_back(&self, thing: Box<Thing>) {
        self.idle.lock().push(thing);
        self.returned.notify_one();
    }
}

impl MutexCondvar {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let idle = (0..objects).map(|_| Box::new(census.make())).collect();
        Ok(Self {
            idle: Mutex::new(idle),
            returned: Condvar::new(),
        })
    }
}

impl SyncPool for MutexCondvar {
    type Guard<'a> = Lent<&'a Self>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> Result<Lent<&Self>, Infallible> {
        let mut idle = self.idle.lock();
        loop {
            if let Some(thing) = idle.pop() {
                return Ok(Lent::new(self, thing, ()));
            }
            self.returned.wait(&mut idle);
        }
    }
}
