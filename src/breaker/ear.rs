//! What a circuit breaker hears of the pool itself: that instances could not be made.
//!
//! Decides nothing. What callers say, it is told by their calls.

use super::Breaker;
use crate::manager::reports::{Finding, Report, Reports};

/// Listens for a breaker.
pub(crate) struct Ear(pub(crate) Breaker);

impl Reports for Ear {
    fn hear(&self, report: &Report<'_>) {
        if let Finding::CreateFailed { error } = report.finding {
            let words = || Some(error.to_string());
            self.0.0.not_created(report.clock, &words);
        }
    }
}
