//! The arithmetic of judging: shares, crowds in time, order of magnitude. Pure.

use std::time::{Duration, Instant};

/// R. Jain's index: 1 when all got the same, 1/n when one got everything.
pub(crate) fn jain(shares: &[usize]) -> f64 {
    let sum: f64 = shares.iter().map(|share| *share as f64).sum();
    let squares: f64 = shares.iter().map(|share| (*share as f64).powi(2)).sum();
    if squares == 0.0 {
        return 0.0;
    }
    sum * sum / (shares.len() as f64 * squares)
}

/// The most of these moments that lie within one `window`.
pub(crate) fn most_within(moments: &[Instant], window: Duration) -> usize {
    let mut sorted = moments.to_vec();
    sorted.sort();
    let mut first = 0;
    let mut most = 0;
    for (last, moment) in sorted.iter().enumerate() {
        while moment.duration_since(sorted[first]) >= window {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// The value that nine in ten do not exceed; zero of none.
pub(crate) fn ninth_decile(values: &[usize]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let index = (values.len() * 9).div_ceil(10).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_are_one_and_all_for_one_is_a_fraction() {
        assert!((jain(&[7, 7, 7, 7]) - 1.0).abs() < 1e-12);
        assert!((jain(&[100, 0, 0, 0]) - 0.25).abs() < 1e-12);
        assert!(jain(&[10, 12, 9, 11]) < 0.999);
        assert!(jain(&[0, 0]).abs() < 1e-12);
    }

    #[test]
    fn a_herd_is_told_from_a_spread() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let window = Duration::from_millis(100);
        let herd = [at(50), at(51), at(49), at(52)];
        assert_eq!(most_within(&herd, window), 4);
        let spread = [at(300), at(0), at(150), at(450)];
        assert_eq!(most_within(&spread, window), 1);
        assert_eq!(most_within(&[at(0), at(99), at(100)], window), 2);
        assert_eq!(most_within(&[], window), 0);
    }

    #[test]
    fn one_in_ten_is_forgiven() {
        assert_eq!(ninth_decile(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 9]), 0);
        assert_eq!(ninth_decile(&[0, 0, 0, 0, 0, 0, 0, 0, 9, 9]), 9);
        assert_eq!(ninth_decile(&[3]), 3);
        assert_eq!(ninth_decile(&[]), 0);
    }
}
