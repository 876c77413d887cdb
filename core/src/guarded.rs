//! Running user code that may panic.
//!
//! Decides what a panic becomes: an error with its message. Knows nothing of pools.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::BoxError;

/// A user callback panicked; the message is the panic's.
#[derive(Debug, thiserror::Error)]
#[error("{callback} panicked: {message}")]
pub struct Panicked {
    callback: &'static str,
    message: String,
}

/// Runs `call`, turning a panic into an error that names the callback.
///
/// # Errors
///
/// The panic's message, when `call` panicked.
pub fn catch<R>(callback: &'static str, call: impl FnOnce() -> R) -> Result<R, BoxError> {
    // What the closure borrowed is retired by the caller when it panicked, never used again.
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| panicked(callback, payload))
}

pub(crate) fn panicked(callback: &'static str, payload: Box<dyn Any + Send>) -> BoxError {
    let message = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned());
    forget_panic(payload);
    Box::new(Panicked { callback, message })
}

/// Calls `call` and keeps a panic in it from going any further.
pub(crate) fn contained(call: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
        forget_panic(payload);
    }
}

/// Drops a panic's payload; should that panic as well, its own payload is leaked: there is
/// nobody left to tell.
pub(crate) fn forget_panic(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = catch("create", || panic!("no {}", "luck")).err();
        let text = error.map(|error| error.to_string());
        assert_eq!(text.as_deref(), Some("create panicked: no luck"));
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let error = catch("destroy", || std::panic::panic_any(Bomb)).err();
        assert!(error.is_some_and(|error| error.to_string().contains("no message")));
    }
}
