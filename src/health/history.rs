//! What the last checks came to, and what that amounts to.
//!
//! Decides how much is remembered, and how a score is made of it. Pure; knows nothing of checks.

use std::collections::VecDeque;
use std::time::Duration;

use nebula_resource_core::Tick;

use super::HealthState;

/// What one check came to.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Tick,
    pub(crate) took: Duration,
    pub(crate) state: HealthState,
}

/// The last checks, the newest at the end.
#[derive(Debug)]
pub(crate) struct History {
    entries: VecDeque<Entry>,
    most: usize,
}

impl History {
    /// Remembers as many as `most`, and at least the last one.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            most: most.max(1),
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        while self.entries.len() >= self.most {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// From 0 to 1: the mean of the last checks, in which each counts for nine tenths of the one after
    /// it. 1 while nothing is known.
    pub(crate) fn score(&self) -> f64 {
        const FADES_BY: f64 = 0.9;
        let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
        let known = |entry: &&Entry| entry.state != HealthState::Unknown;
        for entry in self.newest_first().filter(known) {
            sum += weight * entry.state.score();
            weights += weight;
            weight *= FADES_BY;
        }
        if weights == 0.0 { 1.0 } else { sum / weights }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(state: HealthState) -> Entry {
        Entry {
            at: Tick::ZERO,
            took: Duration::ZERO,
            state,
        }
    }

    fn of(states: &[bool]) -> History {
        let mut history = History::new(32);
        for well in states {
            history.add(entry(match well {
                true => HealthState::Healthy,
                false => HealthState::unhealthy("so"),
            }));
        }
        history
    }

    #[test]
    fn what_is_not_known_does_not_count() {
        let mut history = History::new(4);
        assert_eq!(history.score(), 1.0);
        history.add(entry(HealthState::unhealthy("so")));
        history.add(entry(HealthState::Unknown));
        assert_eq!(history.score(), 0.0);
    }

    #[test]
    fn a_lately_failing_one_scores_less_than_a_recovered_one() {
        let (failing, recovered) = ([true, true, false], [false, true, true]);
        assert!(of(&failing).score() < of(&recovered).score());
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_scores_within_bounds(
            states in prop::collection::vec(any::<bool>(), 0..200), most in 0_usize..40,
        ) {
            let mut history = History::new(most);
            for well in &states {
                history.add(of(&[*well]).entries.remove(0).unwrap());
                prop_assert!(history.newest_first().count() <= most.max(1));
            }
            prop_assert!((0.0..=1.0).contains(&history.score()));
            let last = states.last().map(|well| if *well { 1.0 } else { 0.0 });
            let newest = history.newest_first().next();
            prop_assert_eq!(newest.map(|entry| entry.state.score()), last);
        }
    }
}
