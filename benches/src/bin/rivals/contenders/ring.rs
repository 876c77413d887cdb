//! The floor: crossbeam's bounded ring, popped and pushed. Knows no waiting: whoever finds it empty
//! tries again.

use std::convert::Infallible;
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use super::lent::{Home, Lent};
use crate::pool::{AsyncPool, BoxError, Census, SyncPool, Thing};

pub(crate) struct Ring(ArrayQueue<Box<Thing>>);

impl Home for Ring {
    #[inline]
    fn put_back(&self, thing: Box<Thing>) {
        drop(self.0.push(thing));
    }
}

impl Ring {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let ring = ArrayQueue::new(objects);
        for _ in 0..objects {
            drop(ring.push(Box::new(census.make())));
        }
        Ok(Self(ring))
    }

    #[inline]
    fn pop(&self) -> Box<Thing> {
        loop {
            if let Some(thing) = self.0.pop() {
                return thing;
            }
            std::thread::yield_now();
        }
    }
}

impl SyncPool for Ring {
    type Guard<'a> = Lent<&'a Self>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> Result<Lent<&Self>, Infallible> {
        Ok(Lent::new(self, self.pop(), ()))
    }
}

impl AsyncPool for Ring {
    type Guard<'a> = Lent<&'a Self>;
    type Error = Infallible;

    async fn acquire(&self) -> Result<Lent<&Self>, Infallible> {
        loop {
            if let Some(thing) = self.0.pop() {
                return Ok(Lent::new(self, thing, ()));
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The same with one reference count up and down: what an owned guard may cost more than a borrowed
/// one.
pub(crate) struct Owned(Arc<Ring>);

impl Owned {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        Ok(Self(Arc::new(Ring::open(objects, census)?)))
    }
}

impl SyncPool for Owned {
    type Guard<'a> = Lent<Arc<Ring>>;
    type Error = Infallible;

    #[inline]
    fn acquire(&self) -> Result<Lent<Arc<Ring>>, Infallible> {
        Ok(Lent::new(Arc::clone(&self.0), self.0.pop(), ()))
    }
}
