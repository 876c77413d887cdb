//! Stand-ins that shuttle sees into: before every operation another task may run.
//!
//! Shuttle runs one task at a time and knows one order of all operations; so the real snapshot, event
//! and once-lock stay, each with a schedule point in front. It also repeats what it did: maps hash the
//! same in every run.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use arc_swap::Guard;
pub(crate) use foldhash::fast::FixedState as RandomState;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
pub(crate) use std::sync::PoisonError;

/// Here another task may run. (To shuttle, which knows no time, a sleep is that and no more.)
fn point() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// See [`arc_swap::ArcSwap`].
#[derive(Default)]
pub(crate) struct ArcSwap<T>(arc_swap::ArcSwap<T>);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(arc_swap::ArcSwap::from_pointee(value))
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        point();
        self.0.load()
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        point();
        self.0.load_full()
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        point();
        self.0.store(value);
    }

    pub(crate) fn swap(&self, value: Arc<T>) -> Arc<T> {
        point();
        self.0.swap(value)
    }
}

/// The real one, which wakes under a lock of its own: no waker that comes there may have a schedule
/// point in it.
#[derive(Default)]
pub(crate) struct Event(event_listener::Event);

impl Event {
    pub(crate) const fn new() -> Self {
        Self(event_listener::Event::new())
    }
}

/// Whatever is done to it comes this way.
impl Deref for Event {
    type Target = event_listener::Event;

    fn deref(&self) -> &Self::Target {
        point();
        &self.0
    }
}

/// See [`std::sync::OnceLock`]: what it makes has no schedule point in it, so nobody finds it half
/// done.
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        point();
        self.0.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        point();
        self.0.set(value)
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        point();
        self.0.get_or_init(make)
    }
}
