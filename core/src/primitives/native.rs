//! The real thing: std atomics, crossbeam's ring and cell, arc-swap.

use std::sync::atomic::AtomicUsize as StripeCounter;

use arc_swap::ArcSwap;
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::atomic::AtomicCell;

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
/// `AtomicCell` swaps with `AcqRel`: whoever takes a value sees all that its giver wrote.
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

static NEXT_STRIPE: StripeCounter = StripeCounter::new(0);

thread_local! {
    static STRIPE: usize = NEXT_STRIPE.fetch_add(1, Ordering::Relaxed);
}

/// A small number that differs between threads for as long as possible: threads are dealt out
/// in turn, so that as many threads as there are stripes never share one.
#[inline]
pub(crate) fn stripe() -> usize {
    // A thread that is being torn down has lost its number; any stripe will do.
    STRIPE.try_with(|stripe| *stripe).unwrap_or(0)
}
