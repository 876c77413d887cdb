//! Arithmetic on figures: medians, fairness, and which rounds belong together.
//!
//! Knows nothing of what the figures mean.

pub(crate) use nebula_resource_benches::figures::{maximum, median, minimum};
use serde::Serialize;

/// Jain's index: one when all have the same, 1/n when one has everything.
pub(crate) fn jain(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|&share| share as f64).sum();
    let squares: f64 = shares.iter().map(|&share| (share as f64).powi(2)).sum();
    if squares == 0.0 {
        return 1.0;
    }
    sum.powi(2) / (shares.len() as f64 * squares)
}

/// How far apart the two processors were in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Distance {
    Near,
    Between,
    Far,
}

/// A cache line crosses in less than this, one way, in nanoseconds.
const NEAR: f64 = 50.0;
/// And in more than this.
const FAR: f64 = 90.0;

impl Distance {
    /// Of a round, by the crossings before and after it: both have to say the same.
    pub(crate) fn of(before: f64, after: f64) -> Self {
        if before.max(after) < NEAR {
            Self::Near
        } else if before.min(after) > FAR {
            Self::Far
        } else {
            Self::Between
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
        assert_eq!(minimum(&[4.0, 1.0, 2.0]), Some(1.0));
        assert_eq!(maximum(&[4.0, 9.0, 2.0]), Some(9.0));
        assert_eq!(minimum(&[]), None);
    }

    #[test]
    fn jain_tells_equal_from_unequal() {
        assert!((jain(&[5, 5, 5, 5]) - 1.0).abs() < 1e-9);
        assert!((jain(&[20, 0, 0, 0]) - 0.25).abs() < 1e-9);
        let uneven = jain(&[10, 20]);
        assert!((uneven - 0.9).abs() < 1e-9, "{uneven}");
        assert!((jain(&[0, 0]) - 1.0).abs() < 1e-9, "nobody had more");
    }

    #[test]
    fn rounds_are_sorted_by_both_crossings() {
        assert_eq!(Distance::of(20.0, 49.0), Distance::Near);
        assert_eq!(Distance::of(91.0, 300.0), Distance::Far);
        assert_eq!(Distance::of(20.0, 300.0), Distance::Between, "it moved");
        assert_eq!(Distance::of(70.0, 70.0), Distance::Between);
        assert_eq!(Distance::of(50.0, 20.0), Distance::Between);
        assert_eq!(Distance::of(90.0, 100.0), Distance::Between);
    }
}
