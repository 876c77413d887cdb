//! The objects of the models: they notice when two have them, when one is used after it was
//! destroyed, and when one is never destroyed.
//!
//! Two kinds of memory on purpose. The counters are std atomics: invisible to loom, they cost no
//! states and order nothing. The `touched` cell is loom's: every touch of an object must happen
//! after every earlier one, so a missing Acquire or Release on its way from hand to hand is a
//! data race that loom reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use loom::cell::UnsafeCell;

/// How many objects were made and destroyed.
#[derive(Debug, Default)]
pub struct Ledger {
    made: AtomicUsize,
    destroyed: AtomicUsize,
}

impl Ledger {
    /// A new object; they are numbered from 1.
    pub fn thing(self: &Arc<Self>) -> Thing {
        Thing {
            number: self.made.fetch_add(1, Relaxed) + 1,
            held: AtomicBool::new(false),
            touched: UnsafeCell::new(()),
            ledger: Arc::clone(self),
        }
    }

    /// Made and destroyed so far.
    pub fn counts(&self) -> (usize, usize) {
        (self.made.load(Relaxed), self.destroyed.load(Relaxed))
    }
}

/// An object.
#[derive(Debug)]
pub struct Thing {
    /// Its number, from 1.
    pub number: usize,
    held: AtomicBool,
    touched: UnsafeCell<()>,
    ledger: Arc<Ledger>,
}

impl Thing {
    /// Somebody has it now.
    ///
    /// # Panics
    ///
    /// When somebody else has it too.
    pub fn seize(&self) {
        assert!(!self.held.swap(true, Relaxed), "handed out twice: {self:?}");
        self.touch();
    }

    /// It goes back.
    ///
    /// # Panics
    ///
    /// When nobody had it.
    pub fn release(&self) {
        self.touch();
        assert!(self.held.swap(false, Relaxed), "not held: {self:?}");
    }

    /// Uses it: loom reports a race if another thread's last use did not happen before.
    pub fn touch(&self) {
        self.touched.with_mut(|_| ());
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        // A model that has failed already is unwinding outside of loom's execution.
        if !std::thread::panicking() {
            assert!(!self.held.load(Relaxed), "destroyed in use: {self:?}");
            self.touch();
            self.ledger.destroyed.fetch_add(1, Relaxed);
        }
    }
}
