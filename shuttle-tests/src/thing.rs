//! The objects: they notice when two have them, when one is used after its farewell, and when one
//! is never destroyed.
//!
//! A fault is written down rather than thrown: the pool catches what callbacks throw. Everything
//! here is std's: no schedule point lies between looking and marking.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use nebula_resource_async::Lendable;

/// How many objects there were, and what went wrong with them.
#[derive(Debug, Default)]
pub struct Ledger {
    made: AtomicUsize,
    dropped: AtomicUsize,
    /// Of those that somebody has seen since they were made: how many are there.
    seen: AtomicUsize,
    faults: Mutex<Vec<String>>,
}

impl Ledger {
    /// A new object; they are numbered from 1.
    pub fn thing(self: &Arc<Self>) -> Thing {
        Thing {
            number: self.made.fetch_add(1, Relaxed) + 1,
            seen: AtomicBool::new(false),
            held: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            ledger: Arc::clone(self),
        }
    }

    /// Objects made, and objects dropped.
    pub fn counts(&self) -> (usize, usize) {
        (self.made.load(Relaxed), self.dropped.load(Relaxed))
    }

    /// How many are there that somebody has seen since they were made, and nobody has said goodbye
    /// to. (One that is still being made when nobody waits for it any more is dropped by whoever
    /// makes it.)
    pub fn seen(&self) -> usize {
        self.seen.load(Relaxed)
    }

    /// Writes a fault down.
    pub fn accuse(&self, fault: String) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(fault);
    }

    /// What was written down.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.clone()
    }
}

/// An object.
#[derive(Debug)]
pub struct Thing {
    number: usize,
    seen: AtomicBool,
    held: AtomicBool,
    gone: AtomicBool,
    broken: AtomicBool,
    ledger: Arc<Ledger>,
}

impl Thing {
    /// Its number, from 1.
    pub fn number(&self) -> u64 {
        self.number as u64
    }

    /// Somebody has it now.
    pub fn seize(&self) {
        self.still_good("handed out");
        if self.held.swap(true, Relaxed) {
            self.accuse("handed out twice");
        }
    }

    /// It goes back.
    pub fn yield_up(&self) {
        self.still_good("given back");
        if !self.held.swap(false, Relaxed) {
            self.accuse("given back by somebody who did not have it");
        }
    }

    /// A callback has it: nobody else may.
    pub fn handled(&self, callback: &str) {
        self.still_good(callback);
        if self.held.load(Relaxed) {
            self.accuse(&format!("given to {callback} while it was out"));
        }
    }

    /// Said goodbye to: nobody may have it any more, and nobody waits for how that ends.
    pub fn farewell(&self) {
        self.handled("destroy");
        self.gone.store(true, Relaxed);
        self.ledger.seen.fetch_sub(1, Relaxed);
    }

    /// Makes it visibly unusable.
    pub fn damage(&self) {
        self.broken.store(true, Relaxed);
    }

    /// Whether it is visibly unusable.
    pub fn is_broken(&self) -> bool {
        self.still_good("is_broken");
        self.broken.load(Relaxed)
    }

    fn still_good(&self, what: &str) {
        if !self.seen.swap(true, Relaxed) {
            self.ledger.seen.fetch_add(1, Relaxed);
        }
        if self.gone.load(Relaxed) {
            self.accuse(&format!("{what} after it was destroyed"));
        }
    }

    fn accuse(&self, what: &str) {
        self.ledger
            .accuse(format!("object {}: {what}", self.number));
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.ledger.dropped.fetch_add(1, Relaxed);
        if self.seen.load(Relaxed) && !self.gone.load(Relaxed) {
            self.ledger.seen.fetch_sub(1, Relaxed);
        }
    }
}

/// What holds a [`Thing`], whichever facade hands it out.
pub trait Payload {
    /// It.
    fn thing(&self) -> &Thing;
}

impl Payload for Thing {
    fn thing(&self) -> &Thing {
        self
    }
}

impl Payload for Lendable<Thing> {
    fn thing(&self) -> &Thing {
        self
    }
}
