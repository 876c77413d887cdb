//! From what single checks saw to what is said of a resource.
//!
//! Decides how often something must be seen before it is said, so that a check that flaps or lies once
//! changes nothing. Pure; knows nothing of quarantine, which decides by itself who is unhealthy.

use std::time::Duration;

use nebula_resource_core::Tick;

use super::HealthState;

/// Who got worse again within so long after it got better has to be seen well twice.
const FLAPS_WITHIN: Duration = Duration::from_secs(10 * 60);

/// What is said of a resource, and what may change it.
#[derive(Debug)]
pub(crate) struct Opinion {
    said: HealthState,
    /// What was seen last, where that is not what is said; and how often in a row.
    seen: (&'static str, u32),
    degraded_after: u32,
    healthy_after: u32,
    /// When it was last said to be better than before.
    better_at: Option<Tick>,
    flaps: bool,
}

impl Opinion {
    pub(crate) const fn new(degraded_after: u32, healthy_after: u32) -> Self {
        Self {
            said: HealthState::Unknown,
            seen: ("", 0),
            degraded_after,
            healthy_after,
            better_at: None,
            flaps: false,
        }
    }

    /// What is said.
    pub(crate) const fn said(&self) -> &HealthState {
        &self.said
    }

    /// Whether the last check saw what is said.
    pub(crate) const fn is_sure(&self) -> bool {
        self.seen.1 == 0
    }

    /// A check saw that it works, more or less, or saw nothing; answers what was said before if that has changed in
    /// kind.
    pub(crate) fn saw(&mut self, now: Tick, state: HealthState) -> Option<HealthState> {
        if state.name() == self.said.name() {
            // Another reason or another impact: no news, but the truth.
            self.said = state;
            self.seen = ("", 0);
            return None;
        }
        if state == HealthState::Unknown {
            return None;
        }
        let seen = match self.seen {
            (name, times) if name == state.name() => times.saturating_add(1),
            _ => 1,
        };
        self.seen = (state.name(), seen);
        if seen < self.needed(&state) {
            return None;
        }
        Some(self.say(now, state))
    }

    /// How often a state must be seen in a row.
    const fn needed(&self, state: &HealthState) -> u32 {
        match (&self.said, state) {
            // Whoever knows nothing believes what it sees.
            (HealthState::Unknown, _) => 1,
            (_, HealthState::Degraded { .. }) => self.degraded_after,
            _ if self.flaps => self.healthy_after.saturating_add(1),
            _ => self.healthy_after,
        }
    }

    /// Says it at once, whatever was seen before; answers what was said.
    pub(crate) fn say(&mut self, now: Tick, state: HealthState) -> HealthState {
        if state > self.said {
            self.flaps = self
                .better_at
                .is_some_and(|at| now.since(at) < FLAPS_WITHIN);
        } else if self.said > HealthState::Unknown {
            self.better_at = Some(now);
        }
        self.seen = ("", 0);
        std::mem::replace(&mut self.said, state)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slow() -> HealthState {
        HealthState::degraded("slow", 0.2).unwrap()
    }

    fn at(seconds: u64) -> Tick {
        Tick::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_first_look_is_believed() {
        let mut opinion = Opinion::new(3, 3);
        assert_eq!(opinion.saw(at(0), slow()), Some(HealthState::Unknown));
        assert_eq!(opinion.said(), &slow());
    }

    #[test]
    fn a_check_that_lies_once_changes_nothing() {
        let mut opinion = Opinion::new(2, 1);
        opinion.saw(at(0), HealthState::Healthy);
        for second in 1..100 {
            let state = if second % 2 == 0 {
                slow()
            } else {
                HealthState::Healthy
            };
            assert_eq!(opinion.saw(at(second), state), None);
        }
    }

    #[test]
    fn who_flaps_has_to_be_seen_well_more_often() {
        let mut opinion = Opinion::new(1, 1);
        opinion.saw(at(0), HealthState::Healthy);
        assert!(opinion.saw(at(1), slow()).is_some());
        assert!(opinion.saw(at(2), HealthState::Healthy).is_some());
        assert!(
            opinion.saw(at(3), slow()).is_some(),
            "again, within ten minutes"
        );
        assert!(opinion.saw(at(4), HealthState::Healthy).is_none());
        assert!(opinion.saw(at(5), HealthState::Healthy).is_some());
        assert!(opinion.saw(at(1000), slow()).is_some());
        assert!(
            opinion.saw(at(1001), HealthState::Healthy).is_some(),
            "that was long ago"
        );
    }

    proptest! {
        /// Of so many looks, no more than the part that the thresholds allow is news.
        #[test]
        fn news_are_no_more_than_the_thresholds_allow(
            degraded_after in 1_u32..5, healthy_after in 1_u32..5,
            looks in prop::collection::vec((any::<bool>(), 0_u64..900), 0..300),
        ) {
            let mut opinion = Opinion::new(degraded_after, healthy_after);
            let (mut now, mut news) = (0, 0_usize);
            for (well, later) in &looks {
                now += later;
                let state = if *well { HealthState::Healthy } else { slow() };
                if let Some(before) = opinion.saw(at(now), state.clone()) {
                    news += 1;
                    prop_assert_eq!(opinion.said(), &state);
                    prop_assert_ne!(before.name(), state.name());
                }
            }
            let both = (degraded_after + healthy_after) as usize;
            prop_assert!(news <= 2 + 2 * looks.len() / both);
        }
    }
}
