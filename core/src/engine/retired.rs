//! The retired: objects that left the pool and wait to be destroyed.
//!
//! A chain through the entries themselves, hung from one slot: putting one in takes no lock
//! and no allocation, so that a guard's `Drop` may do it. Decides nothing.

use crate::entry::Entry;
use crate::guarded::contained;
use crate::primitives::Slot;

pub(crate) struct Retired<T>(Slot<Entry<T>>);

impl<T> Retired<T> {
    pub(crate) fn new() -> Self {
        Self(Slot::new())
    }

    /// Adds an entry.
    ///
    /// The swap that hangs our chain up may take another one down, hung there since we looked; it is
    /// joined with whatever hangs there by then and hung up again, until nothing came down.
    /// Whoever drains in between sees a part, and our next swap hangs up the rest.
    pub(crate) fn push(&self, entry: Box<Entry<T>>) {
        let mut chain = entry;
        // proof: retired-hangs-all-up
        while let Some(down) = self.0.swap(Some(chain)) {
            chain = match self.0.take() {
                // What hangs there is short, ours as a rule; what came down may be long.
                Some(mut hanging) => {
                    append(&mut hanging, down);
                    hanging
                }
                None => down,
            };
        }
    }

    /// Takes all that hang there.
    pub(crate) fn drain(&self) -> Chain<T> {
        Chain(self.0.take())
    }
}

impl<T> Drop for Retired<T> {
    fn drop(&mut self) {
        // One by one: a long chain must not recurse, and one destructor that panics must not keep
        // the others from running.
        self.drain().for_each(|entry| contained(|| drop(entry)));
    }
}

fn append<T>(chain: &mut Box<Entry<T>>, tail: Box<Entry<T>>) {
    let mut last = chain;
    while last.next.is_some() {
        match &mut last.next {
            Some(next) => last = next,
            None => return,
        }
    }
    last.next = Some(tail);
}

/// Entries taken from the chain, one by one.
pub(crate) struct Chain<T>(Option<Box<Entry<T>>>);

impl<T> Iterator for Chain<T> {
    type Item = Box<Entry<T>>;

    fn next(&mut self) -> Option<Box<Entry<T>>> {
        let mut entry = self.0.take()?;
        self.0 = entry.next.take();
        Some(entry)
    }
}

impl<T> Drop for Chain<T> {
    fn drop(&mut self) {
        while self.next().is_some() {}
    }
}
