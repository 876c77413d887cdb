//! What must hold of a circuit breaker whatever is done to it, and whatever the clock says.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::config;
use super::tests::{FAILED, SECOND, SLOW, at};
use super::*;

/// What can be done to a breaker.
#[derive(Clone, Debug)]
enum Deed {
    Wait(u64),
    /// The clock says something else altogether.
    Leap(u64),
    Succeed(u64),
    Fail,
    Slow,
    NotCreate,
    Admit,
    /// The trial that is that far back, if there is one.
    Try(usize, Verdict),
    Tell(Cause),
}

fn deed() -> impl Strategy<Value = Deed> {
    let verdict = prop_oneof![
        Just(Verdict::Passed),
        Just(Verdict::Failed),
        Just(Verdict::Void)
    ];
    let told = [
        Cause::TriedNow,
        Cause::ForcedOpen,
        Cause::ForcedClosed,
        Cause::Reset,
    ];
    prop_oneof![
        4 => (0_u64..20_000).prop_map(Deed::Wait),
        1 => any::<u64>().prop_map(Deed::Leap),
        3 => (1_u64..5).prop_map(Deed::Succeed),
        6 => Just(Deed::Fail),
        3 => Just(Deed::Slow),
        1 => Just(Deed::NotCreate),
        6 => Just(Deed::Admit),
        6 => (0_usize..3, verdict).prop_map(|(back, verdict)| Deed::Try(back, verdict)),
        1 => proptest::sample::select(told.to_vec()).prop_map(Deed::Tell),
    ]
}

fn any_config() -> impl Strategy<Value = BreakerConfig> {
    let window = prop_oneof![
        (4_u32..20).prop_map(config::Window::Calls),
        (1_u64..60).prop_map(|s| config::Window::Time(SECOND * s as u32)),
    ];
    (
        window,
        1_u32..6,
        1_u32..4,
        1_u32..4,
        1_u32..4,
        any::<bool>(),
    )
        .prop_map(
            |(window, run, minimum, trials, to_close, rates)| BreakerConfig {
                consecutive_failures: Some(run),
                failure_rate: rates.then_some(0.5),
                slow_call: rates.then_some(SECOND),
                slow_rate: 0.5,
                window,
                minimum_calls: minimum,
                trials,
                trials_to_close: to_close,
                ..BreakerConfig::default()
            },
        )
}

/// A breaker, and what must hold of it.
struct World {
    machine: Machine,
    config: BreakerConfig,
    now: Tick,
    /// The latest that it was told, by which it goes.
    latest: Tick,
    /// Trials that were let through and have not ended, and since when.
    trials: BTreeMap<u64, Tick>,
}

impl World {
    fn act(&mut self, deed: &Deed) -> Result<(), TestCaseError> {
        let (before, now) = (self.machine.state(), self.now);
        let change = match *deed {
            Deed::Wait(millis) => {
                self.now = now.after(Duration::from_millis(millis));
                None
            }
            Deed::Leap(to) => {
                self.now = Tick::from_nanos(to);
                None
            }
            Deed::Succeed(times) => {
                let bucket = self.machine.bucket(now);
                self.machine.succeeded(times, bucket);
                None
            }
            Deed::Fail => self.bad(FAILED),
            Deed::Slow => self.bad(SLOW),
            Deed::NotCreate => {
                self.latest = self.latest.max(now);
                self.machine.not_created(now, 7)
            }
            Deed::Admit => self.admit()?,
            Deed::Try(back, verdict) => {
                let Some(&trial) = self.trials.keys().rev().nth(back) else {
                    return Ok(());
                };
                self.trials.remove(&trial);
                self.latest = self.latest.max(now);
                self.machine.tried(trial, verdict, now, 7)
            }
            Deed::Tell(cause) => {
                self.latest = self.latest.max(now);
                self.machine.told(cause, now)
            }
        };
        self.check(before, change)
    }

    fn bad(&mut self, went: Went) -> Option<Change> {
        self.latest = self.latest.max(self.now);
        self.machine.went_badly(went, self.now, 7)
    }

    fn admit(&mut self) -> Result<Option<Change>, TestCaseError> {
        self.latest = self.latest.max(self.now);
        let (admission, change) = self.machine.admit(self.now);
        let state = self.machine.state();
        match admission {
            Admission::Pass => prop_assert!(state.admits_all()),
            Admission::Trial(trial) => {
                prop_assert_eq!(state, BreakerState::HalfOpen);
                self.trials.insert(trial, self.latest);
                let timeout = self.config.trial_timeout;
                let alive = |begun: &&Tick| self.latest.since(**begun) < timeout;
                // Those of an earlier time of being half-open have no place any more.
                let places = self.machine.trials.len();
                prop_assert!(places <= self.config.trials as usize);
                prop_assert!(self.trials.values().filter(alive).count() >= places);
            }
            Admission::Refused(Some(until)) => prop_assert!(self.latest < until),
            Admission::Refused(None) => prop_assert!(!state.admits_all()),
        }
        Ok(change)
    }

    fn check(&self, before: BreakerState, change: Option<Change>) -> Result<(), TestCaseError> {
        let after = self.machine.state();
        match change {
            None => prop_assert_eq!(before, after, "it changes only where it says so"),
            Some(change) => {
                prop_assert_eq!(change.from.after(change.cause), Some(change.to));
                prop_assert_eq!((change.from, change.to), (before, after));
                if let Some(until) = change.until {
                    let span = until.since(self.latest);
                    prop_assert!(until == Tick::NEVER || span * 2 >= self.config.open_for);
                    prop_assert!(span <= self.config.open_at_most);
                }
            }
        }
        prop_assert_eq!(
            after == BreakerState::Open,
            self.machine.open_until().is_some()
        );
        Ok(())
    }

    /// Once nothing fails any more, it closes.
    fn recovers(&mut self) -> Result<(), TestCaseError> {
        let is_forced = self.machine.told(Cause::TriedNow, self.now).is_none()
            && matches!(
                self.machine.state(),
                BreakerState::ForcedOpen | BreakerState::ForcedClosed
            );
        if is_forced {
            self.machine.told(Cause::Reset, self.now);
        }
        let trials = std::mem::take(&mut self.trials);
        for trial in trials.into_keys() {
            self.machine.tried(trial, Verdict::Void, self.now, 7);
        }
        for _ in 0..self.config.trials_to_close {
            if let (Admission::Trial(trial), _) = self.machine.admit(self.now) {
                self.machine.tried(trial, Verdict::Passed, self.now, 7);
            }
        }
        prop_assert_eq!(self.machine.state(), BreakerState::Closed);
        Ok(())
    }
}

proptest! {
    /// Whatever is done to it, it changes by the table only, has no more trials than it may, is open
    /// for as long as it must and not longer, and closes once nothing fails any more.
    #[test]
    fn whatever_happens_it_keeps_its_word(
        config in any_config(),
        deeds in proptest::collection::vec(deed(), 0..80),
    ) {
        let mut world = World {
            machine: Machine::new(config),
            config,
            now: at(3600),
            latest: Tick::ZERO,
            trials: BTreeMap::new(),
        };
        for deed in &deeds {
            world.act(deed)?;
        }
        world.recovers()?;
    }

    /// It opens when a limit is reached and not before, as a plain list of all calls has it.
    #[test]
    fn it_opens_exactly_when_a_limit_is_reached(
        most in 4_u32..12,
        minimum in 1_u32..5,
        run in 3_u32..8,
        calls in proptest::collection::vec(0_u8..3, 1..60),
    ) {
        let config = BreakerConfig {
            consecutive_failures: Some(run),
            failure_rate: Some(0.6),
            slow_call: Some(SECOND),
            slow_rate: 0.7,
            window: config::Window::Calls(most),
            minimum_calls: minimum,
            ..BreakerConfig::default()
        };
        let mut machine = Machine::new(config);
        let mut all = Vec::new();
        for call in calls {
            let went = [Went::default(), FAILED, SLOW][usize::from(call)];
            all.push(went);
            let opened = match went == Went::default() {
                true => {
                    machine.succeeded(1, 0);
                    None
                }
                false => machine.went_badly(went, at(1), 0),
            };
            let in_a_row = all.iter().rev().take_while(|went| went.failed).count() as u32;
            let seen: Vec<_> = all.iter().rev().take(most as usize).collect();
            let share = |of: fn(&Went) -> bool| {
                seen.iter().filter(|went| of(went)).count() as f64 / seen.len() as f64
            };
            let enough = seen.len() >= minimum as usize;
            let by_rate = enough && (share(|w| w.failed) >= 0.6 || share(|w| w.slow) >= 0.7);
            let reached = in_a_row >= run || by_rate;
            prop_assert_eq!(opened.is_some(), reached && went != Went::default());
            if opened.is_some() {
                break;
            }
        }
    }
}
