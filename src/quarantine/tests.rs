//! What holds of every history of checks, attempts and hands, however time passes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use nebula_resource_core::Tick;
use proptest::prelude::*;

use super::machine::{Evidence, Quarantine, Step, spread};
use super::policy::QuarantinePolicy;
use super::strategy::{Attempt, Doubling, LONGEST, RecoveryStrategy, SHORTEST};
use super::table::Phase;
use crate::key::Key;
use crate::scope::Scope;

/// Something that may happen.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A check or an attempt that is due, and what it sees.
    Look(Sight),
    /// Time passes: this part of what is left until the next attempt, in tenths.
    Wait(u32),
    /// The clock leaps.
    Leap(Duration),
    Hold,
    Release,
}

#[derive(Clone, Copy, Debug)]
enum Sight {
    Well,
    Ill,
    Fatal,
    Nothing,
}

fn any_act() -> impl Strategy<Value = Act> {
    let sight = prop_oneof![
        3 => Just(Sight::Well), 6 => Just(Sight::Ill), 1 => Just(Sight::Fatal), 1 => Just(Sight::Nothing),
    ];
    prop_oneof![
        10 => sight.prop_map(Act::Look),
        10 => (0_u32..25).prop_map(Act::Wait),
        1 => (0_u64..1_000_000).prop_map(|s| Act::Leap(Duration::from_secs(s))),
        1 => Just(Act::Hold),
        1 => Just(Act::Release),
    ]
}

/// A quarantine with its clock and its strategy.
struct Scene {
    quarantine: Quarantine,
    strategy: Doubling,
    now: Tick,
    random: u64,
}

impl Scene {
    fn new(policy: &QuarantinePolicy) -> Self {
        let now = Tick::ZERO.after(Duration::from_secs(3600));
        Self {
            quarantine: Quarantine::new(policy, now),
            strategy: Doubling::default(),
            now,
            random: 1,
        }
    }

    fn wait(&self) -> Option<Duration> {
        let (number, strikes) = self.quarantine.upcoming(self.now);
        self.strategy.wait_before(&Attempt {
            key: Key::new("db").unwrap(),
            scope: Scope::GLOBAL,
            number,
            strikes,
        })
    }

    /// A look, if one is due; what came of it.
    fn look(&mut self, sight: Sight) -> Option<Step> {
        self.quarantine.begin(self.now)?;
        let evidence = match sight {
            Sight::Well => Evidence::Well,
            Sight::Nothing => Evidence::Nothing,
            Sight::Ill => ill(false),
            Sight::Fatal => ill(true),
        };
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let wait = self.wait();
        Some(self.quarantine.saw(self.now, evidence, wait, self.random))
    }

    fn act(&mut self, act: Act) -> Step {
        match act {
            Act::Look(sight) => self.look(sight).unwrap_or(Step::Nothing),
            Act::Hold => self.quarantine.hold(self.now, "by hand".into()),
            Act::Release => self.quarantine.release(self.now),
            Act::Leap(span) => {
                self.now = self.now.after(span);
                Step::Nothing
            }
            Act::Wait(tenths) => {
                let left = self.quarantine.due().since(self.now).min(LONGEST);
                self.now = self.now.after(left * tenths / 10);
                Step::Nothing
            }
        }
    }

    /// Waits for the next attempt.
    fn wait_for_it(&mut self) {
        self.now = self.now.max(self.quarantine.due());
    }
}

fn ill(is_fatal: bool) -> Evidence {
    Evidence::Ill {
        why: "refused".into(),
        is_fatal,
    }
}

#[test]
fn three_failures_in_a_row_and_no_fewer() {
    let mut scene = Scene::new(&QuarantinePolicy::new());
    let looks = [
        Sight::Ill,
        Sight::Ill,
        Sight::Well,
        Sight::Ill,
        Sight::Nothing,
        Sight::Ill,
    ];
    for sight in looks {
        assert_eq!(scene.look(sight), Some(Step::Nothing));
    }
    assert_eq!(scene.look(Sight::Ill), Some(Step::Entered));
    assert_eq!(scene.quarantine.phase(), Phase::Held);
}

#[test]
fn ten_attempts_then_it_is_given_up_and_looked_at() {
    let mut scene = Scene::new(&QuarantinePolicy::new().after(1));
    scene.look(Sight::Ill);
    let began = scene.now;
    for attempt in 1..10 {
        scene.wait_for_it();
        assert_eq!(scene.look(Sight::Ill), Some(Step::Missed { attempt }));
    }
    scene.wait_for_it();
    assert_eq!(scene.look(Sight::Ill), Some(Step::GaveUp { attempts: 10 }));
    let took = scene.now.since(began).as_secs();
    assert!(
        (240..=303).contains(&took),
        "1 + 2 + … + 60 s, less up to a fifth: {took} s"
    );

    scene.wait_for_it();
    assert_eq!(
        scene.look(Sight::Ill),
        Some(Step::Missed { attempt: 11 }),
        "told once"
    );
    scene.wait_for_it();
    let freed = scene.look(Sight::Well).unwrap();
    assert!(
        matches!(freed, Step::Freed { attempts: 12, .. }),
        "{freed:?}"
    );
}

#[test]
fn who_comes_back_often_waits_longer_and_is_looked_at_twice() {
    let mut scene = Scene::new(&QuarantinePolicy::new().after(1));
    let mut waits = Vec::new();
    for stay in 0..3 {
        assert_eq!(scene.look(Sight::Ill), Some(Step::Entered));
        waits.push(scene.quarantine.due().since(scene.now));
        scene.wait_for_it();
        if stay > 0 {
            assert_eq!(
                scene.look(Sight::Well),
                Some(Step::Nothing),
                "once is not enough"
            );
            scene.wait_for_it();
        }
        assert!(matches!(scene.look(Sight::Well), Some(Step::Freed { .. })));
    }
    assert!(waits[1] > waits[0] && waits[2] > waits[1], "{waits:?}");
    // Twenty minutes of health are two strikes.
    scene.now = scene.now.after(Duration::from_secs(20 * 60));
    assert_eq!(scene.quarantine.strikes(scene.now), 1);
}

#[test]
fn what_comes_too_late_changes_nothing() {
    let mut scene = Scene::new(&QuarantinePolicy::new().after(1));
    scene.look(Sight::Ill);
    scene.wait_for_it();
    assert_eq!(scene.quarantine.begin(scene.now), Some(true));
    assert_eq!(
        scene.quarantine.hold(scene.now, "by hand".into()),
        Step::Nothing
    );
    let late = scene.quarantine.saw(scene.now, Evidence::Well, None, 0);
    assert_eq!(
        (late, scene.quarantine.phase()),
        (Step::Nothing, Phase::Shut)
    );
    assert_eq!(scene.quarantine.begin(scene.now.after(LONGEST)), None);
}

#[test]
fn beyond_recovery_there_are_no_attempts() {
    let policy = QuarantinePolicy::new().keep_looking(None);
    let mut scene = Scene::new(&policy);
    assert_eq!(scene.look(Sight::Fatal), Some(Step::GaveUp { attempts: 0 }));
    assert_eq!(scene.quarantine.due(), Tick::NEVER);
    assert!(matches!(
        scene.quarantine.release(scene.now),
        Step::Freed { .. }
    ));
}

proptest! {
    #[test]
    fn waits_are_spread_within_bounds(millis in any::<u64>(), random in any::<u64>()) {
        let wait = Duration::from_millis(millis);
        prop_assert!(spread(Duration::ZERO, random) >= SHORTEST);
        let spread = spread(wait, random);
        prop_assert!((SHORTEST..=LONGEST).contains(&spread));
        prop_assert!(spread <= wait.max(SHORTEST));
        prop_assert!(spread >= wait.min(LONGEST).mul_f64(0.79));
    }

    #[test]
    fn every_history_keeps_the_rules(
        after in 1_u32..5,
        forever in any::<bool>(),
        acts in prop::collection::vec(any_act(), 0..300),
    ) {
        let slow = forever.then_some(Duration::from_secs(60));
        let mut scene = Scene::new(&QuarantinePolicy::new().after(after).keep_looking(slow));
        let (mut in_a_row, mut gave_up, mut attempts) = (0, 0, 0);
        for act in acts {
            let (before, was_due) = (scene.quarantine.phase(), scene.quarantine.due());
            let step = scene.act(act);
            let phase = scene.quarantine.phase();
            // Nobody looks at what is kept before its time, and nobody at what is shut.
            if let Act::Look(_) = act && !before.serves() && scene.now < was_due {
                prop_assert_eq!(&step, &Step::Nothing);
            }
            in_a_row = match act {
                Act::Look(Sight::Ill | Sight::Fatal) if before.serves() => in_a_row + 1,
                Act::Look(Sight::Nothing) if before.serves() => in_a_row,
                _ if before.serves() && phase.serves() && !matches!(act, Act::Look(_)) => in_a_row,
                _ => 0,
            };
            let entered = before.serves() && !phase.serves();
            let by_look = matches!(act, Act::Look(Sight::Ill));
            // Quarantined by a look after so many failures in a row, and never before.
            prop_assert_eq!(entered && by_look, by_look && before.serves() && in_a_row >= after);
            match &step {
                Step::Entered => {
                    prop_assert!(entered);
                    (gave_up, attempts) = (0, 0);
                }
                Step::Missed { attempt } => {
                    attempts += 1;
                    prop_assert!(*attempt >= attempts);
                }
                Step::GaveUp { attempts: after } => {
                    (gave_up, attempts) = if entered { (1, 0) } else { (gave_up + 1, attempts) };
                    // Told once in a stay, and after no more attempts than there are to be, but for one that
                    // succeeded.
                    prop_assert!(gave_up == 1 && *after <= 11, "{gave_up} {after}");
                }
                Step::Freed { .. } => {
                    prop_assert!(!before.serves() && phase.serves());
                    gave_up = 0;
                }
                Step::Nothing => prop_assert!(!entered || matches!(act, Act::Hold)),
            }
            // Whoever is kept has a next attempt, unless it is given up for good or shut.
            let none = scene.quarantine.due() == Tick::NEVER;
            let may_have_none = phase.serves() || phase == Phase::Shut
                || (phase.is_given_up() && !forever);
            prop_assert!(!none || may_have_none, "{phase:?}");
            // No two attempts are closer than the shortest wait.
            if matches!(step, Step::Missed { .. } | Step::Entered) && phase == Phase::Held {
                prop_assert!(scene.quarantine.due() >= scene.now.after(SHORTEST));
            }
        }
    }

    /// However many callers there are: the attempts in a stay follow from the schedule alone.
    #[test]
    fn attempts_in_an_outage_are_those_of_the_schedule(looks_per_second in 1_u64..50) {
        let mut scene = Scene::new(&QuarantinePolicy::new().after(1));
        scene.look(Sight::Ill);
        let mut attempts = 0;
        for _ in 0..600 * looks_per_second {
            scene.now = scene.now.after(Duration::from_millis(1000 / looks_per_second));
            attempts += u32::from(scene.look(Sight::Ill).is_some());
        }
        // Ten, and then one a minute, or every 48 s.
        prop_assert!((14..=19).contains(&attempts), "{attempts}");
    }
}
