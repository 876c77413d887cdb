//! Successes that nobody has been told of yet: one word that every caller of a closed breaker may
//! add to.
//!
//! Decides nothing; counts without a lock. Knows nothing of what the count is good for.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count, and the number of the bucket that it is of: 32 bits each.
#[derive(Debug, Default)]
pub(super) struct Tally(AtomicU64);

/// It is of another bucket, or full: whoever has the lock takes it first.
pub(super) struct Elsewhere;

const fn pack(bucket: u32, count: u32) -> u64 {
    ((bucket as u64) << 32) | count as u64
}

const fn unpack(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

impl Tally {
    /// One more, of that bucket. With `just_any`, nothing is written where there is one already.
    #[inline]
    pub(super) fn add(&self, bucket: u64, just_any: bool) -> Result<(), Elsewhere> {
        let bucket = bucket as u32;
        // ord: Relaxed: a count, about nothing but itself.
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let (of, count) = unpack(word);
            if of != bucket || count == u32::MAX {
                return Err(Elsewhere);
            }
            if just_any && count > 0 {
                return Ok(());
            }
            let more = pack(bucket, count + 1);
            let order = Ordering::Relaxed;
            match self.0.compare_exchange_weak(word, more, order, order) {
                Ok(_) => return Ok(()),
                Err(other) => word = other,
            }
        }
    }

    /// Takes the count, and begins again with `present`; answers how many there were, and in which
    /// bucket.
    pub(super) fn take(&self, present: u64) -> (u64, u64) {
        let word = self.0.swap(pack(present as u32, 0), Ordering::Relaxed);
        let (of, count) = unpack(word);
        // Only the lower half was kept; it is near the present, on either side.
        let age = (present as u32).wrapping_sub(of).cast_signed();
        (
            u64::from(count),
            present.saturating_add_signed(-i64::from(age)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_taken_once_with_its_bucket() {
        let tally = Tally::default();
        let far = (7 << 32) + 5;
        assert_eq!(tally.take(far), (0, 7 << 32), "it began with bucket 0");
        for _ in 0..3 {
            assert!(tally.add(far, false).is_ok());
        }
        assert!(tally.add(far + 1, false).is_err(), "time has moved on");
        assert_eq!(tally.take(far + 2), (3, far));
        assert_eq!(tally.take(far + 2), (0, far + 2));
        assert!(tally.add(far + 2, false).is_ok());
        assert_eq!(tally.take(far), (1, far + 2), "time has been set back");
    }

    #[test]
    fn where_any_will_do_one_is_counted() {
        let tally = Tally::default();
        for _ in 0..3 {
            assert!(tally.add(0, true).is_ok());
        }
        assert_eq!(tally.take(0), (1, 0));
    }
}
