//! How many instances may be let go at once because of their health.
//!
//! Decides that a wrong check cannot take away everything. Pure; knows nothing of why an instance
//! failed.

use std::time::Duration;

use nebula_resource_core::Tick;

/// Counts who was let go within a window of time.
#[derive(Debug)]
pub(crate) struct Ejections {
    /// The part of the instances alive, from 0 to 100; one may go always.
    percent: u8,
    window: Duration,
    began: Tick,
    /// How many were alive then: those that take the place of others do not make it more.
    alive: usize,
    gone: usize,
}

impl Ejections {
    pub(crate) const fn new(percent: u8, window: Duration) -> Self {
        Self {
            percent,
            window,
            began: Tick::ZERO,
            alive: 0,
            gone: 0,
        }
    }

    /// Whether one more of `alive` instances may go; if so, it counts as gone.
    pub(crate) fn admit(&mut self, now: Tick, alive: usize) -> bool {
        if now.since(self.began) >= self.window {
            (self.began, self.alive, self.gone) = (now, alive, 0);
        }
        let most = (self.alive.saturating_mul(usize::from(self.percent)) / 100).max(1);
        let admitted = self.gone < most;
        self.gone += usize::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn of_ten_one_goes_in_a_window() {
        let mut ejections = Ejections::new(10, MINUTE);
        let now = Tick::ZERO.after(MINUTE * 10);
        assert!(ejections.admit(now, 10));
        assert!(!ejections.admit(now, 9));
        assert!(!ejections.admit(now.after(MINUTE / 2), 10));
        assert!(ejections.admit(now.after(MINUTE), 10));
    }

    #[test]
    fn the_only_one_can_go() {
        assert!(Ejections::new(0, MINUTE).admit(Tick::ZERO.after(MINUTE), 1));
    }

    proptest! {
        /// Whatever happens to those that stay, and however the clock leaps.
        #[test]
        fn never_more_than_the_part_go_within_a_window(
            percent in 0_u8..=100,
            size in 1_usize..200,
            steps in prop::collection::vec(0_u64..90, 1..300),
        ) {
            let mut ejections = Ejections::new(percent, MINUTE);
            let mut now = Tick::ZERO.after(MINUTE);
            let mut gone: Vec<Tick> = Vec::new();
            let most = (size * usize::from(percent) / 100).max(1);
            for step in steps {
                now = now.after(Duration::from_secs(step));
                // Those that go are replaced a minute later.
                gone.retain(|at| now.since(*at) < MINUTE);
                if ejections.admit(now, size - gone.len().min(size)) {
                    gone.push(now);
                }
                // In any minute: that may lie in two windows.
                prop_assert!(gone.len() <= 2 * most, "{gone:?} of {size} at {percent} %");
            }
            let all: Vec<_> = (0..size + 1).map(|_| ejections.admit(now.after(MINUTE), size)).collect();
            let at_once = all.iter().filter(|admitted| **admitted).count();
            prop_assert!((1..=2 * most).contains(&at_once), "{at_once} at once of {size}");
        }
    }
}
