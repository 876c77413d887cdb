//! Circuit breakers on the way to a resource: whom they turn away, what they count, and when they try
//! again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "breaker/guarded.rs"]
mod guarded;
#[path = "manager/listen.rs"]
mod listen;
#[path = "manager/world.rs"]
mod world;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use guarded::{SECOND, World, slow, three_in_a_row};
use listen::heard;
use nebula_resource::breaker::{BreakerConfig, BreakerState, Window};
use nebula_resource::context::Cancellation;
use nebula_resource::{Manager, ResourceError, RetireReason};
use world::{Db, DbConfig, everybody, small};

#[test]
fn callers_are_turned_away_at_once_and_told_when_it_is_tried() {
    let world = World::new(three_in_a_row());
    let mut events = world.manager.events().subscribe();
    world.open();
    let refused = world.refused();
    let retry_in = refused.retry_in.unwrap();
    assert!(
        retry_in > SECOND * 2 && retry_in <= SECOND * 5,
        "{retry_in:?}"
    );
    assert_eq!(
        refused.to_string(),
        format!(
            "\"db\" is not asked: its circuit breaker \"db\" is open (3 failures in a row; the \
             last: timed out); it is tried again in {:.1} s: ask then, or do without",
            retry_in.as_secs_f64()
        )
    );
    assert_eq!(world.db.created(), 1, "nobody has asked the database since");

    world.runtime.advance(SECOND * 5);
    world.succeed();
    assert_eq!(
        world.state(),
        BreakerState::HalfOpen,
        "one success is not enough"
    );
    world.succeed();
    assert_eq!(world.state(), BreakerState::Closed);
    let told: Vec<_> = heard(&mut events);
    let of_breaker = |what: &str| told.iter().filter(|line| line.contains(what)).count();
    let of_each = ["BreakerOpened", "BreakerHalfOpen", "BreakerClosed"].map(of_breaker);
    assert_eq!(of_each, [1, 1, 1], "{told:#?}");
}

/// What is idle costs nothing more than the breaker's own word.
#[test]
fn a_closed_one_allocates_nothing() {
    let manager = Manager::new();
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let handle = registration
        .breaker(BreakerConfig::default())
        .wait()
        .unwrap();
    let use_it = || {
        let mut guard = handle.acquire_blocking().unwrap();
        guard.report_ok();
        drop(guard);
        drop(handle.acquire_blocking().unwrap());
    };
    use_it();
    assert_eq!(allocation_counter::measure(use_it).count_total, 0);
    assert_eq!(handle.breaker().unwrap().status().calls, 4);
}

#[test]
fn who_looks_at_the_manager_sees_it() {
    let world = World::new(three_in_a_row());
    let seen = || world.manager.status().resources[0].breaker;
    assert_eq!(seen(), Some(BreakerState::Closed));
    world.open();
    assert_eq!(seen(), Some(BreakerState::Open));
}

#[test]
fn threads_are_turned_away_like_tasks() {
    let world = World::new(three_in_a_row());
    world.open();
    let refused = world.handle.acquire_blocking();
    assert!(matches!(refused, Err(ResourceError::BreakerOpen(_))));
    let by_key = world.manager.acquire_blocking::<Db>("db", &everybody());
    assert!(matches!(by_key, Err(ResourceError::BreakerOpen(_))));
}

#[test]
fn a_success_between_failures_keeps_it_closed() {
    let world = World::new(three_in_a_row());
    for _ in 0..5 {
        world.fail();
        world.fail();
        world.succeed();
    }
    assert_eq!(world.state(), BreakerState::Closed);
    for _ in 0..2 {
        world.fail();
        let mut guard = world.runtime.run(world.handle.acquire()).unwrap();
        guard.report_ok();
    }
    assert_eq!(world.state(), BreakerState::Closed);
}

#[test]
fn a_rate_is_of_the_last_while() {
    let world = World::new(BreakerConfig {
        consecutive_failures: None,
        failure_rate: Some(0.5),
        minimum_calls: 4,
        window: Window::Time(SECOND * 10),
        ..BreakerConfig::default()
    });
    (0..3).for_each(|_| world.fail());
    world.runtime.advance(SECOND * 20);
    (0..3).for_each(|_| world.succeed());
    (0..2).for_each(|_| world.fail());
    let status = world.breaker().status();
    assert_eq!((status.calls, status.failed), (5, 2), "{status:?}");
    world.fail();
    assert_eq!(world.state(), BreakerState::Open);
    assert!(world.refused().to_string().contains("3 of 6 calls failed"));
}

#[test]
fn calls_that_take_too_long_open_it() {
    let world = World::new(BreakerConfig {
        failure_rate: None,
        slow_call: Some(SECOND),
        slow_rate: 0.5,
        minimum_calls: 2,
        window: Window::Calls(4),
        ..BreakerConfig::default()
    });
    let held_for = |span| {
        let guard = world.runtime.run(world.handle.acquire()).unwrap();
        world.runtime.advance(span);
        drop(guard);
    };
    held_for(SECOND / 2);
    held_for(SECOND / 2);
    held_for(SECOND / 2);
    held_for(SECOND * 2);
    assert_eq!(world.state(), BreakerState::Closed);
    let mut guard = world.runtime.run(world.handle.acquire()).unwrap();
    world.runtime.advance(SECOND);
    guard.report_ok();
    assert_eq!(world.state(), BreakerState::Open);
    assert!(
        world
            .refused()
            .to_string()
            .contains("2 of 4 calls were slow")
    );
}

#[test]
fn a_panic_or_a_poisoned_instance_says_nothing() {
    let world = World::new(three_in_a_row());
    for _ in 0..5 {
        let guard = world.runtime.run(world.handle.acquire()).unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _guard = guard;
            panic!("of the caller's own making");
        }));
        assert!(panicked.is_err());
    }
    let status = world.breaker().status();
    assert_eq!((status.state, status.calls), (BreakerState::Closed, 0));
    assert_eq!(world.handle.stats().retired_for(RetireReason::Tainted), 5);
}

#[test]
fn what_is_thrown_away_counts_as_a_failure() {
    let world = World::new(three_in_a_row());
    for _ in 0..3 {
        world.runtime.run(world.handle.acquire()).unwrap().discard();
    }
    assert_eq!(world.state(), BreakerState::Open);
}

/// Those that hang through an outage and fail when it is over say nothing of how things are then.
#[test]
fn what_was_begun_before_it_closed_is_not_counted() {
    let world = World::new(three_in_a_row());
    world.runtime.advance(SECOND);
    let hang = || world.runtime.run(world.handle.acquire()).unwrap();
    let mut hanging = [(); 3].map(|()| hang());
    world.open();
    world.runtime.advance(SECOND * 5);
    world.succeed();
    world.succeed();
    assert_eq!(world.state(), BreakerState::Closed);
    for guard in &mut hanging {
        guard.report(&slow());
    }
    assert_eq!(world.breaker().status().consecutive_failures, 0);
    // What they do next is of today.
    for guard in &mut hanging {
        guard.report(&slow());
    }
    assert_eq!(world.state(), BreakerState::Open);
}

#[test]
fn another_configuration_begins_anew_unless_somebody_has_spoken() {
    let world = World::new(three_in_a_row());
    let reload = |name| {
        let reload = world.manager.reload_config("db", DbConfig::new(name));
        world.runtime.run(async { reload.await.map(drop) })
    };
    world.open();
    assert!(reload("bad news").is_err());
    assert_eq!(world.state(), BreakerState::Open);
    reload("b").unwrap();
    assert_eq!(world.state(), BreakerState::Closed);
    world.succeed();

    let mut events = world.manager.events().subscribe();
    reload("c").unwrap();
    let told = heard(&mut events);
    let is_of_it = |line: &String| line.contains("Breaker");
    assert!(
        !told.iter().any(is_of_it),
        "it was closed before: {told:#?}"
    );

    // A configuration that does not work is not the fault of the one in force.
    (0..5).for_each(|_| assert!(reload("bad news").is_err()));
    assert_eq!(world.state(), BreakerState::Closed);

    world.breaker().force_open();
    reload("d").unwrap();
    assert_eq!(world.state(), BreakerState::ForcedOpen);
}

/// A closed one never turns anybody away, however many come at once, and loses no success.
#[test]
fn threads_count_what_they_do() {
    let config = BreakerConfig {
        consecutive_failures: None,
        window: Window::Calls(100_000),
        ..BreakerConfig::default()
    };
    let manager = Manager::new();
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let handle = registration.pool(small(4)).breaker(config).wait().unwrap();
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (handle, failed) = (&handle, &failed);
            scope.spawn(move || {
                for round in 0..500 {
                    let mut guard = handle.acquire_blocking().unwrap();
                    if (round + thread) % 10 == 0 {
                        guard.report(&slow());
                        failed.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    let status = handle.breaker().unwrap().status();
    assert_eq!(
        (status.calls, status.failed),
        (2000, failed.load(SeqCst) as u64)
    );
}

#[test]
fn a_caller_who_is_refused_elsewhere_is_no_trial() {
    let world = World::due(three_in_a_row());
    let cancelled = Cancellation::new();
    cancelled.cancel();
    let ctx = everybody().with_cancellation(cancelled);
    let refused = world.runtime.run(world.handle.acquire_in(&ctx));
    assert!(matches!(refused, Err(ResourceError::Cancelled { .. })));
    assert_eq!(world.state(), BreakerState::Open, "it was not even asked");
}
