//! Chance from one seed: every part of a run has a number, and its own dice from seed and number.
//!
//! Knows nothing of what is decided with them. Repeatable as long as `fastrand` stays at its
//! version, which the lock file says.

use std::time::Duration;

/// Where all chance of a run, or of a part of it, comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The one that was given, or any.
    pub(crate) fn or_any(given: Option<u64>) -> Self {
        Self(given.unwrap_or_else(|| fastrand::u64(..)))
    }

    /// The seed of a part.
    pub(crate) fn part(self, number: u64) -> Self {
        // An odd factor keeps neighbours apart; the generator does the mixing.
        let here = self.0 ^ number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(fastrand::Rng::with_seed(here).u64(..))
    }

    pub(crate) fn dice(self) -> Dice {
        Dice(fastrand::Rng::with_seed(self.0))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// Dice: an endless row of numbers that the seed decides.
#[derive(Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// One of `0..below`.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0.usize(..below)
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Up to so many microseconds.
    pub(crate) fn micros(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.0.u64(..=most))
    }

    pub(crate) fn choice<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        self.0.shuffle(all);
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    fn first_throws(seed: Seed) -> Vec<usize> {
        let mut dice = seed.dice();
        (0..32).map(|_| dice.below(1000)).collect()
    }

    #[test]
    fn a_seed_repeats_itself_and_its_parts_differ() {
        let seed = Seed::or_any(Some(7));
        assert_eq!(first_throws(seed), first_throws(Seed::or_any(Some(7))));
        assert_ne!(first_throws(seed.part(0)), first_throws(seed.part(1)));
        assert_ne!(first_throws(seed), first_throws(Seed::or_any(Some(8))));
    }
}
