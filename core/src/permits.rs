//! How many objects there may be, and how many there are: one word.
//!
//! Decides whether one more object may be made. Knows nothing of objects, waiters or time.
//!
//! State of the word, all of it changed by compare-and-swap:
//!
//! | bits  | name   | meaning |
//! |-------|--------|---------|
//! | 0–30  | total  | permits taken: objects alive plus objects being created |
//! | 31–61 | limit  | `max_size` as configured now; moves below the ceiling |
//! | 62    | paused | nothing is handed out until resumed |
//! | 63    | closed | nothing is handed out ever again; never cleared |
//!
//! I1: `total <= limit` except after the limit was lowered, and then `total` only falls until
//! it holds again.

use crate::primitives::{AtomicU64, Ordering};

const FIELD: u64 = (1 << 31) - 1;
const LIMIT_SHIFT: u32 = 31;
const PAUSED: u64 = 1 << 62;
const CLOSED: u64 = 1 << 63;

/// A reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u64);

impl State {
    pub(crate) const fn total(self) -> usize {
        (self.0 & FIELD) as usize
    }

    pub(crate) const fn limit(self) -> usize {
        ((self.0 >> LIMIT_SHIFT) & FIELD) as usize
    }

    pub(crate) const fn closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(crate) const fn paused(self) -> bool {
        self.0 & PAUSED != 0
    }

    /// Neither paused nor closed.
    #[inline]
    pub(crate) const fn open(self) -> bool {
        self.0 & (PAUSED | CLOSED) == 0
    }

    /// Whether a returned object may stay: the pool is not closed and not over its limit.
    #[inline]
    pub(crate) const fn keeps(self) -> bool {
        !self.closed() && self.total() <= self.limit()
    }
}

/// The word. See the module's table.
pub(crate) struct Permits(AtomicU64);

impl Permits {
    pub(crate) fn new(limit: usize) -> Self {
        Self(AtomicU64::new(((limit as u64) & FIELD) << LIMIT_SHIFT))
    }

    /// A reading, with no order of its own: who decides by it fences first (see `engine::give`)
    /// or holds the line's lock.
    #[inline]
    pub(crate) fn state(&self) -> State {
        State(self.0.load(Ordering::Relaxed))
    }

    /// Takes a permit if one is free.
    pub(crate) fn try_reserve(&self) -> bool {
        self.update(|state| {
            let free = !state.closed() && state.total() < state.limit();
            free.then_some(state.0 + 1)
        })
    }

    /// Gives a permit back.
    pub(crate) fn release(&self) {
        self.update(|state| Some(state.0 - 1));
    }

    /// Gives a permit back if there are more than may stay; of two callers that both saw one too
    /// many, one gets `true`.
    pub(crate) fn shed(&self) -> bool {
        self.update(|state| (!state.keeps() && state.total() > 0).then(|| state.0 - 1))
    }

    /// Moves the limit.
    pub(crate) fn set_limit(&self, limit: usize) {
        let limit = (limit as u64 & FIELD) << LIMIT_SHIFT;
        self.update(|state| Some(state.0 & !(FIELD << LIMIT_SHIFT) | limit));
    }

    /// Pauses or resumes; answers whether that changed anything.
    pub(crate) fn set_paused(&self, paused: bool) -> bool {
        self.update(|state| {
            let next = if paused {
                state.0 | PAUSED
            } else {
                state.0 & !PAUSED
            };
            (next != state.0).then_some(next)
        })
    }

    /// Closes for good; answers whether this call did it.
    pub(crate) fn close(&self) -> bool {
        self.update(|state| (!state.closed()).then_some(state.0 | CLOSED))
    }

    fn update(&self, next: impl Fn(State) -> Option<u64>) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        while let Some(new) = next(State(seen)) {
            // ord: AcqRel, pairs with itself: whoever takes a freed permit sees all that its
            // former owner did. The order against idle objects and waiters comes from fences.
            match self
                .0
                // proof: permit-order
                .compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_fields_do_not_touch_each_other() {
        let permits = Permits::new(FIELD as usize);
        assert!(permits.try_reserve());
        permits.set_limit(1);
        assert!(permits.set_paused(true) && !permits.set_paused(true));
        let state = permits.state();
        assert_eq!((state.total(), state.limit()), (1, 1));
        assert!(state.paused() && !state.closed() && !state.open() && state.keeps());
        assert!(!permits.try_reserve(), "the limit is reached");
        permits.set_limit(0);
        assert!(!permits.state().keeps(), "one too many");
        permits.release();
        assert_eq!(permits.state().total(), 0);
        assert!(permits.close() && !permits.close());
        assert!(permits.set_paused(false) && !permits.state().open());
    }

    #[test]
    fn only_what_is_too_many_is_shed() {
        let permits = Permits::new(2);
        assert!(permits.try_reserve() && permits.try_reserve());
        assert!(!permits.shed(), "as many as there may be");
        permits.set_limit(1);
        assert!(permits.shed() && !permits.shed(), "one of two that ask");
        permits.close();
        assert!(permits.shed() && !permits.shed(), "none may stay");
        assert_eq!(permits.state().total(), 0);
    }

    #[test]
    fn a_closed_pool_gives_no_permit() {
        let permits = Permits::new(3);
        permits.close();
        assert!(!permits.try_reserve());
    }
}
