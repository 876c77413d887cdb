//! The affine strategy's front: one slot per stripe of threads.
//!
//! Decides which slot a thread uses. Acquire and release are one swap each on a line that, in
//! the good case, no other processor touches; what does not fit goes to the shared ring.

use crate::primitives::{CachePadded, OnceLock, Slot, stripe};

/// At most so many stripes, whatever the machine has.
const MOST_STRIPES: usize = 64;

pub(crate) struct Stripes<E> {
    ceiling: usize,
    slots: OnceLock<Slots<E>>,
}

type Slots<E> = Box<[CachePadded<Slot<E>>]>;

impl<E> Stripes<E> {
    pub(crate) fn new(ceiling: usize) -> Self {
        Self {
            ceiling,
            slots: OnceLock::new(),
        }
    }

    /// The slots, made if nobody has done so yet.
    pub(crate) fn slots(&self) -> &[CachePadded<Slot<E>>] {
        match self.slots.get() {
            Some(slots) => slots,
            None => self.slots.get_or_init(|| {
                let count = wanted().min(self.ceiling.next_power_of_two());
                (0..count).map(|_| CachePadded::new(Slot::new())).collect()
            }),
        }
    }

    #[inline]
    pub(crate) fn take_own(&self) -> Option<Box<E>> {
        let slots = self.slots.get()?;
        slots[own(slots)].take()
    }

    /// Puts `entry` into the own slot and answers what was there before; or `entry`, when there is none.
    #[inline]
    pub(crate) fn swap_own(&self, entry: Box<E>) -> Option<Box<E>> {
        match self.slots.get() {
            Some(slots) => slots[own(slots)].swap(Some(entry)),
            None => Some(entry),
        }
    }

    /// Takes from any slot, the own one last.
    ///
    /// Swaps each of them, or makes them: either way, who puts something there later sees all that the
    /// caller wrote before (`engine::give` rests on that).
    pub(crate) fn steal(&self) -> Option<Box<E>> {
        // proof: look-makes-slots
        let slots = self.slots();
        let (own, count) = (own(slots), slots.len());
        (1..=count).find_map(|step| slots[(own + step) & (count - 1)].take())
    }
}

#[inline]
fn own<E>(slots: &[CachePadded<Slot<E>>]) -> usize {
    // The count is a power of two.
    stripe() & (slots.len() - 1)
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
