//! What a managed resource is made from, and a list of every instance that is alive.
//!
//! Decides nothing; it says which configuration an instance was made with, and when too many are there.
//! Everything here is std's: no schedule point lies between looking and marking.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nebula_resource::{ResourceConfig, ValidationError};
use serde::Deserialize;

use crate::thing::{Ledger, Thing};

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Flaw {
    /// It is refused when it is looked at.
    Invalid,
    /// No instance can be made with it.
    Unmakeable,
}

/// A configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Counted on with each registration; the generations of reloads begin anew with each.
    pub epoch: usize,
    /// Its own number: no two are the same.
    pub number: usize,
    /// What is wrong with it, if anything.
    pub flaw: Option<Flaw>,
}

impl ResourceConfig for Order {
    fn validate(&self) -> Result<(), ValidationError> {
        match self.flaw {
            Some(Flaw::Invalid) => Err(ValidationError::new("flaw", "none", "invalid")),
            _ => Ok(()),
        }
    }
}

/// Where an instance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Of the registration.
    pub epoch: usize,
    /// Of the configuration, within the registration.
    pub generation: u64,
    /// The configuration.
    pub number: usize,
}

/// Every instance there was, and those that are alive.
#[derive(Debug, Default)]
pub struct Hall {
    ledger: Arc<Ledger>,
    orders: AtomicUsize,
    /// By their numbers.
    alive: Mutex<BTreeMap<usize, Entered>>,
    entered: AtomicUsize,
    /// The most there may be together, and with one configuration.
    caps: Mutex<Option<(usize, usize)>>,
    /// From now on there may be none.
    closed: AtomicBool,
}

/// One that is alive.
#[derive(Clone, Debug)]
struct Entered {
    origin: Origin,
    owner: String,
    /// Somebody other than its maker has it. Until then it may be one that nobody waits for any more:
    /// a call that blocks cannot be broken off, and drops what it made.
    known: bool,
    /// A caller has it.
    is_out: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hall {
    /// Another configuration, with the next number.
    pub fn order(&self, epoch: usize, flaw: Option<Flaw>) -> Order {
        let number = self.orders.fetch_add(1, Relaxed) + 1;
        Order {
            epoch,
            number,
            flaw,
        }
    }

    /// From now on there may be no more instances than `together`, and made with one configuration than
    /// `each`.
    pub fn cap(&self, together: usize, each: usize) {
        *lock(&self.caps) = Some((together, each));
    }

    /// From now on nothing may be made, nor said goodbye to.
    pub fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// What happened to the instances.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether the end had come when somebody began to make an instance.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// A new instance; `late` if nobody may have one any more.
    pub(crate) fn enter(self: &Arc<Self>, origin: Origin, owner: String, late: bool) -> Item {
        let number = self.entered.fetch_add(1, Relaxed);
        if late {
            self.ledger
                .accuse(format!("{origin:?} was made after the end"));
        }
        let entered = Entered {
            origin,
            owner,
            known: false,
            is_out: false,
        };
        lock(&self.alive).insert(number, entered);
        Item {
            thing: self.ledger.thing(),
            number,
            origin,
            hall: Arc::clone(self),
        }
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Entered)) {
        let mut alive = lock(&self.alive);
        let Some(entered) = alive.get_mut(&number) else {
            return;
        };
        change(entered);
        let from = entered.origin.number;
        let is_out = |one: &&Entered| one.is_out && one.origin.number == from;
        let out = alive.values().filter(is_out).count();
        let all = alive.values().filter(|one| one.known).count();
        drop(alive);
        if let Some((together, each)) = *lock(&self.caps)
            && (all > together || out > each)
        {
            let fault = format!("{out} out that were made with {from}, and {all} in all");
            self.ledger.accuse(fault);
        }
    }

    /// Where those come from that are alive; with `known`, only those that somebody has.
    pub fn alive(&self, known: bool) -> Vec<Origin> {
        let alive = lock(&self.alive);
        let there = alive.values().filter(|one| one.known || !known);
        there.map(|one| one.origin).collect()
    }

    /// The same, of one owner.
    pub fn alive_of(&self, owner: &str, known: bool) -> Vec<Origin> {
        let alive = lock(&self.alive);
        let there = alive.values().filter(|one| one.known || !known);
        let own = there.filter(|one| one.owner == owner);
        own.map(|one| one.origin).collect()
    }
}

/// An instance.
#[derive(Debug)]
pub struct Item {
    thing: Thing,
    number: usize,
    /// Where it comes from.
    pub origin: Origin,
    hall: Arc<Hall>,
}

impl Item {
    /// Somebody other than its maker has it.
    pub(crate) fn known(&self) -> &Thing {
        self.hall
            .change(self.number, |entered| entered.known = true);
        &self.thing
    }

    /// A caller has it.
    pub(crate) fn seize(&self) {
        self.known().seize();
        self.hall
            .change(self.number, |entered| entered.is_out = true);
    }

    /// The caller gives it back.
    pub(crate) fn yield_up(&self) {
        self.hall
            .change(self.number, |entered| entered.is_out = false);
        self.thing.yield_up();
    }

    /// It is said goodbye to.
    pub(crate) fn farewell(&self) {
        self.known().farewell();
        if self.hall.is_closed() {
            let fault = format!("{:?} was cleaned up after the end", self.origin);
            self.hall.ledger.accuse(fault);
        }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        drop(lock(&self.hall.alive).remove(&self.number));
    }
}
