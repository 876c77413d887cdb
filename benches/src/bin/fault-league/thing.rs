//! What the pools of the league hold: an object that knows when it was handed out although it may
//! not be, and that can carry something into its own destructor.
//!
//! Knows nothing of pools.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use crate::server::Server;

/// An object of the scripted server.
pub(crate) struct Thing {
    pub(crate) id: u64,
    pub(crate) epoch: u64,
    server: Server,
    spoiled: AtomicBool,
    broken: AtomicBool,
    lent: AtomicBool,
    burden: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Thing {
    pub(crate) fn new(id: u64, epoch: u64, server: Server) -> Self {
        Self {
            id,
            epoch,
            server,
            spoiled: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            lent: AtomicBool::new(false),
            burden: Mutex::new(None),
        }
    }

    /// From now on nobody may get it.
    pub(crate) fn spoil(&self) {
        self.spoiled.store(true, SeqCst);
    }

    pub(crate) fn is_spoiled(&self) -> bool {
        self.spoiled.load(SeqCst)
    }

    /// As a driver does that has met an error: visible to a pool that looks, and nobody may get it
    /// any more.
    pub(crate) fn break_down(&self) {
        self.broken.store(true, SeqCst);
        self.spoil();
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(SeqCst)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.server.is_live(self)
    }

    /// Dropped with it.
    pub(crate) fn carry(&self, burden: impl Any + Send) {
        let mut place = self.burden.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(Box::new(burden));
    }

    /// Somebody has it now; tells the server what is wrong with that.
    pub(crate) fn handed_out(&self) {
        if self.lent.swap(true, SeqCst) {
            self.server.handed_out_twice(self.id);
        }
        if self.is_spoiled() {
            self.server.handed_out_spoiled(self.id);
        }
    }

    pub(crate) fn handed_back(&self) {
        self.lent.store(false, SeqCst);
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.server.thing_dropped();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_happen_is_told() {
        let server = Server::default();
        let thing = server.create_blocking().expect("the server is up");
        thing.handed_out();
        thing.handed_back();
        thing.handed_out();
        assert_eq!((server.doubled(), server.spoiled()), (None, None));
        thing.handed_out();
        assert_eq!((server.doubled(), server.spoiled()), (Some(1), None));
        thing.handed_back();
        thing.spoil();
        thing.handed_out();
        assert_eq!(server.spoiled(), Some(1));
    }
}
