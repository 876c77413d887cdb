//! What stands around the engine and is not part of its protocols: threads and their locals, locks
//! beside the line's.
//!
//! Loom does not look here (they would multiply its states and decide nothing), so std serves both
//! builds; under shuttle, `shuttled` takes this file's place.

use std::time::Duration;

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
pub(crate) use std::{thread, thread_local};

/// A `static` of the process.
macro_rules! global {
    ($(#[$about:meta])* static $name:ident: $type:ty = $make:expr;) => {
        $(#[$about])*
        static $name: $type = $make;
    };
}
pub(crate) use global;

/// Waits while `idle` holds, at most for `span`; `signal` tells that it may have changed.
pub(crate) fn wait_while<'a, T>(
    _mutex: &'a Mutex<T>,
    signal: &Condvar,
    guard: MutexGuard<'a, T>,
    span: Duration,
    idle: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let waited = signal.wait_timeout_while(guard, span, idle);
    waited.unwrap_or_else(PoisonError::into_inner).0
}
