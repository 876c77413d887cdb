//! What it costs, and that it works wherever a program runs.

use std::time::Duration;

use futures::executor::block_on;
use nebula_resource::autoscale::{AutoscalePolicy, Why};
use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{Manual, NoRuntime};
use nebula_resource::{Event, Manager, Observer, Scope};

use crate::stage::{HOUR, MINUTE, SECOND, Stage};
use crate::world::{Db, DbConfig, small, until};

#[test]
fn it_costs_nothing_where_it_is_not_wanted_and_one_alarm_where_it_is() {
    let runtime = Manual::new();
    let manager = Manager::builder()
        .runtime(runtime.clone())
        .pool(small(10))
        .build();
    let alarms = || runtime.manual_clock().pending_alarms();
    manager
        .register("plain", Db::new(), DbConfig::new("one"))
        .wait()
        .unwrap();
    runtime.advance(HOUR);
    assert_eq!(alarms(), 0);
    for n in 0..1000 {
        let registration = manager.register(format!("db{n}"), Db::new(), DbConfig::new("one"));
        registration
            .autoscale(AutoscalePolicy::between(1, 10))
            .wait()
            .unwrap();
    }
    runtime.advance(MINUTE);
    assert_eq!(alarms(), 1);
    for n in 0..1000 {
        let key = format!("db{n}");
        let scaler = manager.autoscaler(&key, &Scope::GLOBAL).unwrap();
        assert!(matches!(
            scaler.recommendation().why,
            Why::NotForLong { .. }
        ));
        scaler.disable();
        if n % 2 == 0 {
            drop(manager.deregister(&key, &Scope::GLOBAL).unwrap());
        }
    }
    runtime.advance(MINUTE);
    assert_eq!(alarms(), 0);
    let scaler = manager.autoscaler("db1", &Scope::GLOBAL).unwrap();
    scaler.enable().unwrap();
    runtime.advance(MINUTE);
    assert_eq!(alarms(), 1);
    runtime.run(manager.shutdown());
    runtime.advance(MINUTE);
    assert_eq!(alarms(), 0);
}

#[test]
fn without_a_background_it_is_driven_by_hand() {
    let hand = ManualClock::new();
    let manager = Manager::builder()
        .runtime(NoRuntime)
        .clock(Clock::manual(&hand))
        .build();
    let handle = manager
        .register("db", Db::new(), DbConfig::new("one"))
        .pool(small(2))
        .autoscale(AutoscalePolicy::between(2, 4))
        .wait()
        .unwrap();
    let held: Vec<_> = (0..2).map(|_| handle.acquire_blocking().unwrap()).collect();
    for _ in 0..7 {
        hand.advance(5 * SECOND);
        block_on(manager.run_maintenance());
    }
    assert_eq!(handle.status().max_size, 4);
    drop(held);
}

/// As quick as may be, for real time.
fn quick() -> AutoscalePolicy {
    AutoscalePolicy {
        every: Duration::from_millis(10),
        high_for: Duration::from_millis(20),
        cooldown: Duration::ZERO,
        ..AutoscalePolicy::between(1, 3)
    }
}

fn grows(manager: &Manager) {
    let handle = manager
        .register("db", Db::new(), DbConfig::new("one"))
        .pool(small(1))
        .autoscale(quick())
        .wait()
        .unwrap();
    let held = handle.acquire_blocking().unwrap();
    until(|| handle.status().max_size == 3);
    drop(held);
}

#[test]
fn it_works_outside_of_any_runtime() {
    grows(&Manager::new());
}

#[test]
fn it_works_on_tokio() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    grows(&Manager::new());
}

/// Panics whenever the pool's settings change.
struct Nervous;

impl Observer for Nervous {
    fn observe(&self, event: &Event<'_>) {
        if matches!(event, Event::Reconfigured) {
            panic!("again");
        }
    }
}

#[test]
fn an_observer_that_panics_harms_nobody_else() {
    let stage = Stage::set(1, AutoscalePolicy::between(1, 5));
    let nervous = stage
        .manager
        .register("nervous", Db::new(), DbConfig::new("one"))
        .pool(small(1))
        .observer(Nervous)
        .autoscale(AutoscalePolicy::between(1, 5))
        .wait()
        .unwrap();
    let (one, other) = (stage.take(1), stage.runtime.run(nervous.acquire()).unwrap());
    stage.runtime.advance(5 * MINUTE);
    assert_eq!(
        (stage.limit(), nervous.status().max_size),
        (3, 3),
        "1 of 3 is in between"
    );
    drop((one, other));
}
