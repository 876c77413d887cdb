//! The real thing.

pub(crate) use arc_swap::{ArcSwap, Guard};
pub(crate) use event_listener::Event;
pub(crate) use foldhash::fast::RandomState;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
