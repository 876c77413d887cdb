//! What is told of several figures of the same thing.
//!
//! Knows nothing of what they mean.

/// The middle one, or the mean of the middle two; `None` without figures.
pub fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(half - 1)?, upper))
}

/// The smallest; `None` without figures.
pub fn minimum(figures: &[f64]) -> Option<f64> {
    figures.iter().copied().min_by(f64::total_cmp)
}

/// The largest; `None` without figures.
pub fn maximum(figures: &[f64]) -> Option<f64> {
    figures.iter().copied().max_by(f64::total_cmp)
}
