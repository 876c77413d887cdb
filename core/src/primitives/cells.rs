//! The real containers: crossbeam's ring and cell, arc-swap.
//!
//! Named as they are by `native`; wrapped by `shuttled`, which puts a schedule point before each
//! operation.

use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::atomic::AtomicCell;

/// A bounded first-in-first-out queue.
pub(crate) struct Ring<T>(ArrayQueue<T>);

impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(ArrayQueue::new(capacity))
    }

    #[inline]
    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        self.0.push(value)
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A place for one boxed value, filled and emptied by one atomic swap each.
///
/// `AtomicCell` swaps with `AcqRel`: whoever takes a value sees all that its giver wrote; and of two who
/// swap, the later one sees all that the earlier one wrote before, whatever lay here (`engine::give`
/// rests on that).
pub(crate) struct Slot<T>(AtomicCell<Option<Box<T>>>);

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(AtomicCell::new(None))
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<Box<T>> {
        self.0.take()
    }

    #[inline]
    pub(crate) fn swap(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        self.0.swap(value)
    }
}

/// A value that is replaced as a whole and read as a snapshot.
pub(crate) struct Snapshot<T>(ArcSwap<T>);

impl<T> Snapshot<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self(ArcSwap::new(value))
    }

    pub(crate) fn load(&self) -> Arc<T> {
        self.0.load_full()
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        self.0.store(value);
    }
}
