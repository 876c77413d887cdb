//! The real thing: std atomics and locks, the containers as they are.

use std::sync::atomic::AtomicUsize as StripeCounter;

pub(crate) use super::cells::{Ring, Slot, Snapshot};
pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use event_listener::Event;
pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

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
