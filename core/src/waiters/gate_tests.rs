//! How many creations the gate lets run, past what hangs, and how it backs off.

use std::sync::Arc;
use std::time::Duration;

use super::gate::{Cause, Gate, PROBE_AT_LEAST_EVERY};
use crate::Tick;
use crate::config::{Backoff, PoolConfig};

const MANY: usize = 9;

fn config(most: usize) -> PoolConfig {
    PoolConfig {
        max_concurrent_creates: most,
        ..PoolConfig::default()
    }
}

fn refused() -> Cause {
    Arc::from(crate::BoxError::from("refused"))
}

#[test]
fn what_takes_long_takes_no_room_in_the_window() {
    let (mut gate, config) = (Gate::new(), config(3));
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
    let (mut gate, config) = (Gate::new(), config(3));
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
    let (mut gate, config) = (Gate::new(), config(3));
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
    let (mut gate, config) = (Gate::new(), config(3));
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

#[test]
fn with_nothing_alive_the_window_is_open() {
    let mut gate = Gate::new();
    for _ in 0..4 {
        assert!(gate.admits(Tick::ZERO, 0, 9, &config(4)));
        gate.started();
    }
    assert!(!gate.admits(Tick::ZERO, 0, 9, &config(4)));
}

#[test]
fn with_objects_alive_creations_start_slowly_and_double() {
    let (mut gate, config) = (Gate::new(), config(4));
    gate.started();
    assert!(!gate.admits(Tick::ZERO, 5, 9, &config), "one at first");
    gate.succeeded(8, &config);
    gate.started();
    assert!(gate.admits(Tick::ZERO, 6, 8, &config), "then two");
    gate.started();
    assert!(!gate.admits(Tick::ZERO, 6, 8, &config));
    gate.succeeded(0, &config);
    assert!(!gate.admits(Tick::ZERO, 7, 8, &config), "one again");
}

#[test]
fn nobody_lacking_means_no_creation() {
    let mut gate = Gate::new();
    assert!(!gate.admits(Tick::ZERO, 0, 0, &config(4)));
    gate.started();
    assert!(
        !gate.admits(Tick::ZERO, 0, 1, &config(4)),
        "one is on its way"
    );
}

#[test]
fn while_failing_there_is_one_probe_and_it_backs_off() {
    let (mut gate, config) = (Gate::new(), config(4));
    let backoff = Backoff {
        first: Duration::from_millis(100),
        max: Duration::from_secs(10),
    };
    let mut now = Tick::ZERO;
    let mut last = Duration::ZERO;
    for round in 1..=8 {
        gate.started();
        let retry_at = gate.failed(now, refused(), backoff, u64::MAX).0.retry_at;
        assert_eq!(gate.failure().map(|f| f.rounds), Some(round));
        assert!(!gate.admits(now, 0, 5, &config), "not before its time");
        let pause = retry_at.since(now);
        assert!(pause >= last && pause <= PROBE_AT_LEAST_EVERY);
        last = pause;
        now = retry_at;
        assert!(gate.admits(now, 0, 5, &config));
        assert!(
            round < 5 || !gate.admits_refill(now, 4),
            "refilling is in less of a hurry"
        );
    }
    gate.started();
    assert!(!gate.admits(now, 0, 5, &config), "a single probe");
    gate.succeeded(4, &config);
    assert!(gate.failure().is_none() && gate.admits(now, 1, 4, &config));
}

#[test]
fn bug_who_read_the_clock_before_the_alarm_may_still_probe() {
    let (mut gate, config) = (Gate::new(), config(4));
    gate.started();
    let retry_at = gate
        .failed(Tick::ZERO, refused(), Backoff::default(), 0)
        .0
        .retry_at;
    assert!(!gate.admits(Tick::ZERO, 0, 1, &config));
    assert!(gate.rang(retry_at));
    assert!(gate.admits(Tick::ZERO, 0, 1, &config));
}

#[test]
fn failures_side_by_side_count_as_one_round() {
    let mut gate = Gate::new();
    let backoff = Backoff::default();
    gate.started();
    gate.started();
    let (first, _) = gate.failed(Tick::ZERO, refused(), backoff, 0);
    let (second, _) = gate.failed(Tick::ZERO, refused(), backoff, u64::MAX);
    assert_eq!(first.retry_at, second.retry_at);
    assert_eq!(gate.failure().map(|f| f.rounds), Some(1));
}

#[test]
fn one_that_hopes_again_may_try_at_once() {
    let mut gate = Gate::new();
    assert!(!gate.hasten(Tick::ZERO), "it had never given up");
    gate.started();
    gate.failed(Tick::ZERO, refused(), Backoff::default(), 0);
    let now = Tick::ZERO.after(Duration::from_nanos(1));
    assert!(gate.failure().is_some_and(|failure| failure.retry_at > now));
    assert!(gate.hasten(now));
    assert!(
        gate.failure()
            .is_some_and(|failure| failure.retry_at == now)
    );
    assert_eq!(gate.refill_at(), now);
}
