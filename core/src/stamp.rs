//! The pool's stamp: one word that moves whenever idle objects must be looked at more closely.
//!
//! | bits  | counts |
//! |-------|--------|
//! | 0–20  | suspicions: an object turned out broken, all proven before are suspect |
//! | 21–41 | clears: every object made before is to be retired |
//! | 42–63 | configurations |
//!
//! An object carries the stamp under which it was last found good. Equal means: nothing has
//! happened since. A counter that overflows carries into its neighbour, which costs one look too
//! many every two million events and is harmless.

use crate::primitives::{AtomicU64, Ordering};

const CLEAR_SHIFT: u32 = 21;
const CONFIG_SHIFT: u32 = 42;
const FIELD: u64 = (1 << 21) - 1;

/// A reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(crate) const fn same_clear(self, other: Self) -> bool {
        (self.0 ^ other.0) & (FIELD << CLEAR_SHIFT) == 0
    }

    pub(crate) const fn same_suspicion(self, other: Self) -> bool {
        (self.0 ^ other.0) & FIELD == 0
    }
}

/// The word itself.
pub(crate) struct StampCell(AtomicU64);

impl StampCell {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn read(&self) -> Stamp {
        // ord: Acquire, pairs with the Release of the three below: whoever sees the new stamp
        // sees the configuration that was stored before it.
        // proof: stamp-acquire
        Stamp(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn suspect(&self) {
        // proof: suspect-release
        self.0.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn clear(&self) {
        self.0.fetch_add(1 << CLEAR_SHIFT, Ordering::Release);
    }

    pub(crate) fn configured(&self) {
        // proof: stamp-release
        self.0.fetch_add(1 << CONFIG_SHIFT, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_event_moves_its_own_field() {
        let cell = StampCell::new();
        let first = cell.read();
        cell.suspect();
        let suspected = cell.read();
        assert!(!suspected.same_suspicion(first) && suspected.same_clear(first));
        cell.clear();
        let cleared = cell.read();
        assert!(cleared.same_suspicion(suspected) && !cleared.same_clear(suspected));
        cell.configured();
        let configured = cell.read();
        assert!(configured != cleared && configured.same_clear(cleared));
    }
}
