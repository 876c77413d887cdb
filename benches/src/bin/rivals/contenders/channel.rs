//! async-channel as a pool: what is received is sent back. Waits as thread or as task.

use async_channel::{Receiver, RecvError, Sender};

use super::lent::{Home, Lent};
use crate::pool::{AsyncPool, BoxError, Census, SyncPool, Thing};

pub(crate) struct Channel {
    sender: Sender<Box<Thing>>,
    receiver: Receiver<Box<Thing>>,
}

impl Home for Channel {
    #[inline]
    fn put_back(&self, thing: Box<Thing>) {
        // Never full: there are as many places as things.
        drop(self.sender.try_send(thing));
    }
}

impl Channel {
    pub(super) fn open(objects: usize, census: &Census) -> Result<Self, BoxError> {
        let (sender, receiver) = async_channel::bounded(objects);
        for _ in 0..objects {
            drop(sender.try_send(Box::new(census.make())));
        }
        Ok(Self { sender, receiver })
    }
}

impl SyncPool for Channel {
    type Guard<'a> = Lent<&'a Self>;
    type Error = RecvError;

    #[inline]
    fn acquire(&self) -> Result<Lent<&Self>, RecvError> {
        Ok(Lent::new(self, self.receiver.recv_blocking()?, ()))
    }
}

impl AsyncPool for Channel {
    type Guard<'a> = Lent<&'a Self>;
    type Error = RecvError;

    async fn acquire(&self) -> Result<Lent<&Self>, RecvError> {
        Ok(Lent::new(self, self.receiver.recv().await?, ()))
    }
}
