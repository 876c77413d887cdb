//! One question each: what opens it, what it answers, what closes it again.

use std::time::Duration;

use super::super::config;
use super::*;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const FAILED: Went = Went {
    failed: true,
    slow: false,
};
pub(super) const SLOW: Went = Went {
    failed: false,
    slow: true,
};

pub(super) fn at(seconds: u64) -> Tick {
    Tick::ZERO.after(SECOND * seconds as u32)
}

fn three_in_a_row() -> BreakerConfig {
    BreakerConfig {
        consecutive_failures: Some(3),
        failure_rate: None,
        ..BreakerConfig::default()
    }
}

/// Open since 100 s, until 105 s.
fn opened() -> Machine {
    let mut machine = Machine::new(three_in_a_row());
    let changes = [0, 0, 0].map(|_| machine.went_badly(FAILED, at(100), u64::MAX));
    let change = changes[2].expect("the third opens it");
    assert_eq!((changes[0], changes[1]), (None, None));
    assert_eq!(change.cause, Cause::ConsecutiveFailures);
    assert_eq!(machine.state(), BreakerState::Open);
    machine
}

fn half_open() -> (Machine, u64) {
    let mut machine = opened();
    let (admission, change) = machine.admit(at(105));
    let Admission::Trial(trial) = admission else {
        panic!("{admission:?}");
    };
    assert_eq!(change.map(|change| change.cause), Some(Cause::Waited));
    (machine, trial)
}

#[test]
fn a_success_between_failures_begins_the_row_anew() {
    let mut machine = Machine::new(three_in_a_row());
    for _ in 0..10 {
        machine.went_badly(FAILED, at(1), 0);
        assert_eq!(machine.went_badly(FAILED, at(1), 0), None);
        machine.succeeded(1, machine.bucket(at(1)));
    }
    assert_eq!(machine.state(), BreakerState::Closed);
}

#[test]
fn a_rate_says_nothing_of_too_few_calls() {
    let config = BreakerConfig {
        consecutive_failures: None,
        failure_rate: Some(0.5),
        minimum_calls: 4,
        ..BreakerConfig::default()
    };
    let mut machine = Machine::new(config);
    assert_eq!(
        [1, 1, 1].map(|t| machine.went_badly(FAILED, at(t), 0)),
        [None; 3]
    );
    // They go out of sight, and with them what they said.
    assert_eq!(
        [40, 40, 40].map(|t| machine.went_badly(FAILED, at(t), 0)),
        [None; 3]
    );
    machine.succeeded(4, machine.bucket(at(41)));
    let change = machine.went_badly(FAILED, at(41), 0).expect("4 of 8");
    assert_eq!(
        (change.cause, change.counts.failed),
        (Cause::FailureRate, 4)
    );
}

#[test]
fn slow_calls_open_it_whether_or_not_they_succeed() {
    let config = BreakerConfig {
        consecutive_failures: Some(100),
        slow_call: Some(SECOND),
        slow_rate: 0.5,
        minimum_calls: 4,
        window: config::Window::Calls(10),
        ..BreakerConfig::default()
    };
    let mut machine = Machine::new(config);
    machine.succeeded(3, 0);
    assert_eq!(
        [1, 1].map(|t| machine.went_badly(SLOW, at(t), 0)),
        [None; 2]
    );
    let change = machine.went_badly(SLOW, at(1), 0).expect("3 of 6");
    assert_eq!(change.cause, Cause::SlowRate);
}

#[test]
fn whoever_asks_an_open_one_is_told_when_it_is_tried() {
    let mut machine = opened();
    let (admission, change) = machine.admit(at(104));
    assert_eq!(
        (admission, change),
        (Admission::Refused(machine.open_until()), None)
    );
    let until = machine.open_until().map(|until| until.since(at(100)));
    assert!(until.is_some_and(|span| span <= SECOND * 5), "{until:?}");
    assert!(matches!(machine.admit(at(105)).0, Admission::Trial(_)));
    assert_eq!(
        machine.admit(at(105)).0,
        Admission::Refused(None),
        "one at a time"
    );
}

#[test]
fn trials_close_it_and_one_that_fails_opens_it_for_longer() {
    let (mut machine, first) = half_open();
    assert_eq!(machine.tried(first, Verdict::Passed, at(106), 0), None);
    let Admission::Trial(second) = machine.admit(at(106)).0 else {
        panic!("there is room again");
    };
    let change = machine.tried(second, Verdict::Failed, at(107), u64::MAX);
    let until = change.and_then(|change| change.until);
    let span = until.map(|until| until.since(at(107)).as_secs_f64().round());
    assert_eq!(span, Some(10.0), "twice 5 s");
    for _ in 0..2 {
        let Admission::Trial(trial) = machine.admit(at(120)).0 else {
            panic!("it has been open for long enough");
        };
        machine.tried(trial, Verdict::Passed, at(120), 0);
    }
    assert_eq!(machine.state(), BreakerState::Closed);
}

#[test]
fn a_trial_that_is_given_up_or_never_ends_makes_room() {
    let (mut machine, first) = half_open();
    assert_eq!(machine.tried(first, Verdict::Void, at(106), 0), None);
    assert!(matches!(machine.admit(at(106)).0, Admission::Trial(_)));
    assert_eq!(machine.admit(at(165)).0, Admission::Refused(None));
    assert!(
        matches!(machine.admit(at(166)).0, Admission::Trial(_)),
        "after a minute"
    );
}

#[test]
fn what_an_old_trial_says_changes_nothing() {
    let (mut machine, old) = half_open();
    machine
        .not_created(at(106), 0)
        .expect("its instance could not be made");
    assert_eq!(machine.tried(old, Verdict::Failed, at(107), 0), None);
    let Admission::Trial(new) = machine.admit(at(200)).0 else {
        panic!("it has been open for long enough");
    };
    for verdict in [Verdict::Passed, Verdict::Passed, Verdict::Failed] {
        assert_eq!(machine.tried(old, verdict, at(200), 0), None);
    }
    assert_eq!(machine.state(), BreakerState::HalfOpen);
    assert_eq!(machine.tried(new, Verdict::Passed, at(200), 0), None);
}

#[test]
fn what_was_long_ago_is_forgiven() {
    let mut machine = opened();
    machine.told(Cause::TriedNow, at(101));
    for _ in 0..2 {
        let Admission::Trial(trial) = machine.admit(at(101)).0 else {
            panic!("it is tried now");
        };
        machine.tried(trial, Verdict::Passed, at(101), 0);
    }
    let opens_for = |machine: &mut Machine, now| {
        let changes = [(); 3].map(|()| machine.went_badly(FAILED, now, u64::MAX));
        let until = changes[2].and_then(|change| change.until);
        until.map(|until| until.since(now).as_secs_f64().round())
    };
    let mut soon = Machine {
        trials: Vec::new(),
        window: Window::new(machine.config.window),
        ..machine
    };
    assert_eq!(opens_for(&mut soon, at(700)), Some(10.0));
    soon.told(Cause::TriedNow, at(701));
    for _ in 0..2 {
        if let Admission::Trial(trial) = soon.admit(at(701)).0 {
            soon.tried(trial, Verdict::Passed, at(701), 0);
        }
    }
    assert_eq!(opens_for(&mut soon, at(701 + 600)), Some(5.0));
}

#[test]
fn forced_it_goes_by_nothing() {
    let mut machine = Machine::new(three_in_a_row());
    machine.told(Cause::ForcedClosed, at(1));
    for _ in 0..100 {
        assert_eq!(machine.went_badly(FAILED, at(2), 0), None);
    }
    assert_eq!(machine.admit(at(3)).0, Admission::Pass);
    machine.told(Cause::ForcedOpen, at(4));
    assert_eq!(machine.admit(Tick::NEVER).0, Admission::Refused(None));
    machine.told(Cause::Reset, at(5));
    assert_eq!(machine.admit(at(5)).0, Admission::Pass);
}
