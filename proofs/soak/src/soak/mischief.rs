//! What a call of the factory does: what it is for, or something else.
//!
//! The seed and the number of the call decide, so that the n-th `create` of a pool does the same in
//! every run of a seed, in the same weather. Knows nothing of objects.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::dice::Seed;

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing: so that a lull comes to rest.
    Calm,
    /// One call in twelve.
    Fair,
    /// Every second call.
    Storm,
    /// No object can be made, and one call in twelve goes wrong besides.
    Outage,
}

impl Weather {
    pub(crate) const ALL: [Self; 4] = [Self::Calm, Self::Fair, Self::Storm, Self::Outage];
}

/// Which callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    Create,
    Validate,
    Recycle,
    IsBroken,
    Destroy,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    /// What it is for.
    Fine,
    /// The same, later.
    Slow(Duration),
    /// An error.
    Fail,
    /// No end before its bound.
    Hang,
    /// A panic.
    Panic,
    /// Something that is not so.
    Lie,
}

/// The factory's dice, and the weather.
#[derive(Debug)]
pub(crate) struct Workday {
    seed: Seed,
    weather: AtomicU8,
    calls: [AtomicU64; 5],
    /// Calls of `create` that run, and the most that ever did.
    creating: AtomicU64,
    pub(crate) most_creating: AtomicU64,
}

impl Workday {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            weather: AtomicU8::new(Weather::Fair as u8),
            calls: Default::default(),
            creating: AtomicU64::new(0),
            most_creating: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.weather.store(weather as u8, Ordering::Relaxed);
    }

    fn weather(&self) -> Weather {
        Weather::ALL[usize::from(self.weather.load(Ordering::Relaxed))]
    }

    /// What the next call of `callback` does.
    pub(crate) fn draw(&self, callback: Callback) -> Trick {
        let number = self.calls[callback as usize].fetch_add(1, Ordering::Relaxed);
        let mut dice = self.seed.part(callback as u64).part(number).dice();
        let usual = match self.weather() {
            Weather::Calm => return Trick::Fine,
            Weather::Outage if callback == Callback::Create => 0,
            Weather::Fair | Weather::Outage => 11,
            Weather::Storm => 1,
        };
        match dice.below(usual + 1) {
            0 => mischief(callback, self.weather(), &mut dice),
            throw if throw % 4 == 1 => Trick::Slow(dice.micros(800)),
            _ => Trick::Fine,
        }
    }

    /// Counts a call of `create` for as long as the answer lives.
    pub(crate) fn begin_create(&self) -> Creating<'_> {
        let now = 1 + self.creating.fetch_add(1, Ordering::Relaxed);
        self.most_creating.fetch_max(now, Ordering::Relaxed);
        Creating(self)
    }
}

fn mischief(callback: Callback, weather: Weather, dice: &mut crate::dice::Dice) -> Trick {
    let lie = if weather == Weather::Outage && callback == Callback::Create {
        Trick::Fail
    } else {
        Trick::Lie
    };
    // Hanging costs most time, so that it is rarest.
    match dice.below(12) {
        0..5 => Trick::Fail,
        5..8 => Trick::Panic,
        8..11 => lie,
        _ => Trick::Hang,
    }
}

/// A call of `create`, while it runs.
#[derive(Debug)]
pub(crate) struct Creating<'w>(&'w Workday);

impl Drop for Creating<'_> {
    fn drop(&mut self) {
        self.0.creating.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tricks(seed: u64, weather: Weather) -> Vec<Trick> {
        let workday = Workday::new(Seed::or_any(Some(seed)));
        workday.set_weather(weather);
        (0..200).map(|_| workday.draw(Callback::Create)).collect()
    }

    #[test]
    fn a_seed_repeats_every_call() {
        assert_eq!(tricks(3, Weather::Storm), tricks(3, Weather::Storm));
        assert_ne!(tricks(3, Weather::Storm), tricks(4, Weather::Storm));
    }

    #[test]
    fn weather_is_what_it_says() {
        let counts = |weather, trick| {
            let all = tricks(5, weather);
            all.into_iter().filter(|one| *one == trick).count()
        };
        assert_eq!(counts(Weather::Calm, Trick::Fine), 200);
        assert_eq!(counts(Weather::Outage, Trick::Fine), 0);
        assert_eq!(counts(Weather::Outage, Trick::Lie), 0);
        assert!(counts(Weather::Fair, Trick::Panic) > 0);
        assert!(counts(Weather::Storm, Trick::Panic) > counts(Weather::Fair, Trick::Panic));
    }
}
