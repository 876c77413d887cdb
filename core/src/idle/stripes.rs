//! The affine strategy's front: one slot per stripe of threads.
//!
//! Decides which slot a thread uses. Acquire and release are one swap each on a line that, in
//! the good case, no other processor touches; what does not fit goes to the shared ring.

use crate::primitives::{CachePadded, Slot, stripe};

/// At most so many stripes, whatever the machine has.
const MOST_STRIPES: usize = 64;

pub(crate) struct Stripes<E> {
    slots: Box<[CachePadded<Slot<E>>]>,
}

impl<E> Stripes<E> {
    pub(crate) fn new(ceiling: usize) -> Self {
        let count = wanted().min(ceiling.next_power_of_two());
        Self {
            slots: (0..count).map(|_| CachePadded::new(Slot::new())).collect(),
        }
    }

    #[inline]
    fn own(&self) -> usize {
        // The count is a power of two.
        stripe() & (self.slots.len() - 1)
    }

    #[inline]
    pub(crate) fn take_own(&self) -> Option<Box<E>> {
        self.slots[self.own()].take()
    }

    /// Puts `entry` into the own slot and answers what was there before.
    #[inline]
    pub(crate) fn swap_own(&self, entry: Box<E>) -> Option<Box<E>> {
        self.slots[self.own()].swap(Some(entry))
    }

    /// Takes from any slot, the own one last.
    pub(crate) fn steal(&self) -> Option<Box<E>> {
        let own = self.own();
        let count = self.slots.len();
        (1..=count).find_map(|step| self.slots[(own + step) & (count - 1)].take())
    }
}

/// Twice the processors: threads are dealt stripes in turn, and two threads on one stripe cost
/// each other more than an empty stripe costs whoever has to look through all of them.
#[cfg(not(any(loom, shuttle)))]
fn wanted() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (2 * processors).next_power_of_two().min(MOST_STRIPES)
}

#[cfg(any(loom, shuttle))]
fn wanted() -> usize {
    2.min(MOST_STRIPES)
}
