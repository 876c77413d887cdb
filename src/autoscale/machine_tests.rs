//! Each row of the table. What holds for every history is in `properties`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;

#[path = "machine_property_tests.rs"]
mod properties;

const SECOND: Duration = Duration::from_secs(1);

/// A pool that does what it is told, and as much of it in use as is wanted.
struct Toy {
    machine: Machine,
    policy: AutoscalePolicy,
    now: Tick,
    max: usize,
    /// Each change: when, from, to.
    steps: Vec<(Tick, usize, usize)>,
}

impl Toy {
    fn of(max: usize, policy: AutoscalePolicy) -> Self {
        assert_eq!(policy.validate(), Ok(()));
        Self {
            machine: Machine::new(),
            policy,
            now: Tick::ZERO.after(Duration::from_secs(3600)),
            max,
            steps: Vec::new(),
        }
    }

    fn look(&mut self, wanted: usize) -> Recommendation {
        let sample = Sample {
            in_use: wanted.min(self.max),
            waiting: wanted.saturating_sub(self.max),
            size: self.max,
            max: self.max,
        };
        self.machine.look(self.now, sample, &self.policy, 0)
    }

    /// One measurement, and what follows.
    fn tick(&mut self, wanted: usize) -> Recommendation {
        self.now = self.now.after(self.policy.every);
        let decided = self.look(wanted);
        if decided.is_change() {
            self.steps.push((self.now, self.max, decided.to));
            self.max = decided.to;
            self.machine.stepped(self.now, &self.policy);
        }
        decided
    }

    fn ticks(&mut self, wanted: usize, count: usize) {
        for _ in 0..count {
            self.tick(wanted);
        }
    }

    /// How often what went up goes down, or the other way round.
    fn turns(&self) -> usize {
        let ups: Vec<_> = self.steps.iter().map(|(_, from, to)| to > from).collect();
        ups.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }
}

fn spec() -> AutoscalePolicy {
    AutoscalePolicy::between(2, 20)
}

#[test]
fn high_demand_for_30_s_gives_two_more() {
    let mut toy = Toy::of(10, spec());
    toy.ticks(8, 6);
    assert_eq!((toy.max, toy.steps.len()), (10, 0), "25 s");
    let decided = toy.tick(8);
    let text = "from 10 to 12: demand (8 of 10) has been high (0.8 or more) for 30.0 s";
    assert_eq!(decided.to_string(), text);
    toy.ticks(10, 5);
    assert_eq!(toy.max, 12);
    toy.tick(10);
    assert_eq!(toy.max, 14, "another 30 s");
}

#[test]
fn low_demand_for_5_min_takes_one() {
    let mut toy = Toy::of(10, spec());
    toy.ticks(2, 60);
    assert_eq!(toy.max, 10);
    let decided = toy.tick(2);
    let text = "from 10 to 9: demand (2 of 10) has been low (0.2 or less) for 300.0 s";
    assert_eq!(decided.to_string(), text);
    toy.ticks(0, 60 * 100);
    assert_eq!(toy.max, 2, "and no fewer");
}

#[test]
fn a_break_begins_it_anew() {
    let mut toy = Toy::of(10, spec());
    toy.ticks(9, 6);
    let text = "stay at 10: demand (5 of 10) is neither high nor low";
    assert_eq!(toy.tick(5).to_string(), text);
    toy.ticks(9, 6);
    assert_eq!(toy.max, 10);
    toy.tick(9);
    assert_eq!(toy.max, 12);
}

#[test]
fn who_waits_counts() {
    let mut toy = Toy::of(4, spec());
    toy.ticks(30, 7);
    assert_eq!(toy.max, 6);
    toy.ticks(30, 600);
    assert_eq!(toy.max, 20, "and no more than the limit");
    assert_eq!(
        toy.tick(30).why,
        Why::AtLimit {
            demand: Demand::new(30, 20)
        }
    );
}

#[test]
fn more_room_is_no_help_while_there_is_room() {
    let mut machine = Machine::new();
    let sample = Sample {
        in_use: 0,
        waiting: 50,
        size: 0,
        max: 10,
    };
    let mut now = Tick::ZERO;
    for _ in 0..100 {
        let decided = machine.look(now, sample, &spec(), 0);
        assert!(matches!(decided.why, Why::RoomUnused { .. }), "{decided}");
        assert!(!decided.is_change());
        now = now.after(5 * SECOND);
    }
}

#[test]
fn what_is_beyond_the_limits_is_brought_back_at_once() {
    let mut toy = Toy::of(50, spec());
    let decided = toy.tick(50);
    assert_eq!(
        decided.to_string(),
        "from 50 to 20: the policy allows from 2 to 20"
    );
    let mut toy = Toy::of(1, spec());
    toy.tick(0);
    assert_eq!(toy.max, 2);
    let stock = Sample {
        max: 2,
        size: 2,
        ..Sample::default()
    };
    let decided = toy
        .machine
        .look(toy.now.after(3600 * SECOND), stock, &toy.policy, 5);
    assert_eq!(decided.to, 5, "the pool's own stock counts");
}

#[test]
fn after_a_change_there_is_none_for_a_while() {
    let policy = AutoscalePolicy {
        high_for: 5 * SECOND,
        cooldown: 60 * SECOND,
        ..spec()
    };
    let mut toy = Toy::of(10, policy);
    toy.ticks(20, 1 + 1);
    assert_eq!(toy.max, 12);
    toy.ticks(20, 11);
    assert_eq!(toy.max, 12);
    assert!(matches!(toy.look(20).why, Why::Resting { .. }));
    toy.tick(20);
    assert_eq!(toy.max, 14);
}

#[test]
fn what_fails_is_tried_less_and_less_often() {
    let mut toy = Toy::of(10, spec());
    let mut tried = Vec::new();
    for _ in 0..720 {
        toy.now = toy.now.after(5 * SECOND);
        if toy.look(10).is_change() {
            tried.push(toy.now);
            toy.machine.failed(toy.now, &toy.policy);
        }
    }
    let rests: Vec<_> = tried
        .windows(2)
        .map(|two| two[1].since(two[0]).as_secs())
        .collect();
    assert_eq!(rests, [30, 60, 120, 240, 480, 600, 600, 600, 600]);
    toy.machine.stepped(toy.now, &toy.policy);
    toy.machine.failed(toy.now, &toy.policy);
    toy.now = toy.now.after(5 * SECOND);
    let left = 25 * SECOND;
    assert!(matches!(toy.look(10).why, Why::NotForLong { left: l, .. } if l == left));
}

#[test]
fn a_leap_is_no_time_under_demand() {
    let mut toy = Toy::of(10, spec());
    toy.ticks(10, 3);
    for leap in [3600 * SECOND, Duration::MAX / 4] {
        toy.now = toy.now.after(leap).min(Tick::from_nanos(u64::MAX / 2));
        assert!(!toy.look(10).is_change(), "measured once since");
    }
    toy.ticks(10, 3);
    toy.now = toy.now.before(1800 * SECOND);
    assert!(!toy.look(10).is_change(), "a clock that is set back");
    toy.ticks(10, 6);
    assert_eq!(toy.max, 12);
}

#[test]
fn after_a_clock_was_set_back_it_does_not_rest_for_ever() {
    let mut toy = Toy::of(10, spec());
    toy.ticks(10, 7);
    assert_eq!(toy.max, 12);
    toy.now = toy.now.before(1800 * SECOND);
    toy.ticks(12, 7);
    assert_eq!(toy.max, 14);
}

#[test]
fn what_cannot_be_measured_counts_for_nothing() {
    let mut toy = Toy::of(10, spec());
    toy.ticks(10, 6);
    toy.machine.forget();
    toy.ticks(10, 6);
    assert_eq!(toy.max, 10);
    toy.tick(10);
    assert_eq!(toy.max, 12);
}

#[test]
fn a_step_that_would_be_taken_back_is_made_shorter() {
    let policy = AutoscalePolicy {
        high: 0.5,
        low: 0.4,
        step_up: 10,
        ..spec()
    };
    let mut toy = Toy::of(10, policy);
    toy.ticks(5, 7);
    assert_eq!(toy.max, 12, "5 of 13 would be low");
    toy.ticks(5, 1000);
    assert_eq!((toy.max, toy.turns()), (12, 0));
}

#[test]
fn what_was_wanted_meanwhile_counts_and_not_only_what_was_wanted_last() {
    for shift in 0..6 {
        let policy = AutoscalePolicy {
            high: 0.5,
            high_for: 10 * SECOND,
            low: 0.4,
            low_for: 60 * SECOND,
            step_down: 3,
            ..spec()
        };
        let mut toy = Toy::of(10, policy);
        for n in shift..1000 {
            toy.tick(if n % 6 < 3 { 4 } else { 1 });
        }
        assert_eq!(
            (toy.max, toy.turns()),
            (9, 0),
            "4 of 8 would be high: {:?}",
            toy.steps
        );
    }
}

#[test]
fn what_was_wanted_once_is_forgotten() {
    let policy = AutoscalePolicy {
        high: 0.5,
        low: 0.4,
        ..spec()
    };
    let mut toy = Toy::of(5, policy);
    toy.ticks(2, 500);
    assert_eq!(toy.max, 5, "2 of 5 is low, and of 4 it would be high");
    toy.ticks(0, 1000);
    assert_eq!(toy.max, 2);
}
