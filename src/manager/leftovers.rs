//! What comes back to a resource that is being stopped, and waits for its turn to be cleaned up.
//!
//! Decides when an object is kept and when it is cleaned up as it comes. Knows nothing of
//! pools, of whose turn it is, or of what cleaning up means.

use std::fmt;
use std::sync::Arc;

use nebula_resource_core::RetireReason;

use crate::context::Cancellation;
use crate::primitives::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};

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
    /// It had its turn: what comes now comes late, and goes at once. What was kept is being cleaned
    /// up.
    After(Option<Arc<Owed>>),
}

/// One that was kept, and is owed a farewell until this is dropped.
pub(crate) struct Leftover<T> {
    pub(crate) object: T,
    pub(crate) why: RetireReason,
    // Dropped last.
    pub(crate) debt: Debt,
}

/// How many farewells are still owed.
struct Owed {
    left: AtomicUsize,
    /// Raised with the last one.
    none: Cancellation,
}

impl Owed {
    fn is_none(&self) -> bool {
        // ord: Acquire, pairs with the AcqRel in `Debt`.
        self.left.load(Ordering::Acquire) == 0
    }
}

/// One of them.
pub(crate) struct Debt(Arc<Owed>);

impl Drop for Debt {
    fn drop(&mut self) {
        // ord: AcqRel: whoever hears of the last one sees all that came before.
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.cancel();
        }
    }
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
            Stage::Before | Stage::After(_) => Some(object),
        }
    }

    /// Its turn: all that was kept. Nothing is kept from now on.
    pub(crate) fn take(&self) -> Vec<Leftover<T>> {
        let mut stage = self.stage();
        let kept = match &mut *stage {
            Stage::Collecting(kept) => std::mem::take(kept),
            Stage::Before => Vec::new(),
            Stage::After(_) => return Vec::new(),
        };
        let owed = Arc::new(Owed {
            left: AtomicUsize::new(kept.len()),
            none: Cancellation::new(),
        });
        *stage = Stage::After((!kept.is_empty()).then(|| Arc::clone(&owed)));
        let owing = |(object, why)| Leftover {
            object,
            why,
            debt: Debt(Arc::clone(&owed)),
        };
        kept.into_iter().map(owing).collect()
    }

    /// Nothing is kept, and all that was has been cleaned up.
    pub(crate) fn is_empty(&self) -> bool {
        match &*self.stage() {
            Stage::Before | Stage::After(None) => true,
            Stage::Collecting(kept) => kept.is_empty(),
            Stage::After(Some(owed)) => owed.is_none(),
        }
    }

    /// What is raised once all that was [taken](Self::take) has been cleaned up, by whoever took it;
    /// none if it has.
    pub(crate) fn owed(&self) -> Option<Cancellation> {
        let Stage::After(Some(owed)) = &*self.stage() else {
            return None;
        };
        (!owed.is_none()).then(|| owed.none.clone())
    }
}

impl<T> fmt::Debug for Leftovers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.stage() {
            Stage::Before => "Leftovers(before)",
            Stage::Collecting(_) => "Leftovers(collecting)",
            Stage::After(_) => "Leftovers(after)",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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
        let taken = leftovers.take().into_iter();
        let taken: Vec<_> = taken.map(|left| (left.object, left.why)).collect();
        assert_eq!(taken, kept);
        assert_eq!(leftovers.keep(4, RetireReason::Closed), Some(4));
        leftovers.collect();
        assert_eq!(
            leftovers.keep(5, RetireReason::Closed),
            Some(5),
            "its turn is over"
        );
        assert!(leftovers.take().is_empty());
    }

    #[test]
    fn whoever_comes_second_waits_for_what_the_first_one_took() {
        let leftovers = Leftovers::new();
        leftovers.collect();
        for number in [1, 2] {
            assert_eq!(leftovers.keep(number, RetireReason::Closed), None);
        }
        let mut first = leftovers.take();
        assert!(leftovers.take().is_empty() && !leftovers.is_empty());
        let owed = leftovers.owed().unwrap();
        drop(first.pop());
        assert!(!owed.is_cancelled());
        drop(first);
        assert!(owed.is_cancelled() && leftovers.owed().is_none() && leftovers.is_empty());
    }
}
