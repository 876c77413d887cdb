//! Does the gate let others pass what hangs? Beside the tests at its foot.

use std::sync::Arc;
use std::time::Duration;

use super::{Cause, Gate};
use crate::Tick;
use crate::config::{Backoff, PoolConfig};

const MANY: usize = 9;

fn config() -> PoolConfig {
    PoolConfig {
        max_concurrent_creates: 3,
        ..PoolConfig::default()
    }
}

fn refused() -> Cause {
    Arc::from(crate::BoxError::from("refused"))
}

#[test]
fn what_takes_long_takes_no_room_in_the_window() {
    let (mut gate, config) = (Gate::new(), config());
    for _ in 0..3 {
        assert!(gate.admits(Tick::ZERO, 5, MANY, &config));
        gate.started();
        assert!(!gate.admits(Tick::ZERO, 5, MANY, &config), "one at first");
        gate.slowed();
    }
    assert!(
        !gate.admits(Tick::ZERO, 5, MANY, &config) && !gate.admits(Tick::ZERO, 0, MANY, &config),
        "three in all, however long they take"
    );
    gate.slow_ends();
    gate.withdrawn();
    assert!(gate.admits(Tick::ZERO, 5, MANY, &config));
    assert!(
        !gate.admits(Tick::ZERO, 5, 2, &config),
        "for two there are two on their way"
    );
}

#[test]
fn one_that_ends_after_all_leaves_the_window_as_it_was() {
    let (mut gate, config) = (Gate::new(), config());
    gate.started();
    gate.slowed();
    gate.started();
    gate.slow_ends();
    gate.succeeded(0, &config);
    assert_eq!((gate.creating(), gate.young()), (1, 1));
    assert!(!gate.admits(Tick::ZERO, 5, MANY, &config));
}

#[test]
fn a_probe_that_takes_long_makes_room_for_the_next() {
    let (mut gate, config) = (Gate::new(), config());
    gate.started();
    let (failure, _) = gate.failed(Tick::ZERO, refused(), Backoff::default(), 0);
    let now = failure.retry_at;
    assert!(gate.rang(now), "a probe is due");
    for _ in 0..3 {
        assert!(gate.admits(now, 5, MANY, &config));
        gate.started();
        assert!(!gate.admits(now, 5, MANY, &config) && !gate.rang(now));
        gate.slowed();
        assert!(gate.rang(now.after(Duration::from_secs(1))));
    }
    assert!(!gate.admits(now, 5, MANY, &config), "three in all");
}

#[test]
fn the_longest_pause_is_jittered_too() {
    let mut pauses = std::collections::BTreeSet::new();
    for random in (0..=4).map(|quarter| (u64::MAX / 4) * quarter) {
        let mut gate = Gate::new();
        let mut now = Tick::ZERO;
        let mut pause = Duration::ZERO;
        for _ in 0..10 {
            gate.started();
            let (failure, _) = gate.failed(now, refused(), Backoff::default(), random);
            pause = failure.retry_at.since(now);
            now = failure.retry_at;
        }
        assert!((400..=800).contains(&pause.as_millis()), "{pause:?}");
        pauses.insert(pause);
    }
    assert_eq!(pauses.len(), 5, "{pauses:?}");
}

/// A backend that makes objects which are no good backs off as one that makes none.
#[test]
fn what_is_stillborn_counts_as_not_made() {
    let (mut gate, config) = (Gate::new(), config());
    let mut now = Tick::ZERO;
    for round in 1..=5 {
        gate.started();
        gate.succeeded(MANY, &config);
        let (failure, _) = gate.stillborn(now, refused(), Backoff::default(), u64::MAX);
        assert_eq!(failure.rounds, round);
        assert!(!gate.admits(now, 0, MANY, &config) && !gate.admits_refill(now, 9));
        now = failure.retry_at;
        assert!(gate.admits(now, 0, MANY, &config));
    }
    gate.started();
    assert!(gate.succeeded(MANY, &config).is_none(), "not over yet");
    gate.started();
    assert!(!gate.admits(now, 5, MANY, &config), "one at a time");
    assert!(gate.thrives().is_some());
    gate.succeeded(MANY, &config);
    assert!(gate.failure().is_none() && gate.thrives().is_none());
}

#[test]
fn an_alarm_rings_for_a_probe_only_when_one_is_due_and_none_is_under_way() {
    let mut gate = Gate::new();
    assert!(
        !gate.rang(Tick::NEVER) && gate.unhindered(),
        "nothing failed"
    );
    gate.started();
    gate.started();
    let (failure, _) = gate.failed(Tick::ZERO, refused(), Backoff::default(), 0);
    assert!(!gate.unhindered());
    gate.withdrawn();
    assert!(!gate.rang(Tick::ZERO), "not its time");
    assert!(!gate.unhindered(), "who waits waits for the alarm");
    gate.started();
    assert!(!gate.rang(failure.retry_at), "one is under way");
    assert!(gate.unhindered(), "its time has come, whoever rang");
    gate.withdrawn();
    assert!(gate.rang(failure.retry_at));
}

#[test]
fn the_stock_is_refilled_so_many_at_a_time() {
    let mut gate = Gate::new();
    assert!(gate.admits_refill(Tick::ZERO, 1));
    gate.started();
    assert!(!gate.admits_refill(Tick::ZERO, 1) && gate.admits_refill(Tick::ZERO, 2));
}

#[test]
fn of_creations_that_fail_side_by_side_the_last_cause_is_told() {
    let mut gate = Gate::new();
    gate.started();
    gate.started();
    gate.failed(Tick::ZERO, refused(), Backoff::default(), 0);
    let last = Cause::from(crate::BoxError::from("gone"));
    let (failure, _) = gate.failed(Tick::ZERO, last, Backoff::default(), 0);
    assert_eq!(failure.cause.to_string(), "gone");
}
