//! What comes back to a resource that is being stopped, and waits for its turn to be cleaned up.
//!
//! Decides when an object is kept and when it is cleaned up as it comes. Knows nothing of
//! pools, of whose turn it is, or of what cleaning up means.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nebula_resource_core::RetireReason;

/// Objects that were retired while their resource drains.
///
/// A pool destroys what is idle as soon as it is closed. What others depend on may not go before
/// those others, so it is laid down here until they are gone.
pub(crate) struct Leftovers<T>(Mutex<Stage<T>>);

enum Stage<T> {
    /// The resource is in use: what is retired goes at once.
    Before,
    /// It drains: what is retired is kept.
    Collecting(Vec<(T, RetireReason)>),
    /// It had its turn: what comes now comes late, and goes at once.
    After,
}

impl<T> Leftovers<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Stage::Before))
    }

    fn stage(&self) -> MutexGuard<'_, Stage<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what comes from now on. Once it had its turn, of no effect.
    pub(crate) fn collect(&self) {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Before) {
            *stage = Stage::Collecting(Vec::new());
        }
    }

    /// Keeps `object`, or gives it back to be cleaned up at once.
    pub(crate) fn keep(&self, object: T, why: RetireReason) -> Option<T> {
        match &mut *self.stage() {
            Stage::Collecting(kept) => {
                kept.push((object, why));
                None
            }
            Stage::Before | Stage::After => Some(object),
        }
    }

    /// Its turn: all that was kept. Nothing is kept from now on.
    pub(crate) fn take(&self) -> Vec<(T, RetireReason)> {
        match std::mem::replace(&mut *self.stage(), Stage::After) {
            Stage::Collecting(kept) => kept,
            Stage::Before | Stage::After => Vec::new(),
        }
    }
}

impl<T> fmt::Debug for Leftovers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.stage() {
            Stage::Before => "Leftovers(before)",
            Stage::Collecting(_) => "Leftovers(collecting)",
            Stage::After => "Leftovers(after)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_kept_only_from_closing_to_clean_up() {
        let leftovers = Leftovers::new();
        assert_eq!(leftovers.keep(1, RetireReason::MaxUses), Some(1));
        leftovers.collect();
        assert_eq!(leftovers.keep(2, RetireReason::Closed), None);
        leftovers.collect();
        assert_eq!(leftovers.keep(3, RetireReason::Broken), None);
        let kept = [(2, RetireReason::Closed), (3, RetireReason::Broken)];
        assert_eq!(leftovers.take(), kept);
        assert_eq!(leftovers.keep(4, RetireReason::Closed), Some(4));
        leftovers.collect();
        assert_eq!(
            leftovers.keep(5, RetireReason::Closed),
            Some(5),
            "its turn is over"
        );
        assert!(leftovers.take().is_empty());
    }
}
