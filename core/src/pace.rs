//! How long care usually takes: what tells whether a caller's time is still worth beginning with.
//!
//! Decides what is usual. Knows nothing of callers, nor of what is done for them.

use std::time::Duration;

use crate::primitives::{AtomicU64, Ordering};

/// The pool's experience with its factory.
#[derive(Default)]
pub(crate) struct Pace {
    pub(crate) recycle: Usual,
    pub(crate) validate: Usual,
}

/// A span of time, learned; zero until there is something to learn from.
///
/// A guess that every reading does for, and every lost update too: no order anywhere.
#[derive(Default)]
pub(crate) struct Usual(AtomicU64);

impl Usual {
    pub(crate) fn span(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// It took so long: an eighth of what is usual from now on.
    pub(crate) fn took(&self, span: Duration) {
        let (now, before) = (nanos(span), self.0.load(Ordering::Relaxed));
        let usual = match before {
            0 => now,
            _ => before - before / 8 + now / 8,
        };
        self.0.store(usual, Ordering::Relaxed);
    }

    /// It was cut off after so long. Whoever has hardly more time would be cut off as well: doubled,
    /// what is usual is found within a few attempts, and one that ends corrects it.
    pub(crate) fn was_cut_off(&self, after: Duration) {
        let least = nanos(after).saturating_mul(2);
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before.max(least), Ordering::Relaxed);
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 8)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_usual_follows_what_happens() {
        let usual = Usual::default();
        assert_eq!(usual.span(), Duration::ZERO);
        usual.took(8 * MILLI);
        assert_eq!(usual.span(), 8 * MILLI);
        usual.took(16 * MILLI);
        assert_eq!(usual.span(), 9 * MILLI);
        for _ in 0..100 {
            usual.took(Duration::ZERO);
        }
        assert!(usual.span() < MILLI / 1000);
    }

    #[test]
    fn being_cut_off_says_that_more_is_usual() {
        let usual = Usual::default();
        usual.was_cut_off(3 * MILLI);
        assert_eq!(usual.span(), 6 * MILLI);
        usual.was_cut_off(MILLI);
        assert_eq!(usual.span(), 6 * MILLI, "that is no news");
        usual.was_cut_off(Duration::MAX);
        usual.took(Duration::MAX);
    }

    #[test]
    fn a_span_without_end_is_a_long_one() {
        assert_eq!(nanos(Duration::MAX), u64::MAX / 8);
        assert_eq!(nanos(MILLI), 1_000_000);
    }
}
