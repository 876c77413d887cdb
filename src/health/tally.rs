//! What callers report, counted until somebody looks.
//!
//! Decides when reports call for a check at once, and what they say if that check finds nothing. Pure;
//! knows nothing of who reports, or how.

use std::sync::Arc;

use super::{HealthState, Impact};

/// What was reported since the last look.
#[derive(Debug)]
pub(crate) struct Tally {
    /// So many failures in a row call for a look.
    after: u32,
    in_a_row: u32,
    /// Instances that could not be made since the last look.
    not_made: u32,
    failed: u64,
    worked: u64,
    last: Option<Arc<str>>,
    /// A look was called for, and has not come yet.
    called: bool,
}

impl Tally {
    pub(crate) const fn new(after: u32) -> Self {
        Self {
            after,
            in_a_row: 0,
            not_made: 0,
            failed: 0,
            worked: 0,
            last: None,
            called: false,
        }
    }

    pub(crate) const fn worked(&mut self) {
        self.worked = self.worked.saturating_add(1);
        self.in_a_row = 0;
    }

    /// An instance could not be made. Answers whether this calls for a look, which will find out by itself
    /// what that means.
    pub(crate) const fn not_made(&mut self) -> bool {
        self.not_made = self.not_made.saturating_add(1);
        self.calls(self.not_made)
    }

    const fn calls(&mut self, in_a_row: u32) -> bool {
        let calls = in_a_row >= self.after && !self.called;
        self.called |= calls;
        calls
    }

    /// A caller met with an error. Answers whether this calls for a look; once until that comes.
    pub(crate) fn failed(&mut self, why: Arc<str>) -> bool {
        self.failed = self.failed.saturating_add(1);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.last = Some(why);
        self.calls(self.in_a_row)
    }

    /// Somebody looks: answers what the reports say, and begins to count anew. Failures in a row stay
    /// in a row.
    pub(crate) fn look(&mut self) -> HealthState {
        let (failed, worked) = (self.failed, self.worked);
        (self.failed, self.worked, self.not_made, self.called) = (0, 0, 0, false);
        if failed == 0 {
            // Nobody has complained for as long as it takes to look twice.
            self.in_a_row = 0;
        }
        if self.in_a_row < self.after {
            return HealthState::Healthy;
        }
        let last = self.last.as_deref().unwrap_or_default();
        let all = failed.saturating_add(worked);
        let reason = format!(
            "{} reports of errors in a row, the last: {last}",
            self.in_a_row
        );
        HealthState::degraded_by(reason, Impact::share(failed, all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn why() -> Arc<str> {
        "broken pipe".into()
    }

    #[test]
    fn a_look_is_called_for_once() {
        let mut tally = Tally::new(3);
        let calls: Vec<_> = (0..5).map(|_| tally.failed(why())).collect();
        assert_eq!(calls, [false, false, true, false, false]);
        assert_eq!(
            tally.look().to_string(),
            "degraded by 100 %: 5 reports of errors in a row, the last: broken pipe",
        );
        assert!(tally.failed(why()), "they go on");
        assert_eq!(tally.look().name(), "degraded");
        assert_eq!(
            tally.look(),
            HealthState::Healthy,
            "nobody complains any more"
        );
    }

    #[test]
    fn what_cannot_be_made_calls_for_a_look_and_says_nothing_more() {
        let mut tally = Tally::new(2);
        assert!(!tally.not_made() && tally.not_made() && !tally.not_made());
        assert_eq!(tally.look(), HealthState::Healthy);
        assert!(!tally.not_made() && tally.not_made());
    }

    #[test]
    fn a_success_ends_the_row() {
        let mut tally = Tally::new(2);
        assert!(!tally.failed(why()));
        tally.worked();
        assert!(!tally.failed(why()));
        assert_eq!(tally.look(), HealthState::Healthy);
    }

    proptest! {
        #[test]
        fn looks_are_called_for_no_more_often_than_they_come(
            after in 1_u32..6, reports in prop::collection::vec(0_u8..4, 0..200),
        ) {
            let mut tally = Tally::new(after);
            let (mut row, mut open) = (0, false);
            for report in reports {
                match report {
                    0 => {
                        tally.worked();
                        row = 0;
                    }
                    1 => {
                        let state = tally.look();
                        prop_assert!(state.is_served());
                        open = false;
                        row = tally.in_a_row;
                    }
                    _ => {
                        row += 1;
                        let calls = tally.failed(why());
                        prop_assert_eq!(calls, row >= after && !open);
                        open |= calls;
                    }
                }
            }
        }
    }
}
