//! What a caller and an owner do next, drawn from the seed: a step is the same in every run,
//! whatever became of the steps before it.
//!
//! Decides how often what is done. Knows nothing of how.

use std::time::Duration;

use nebula_resource::{Fairness, PoolConfig, Strategy};

use super::mischief::Weather;
use crate::dice::{Dice, Seed};

/// The most objects that a pool in the soak may ever have.
pub(crate) const CEILING: usize = 6;
/// The most creations at once that any configuration in the soak allows.
pub(crate) const MOST_CREATES: usize = 3;

/// How an object is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Try,
    TryOwned,
    /// With the configured timeout, which is longer than anything that should happen.
    Patient,
    PatientOwned,
    Timeout(Duration),
    Deadline(Duration),
    Many(usize),
}

/// When the caller gives up by itself. Only futures can be dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cancel {
    Never,
    /// After so many polls that found nothing; between them it waits to be woken.
    AfterPolls(usize),
    /// The same, polling again and again without being woken.
    AfterRestlessPolls(usize),
    /// As soon as it is woken, without looking what for.
    WhenWoken,
    After(Duration),
}

/// What is done with the object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use {
    Brief,
    Yields(usize),
    Nap(Duration),
    /// Another object of the same pool is asked for, meanwhile.
    Nested(Duration),
}

/// How it is let go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Drop,
    Release,
    /// `release`, dropped after so many polls.
    ReleaseDropped(usize),
    Detach,
    Discard,
    Panic,
    /// Left for another thread to drop.
    HandOver,
}

/// One step of a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) way: Way,
    pub(crate) cancel: Cancel,
    pub(crate) using: Use,
    pub(crate) end: End,
    /// Rests before the next step.
    pub(crate) rest: Duration,
    /// Does something that owners do, first.
    pub(crate) meddle: Option<Deed>,
}

impl Step {
    pub(crate) fn draw(seed: Seed) -> Self {
        let mut dice = seed.dice();
        Self {
            way: way(&mut dice),
            cancel: cancel(&mut dice),
            using: using(&mut dice),
            end: end(&mut dice),
            rest: match dice.below(8) {
                0 => dice.micros(1_500),
                _ => Duration::ZERO,
            },
            meddle: dice.one_in(40).then(|| Deed::draw(&mut dice)),
        }
    }
}

fn way(dice: &mut Dice) -> Way {
    match dice.below(16) {
        0 => Way::Try,
        1 => Way::TryOwned,
        2..8 => Way::Patient,
        8..11 => Way::PatientOwned,
        11 | 12 => Way::Timeout(dice.micros(3_000)),
        13 => Way::Deadline(dice.micros(3_000)),
        _ => Way::Many(1 + dice.below(3)),
    }
}

fn cancel(dice: &mut Dice) -> Cancel {
    match dice.below(12) {
        0 | 1 => Cancel::AfterPolls(1 + dice.below(3)),
        2 => Cancel::AfterRestlessPolls(1 + dice.below(8)),
        3 | 4 => Cancel::WhenWoken,
        5 => Cancel::After(dice.micros(1_000)),
        _ => Cancel::Never,
    }
}

fn using(dice: &mut Dice) -> Use {
    match dice.below(16) {
        0..8 => Use::Brief,
        8..13 => Use::Yields(1 + dice.below(4)),
        13 | 14 => Use::Nap(dice.micros(600)),
        _ => Use::Nested(dice.micros(800)),
    }
}

fn end(dice: &mut Dice) -> End {
    match dice.below(32) {
        0..18 => End::Drop,
        18..22 => End::Release,
        22 => End::ReleaseDropped(dice.below(2)),
        23 | 24 => End::Detach,
        25 | 26 => End::Discard,
        27 | 28 => End::Panic,
        _ => End::HandOver,
    }
}

/// What an owner does to a live pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Reconfigure(Change),
    /// A change that has to be refused, and to change nothing.
    ReconfigureBadly,
    Resize(usize),
    PauseFor(Duration),
    Clear,
    /// Lets go every object whose number is divisible by this.
    Retain(u64),
    RetainPanics,
    Maintain(Cancel),
    Look,
    Weather(Weather),
}

impl Deed {
    /// What anybody may do.
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(16) {
            0..4 => Self::Reconfigure(Change::draw(dice)),
            4 => Self::ReconfigureBadly,
            5 | 6 => Self::Resize(1 + dice.below(CEILING)),
            7 | 8 => Self::PauseFor(dice.micros(1_500)),
            9 => Self::Clear,
            10 | 11 => Self::Retain(1 + dice.below(4) as u64),
            12 => Self::RetainPanics,
            13 | 14 => Self::Maintain(cancel(dice)),
            _ => Self::Look,
        }
    }

    /// What the owner does, who also makes the weather.
    pub(crate) fn draw_for_owner(seed: Seed) -> (Self, Duration) {
        let mut dice = seed.dice();
        let deed = match dice.below(4) {
            0 => Self::Weather(dice.choice(&Weather::ALL)),
            _ => Self::draw(&mut dice),
        };
        (deed, dice.micros(2_000))
    }
}

pub(crate) const STRATEGIES: [Strategy; 4] = [
    Strategy::Affine,
    Strategy::Fifo,
    Strategy::Lifo,
    Strategy::Lru,
];
pub(crate) const POLICIES: [Fairness; 2] = [Fairness::Bounded, Fairness::Strict];

/// A new configuration. Bounds of callbacks and `maintenance_every` stay: the first so that a
/// hanging call ends soon, the second because a round would repair a lost wake-up before it is seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    max_size: usize,
    min_idle: usize,
    strategy: Strategy,
    fairness: Fairness,
    validate_after: Option<Duration>,
    idle_timeout: Option<Duration>,
    max_lifetime: Option<Duration>,
    max_uses: Option<u64>,
    keepalive_every: Option<Duration>,
    max_concurrent_creates: usize,
    fail_fast: bool,
    warm_concurrency: usize,
}

impl Change {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let max_size = 1 + dice.below(CEILING);
        let mut seldom = |span: Duration| dice.one_in(3).then_some(span);
        let (idle_timeout, max_lifetime, keepalive_every) = (
            seldom(Duration::from_millis(4)),
            seldom(Duration::from_millis(20)),
            seldom(Duration::from_millis(2)),
        );
        Self {
            max_size,
            min_idle: match dice.below(3) {
                0 => dice.below(max_size + 1),
                _ => 0,
            },
            strategy: dice.choice(&STRATEGIES),
            fairness: dice.choice(&POLICIES),
            validate_after: dice.choice(&[None, Some(Duration::ZERO), Some(MILLISECOND)]),
            idle_timeout,
            max_lifetime,
            max_uses: dice.one_in(3).then(|| 1 + dice.below(20) as u64),
            keepalive_every,
            max_concurrent_creates: 1 + dice.below(MOST_CREATES),
            fail_fast: dice.one_in(6),
            warm_concurrency: 1 + dice.below(MOST_CREATES),
        }
    }

    pub(crate) const fn apply(&self, config: &mut PoolConfig) {
        config.max_size = self.max_size;
        config.min_idle = self.min_idle;
        config.strategy = self.strategy;
        config.fairness = self.fairness;
        config.validate_after = self.validate_after;
        config.idle_timeout = self.idle_timeout;
        config.max_lifetime = self.max_lifetime;
        config.max_uses = self.max_uses;
        config.keepalive_every = self.keepalive_every;
        config.max_concurrent_creates = self.max_concurrent_creates;
        config.fail_fast = self.fail_fast;
        config.warm_concurrency = self.warm_concurrency;
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_the_same_in_every_run() {
        let seed = Seed::or_any(Some(11));
        for number in 0..100 {
            let draw = || format!("{:?}", Step::draw(seed.part(number)));
            assert_eq!(draw(), draw());
        }
    }

    #[test]
    fn every_change_is_a_valid_configuration() {
        let mut dice = Seed::or_any(Some(12)).dice();
        for _ in 0..1_000 {
            let mut config = PoolConfig::default();
            Change::draw(&mut dice).apply(&mut config);
            config.validate().unwrap();
        }
    }
}
