//! The rows of the fault matrix that a circuit breaker stands in: what it must survive, and that nobody's
//! place is lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "breaker/guarded.rs"]
mod guarded;
#[path = "manager/world.rs"]
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use guarded::{SECOND, World, slow, three_in_a_row};
use nebula_resource::breaker::{Breaker, BreakerConfig, BreakerState};
use nebula_resource::context::Cancellation;
use nebula_resource::manager::RegisterError;
use nebula_resource::runtime::{Manual, Runtime};
use nebula_resource::{Handle, ManagedGuard, Manager, ResourceError};
use world::{Db, DbConfig, everybody, poll, small};

/// Two that share a breaker: one that opens it, and one whose only instance is out.
struct Pair {
    runtime: Manual,
    breaker: Breaker,
    other: Handle<Db>,
    full: Handle<Db>,
    full_db: Db,
}

impl Pair {
    /// Open, and due to be tried, and it takes more than a few trials to close it.
    fn due() -> (Self, ManagedGuard<'static, Db>) {
        let runtime = Manual::new();
        let config = BreakerConfig {
            trials_to_close: 100,
            ..three_in_a_row()
        };
        let breaker = Breaker::new("both", config).unwrap();
        let manager = Manager::builder().runtime(runtime.clone()).build();
        let full_db = Db::new();
        let register = |key, db, size| {
            let registration = manager.register(key, db, DbConfig::new(key));
            let sharing = registration.pool(small(size)).shared_breaker(&breaker);
            sharing.wait().unwrap()
        };
        let other = register("other", Db::new(), 4);
        let full = register("full", full_db.clone(), 1);
        let ctx = everybody();
        let taken = runtime.run(manager.acquire::<Db>("full", &ctx)).unwrap();
        for _ in 0..3 {
            runtime.run(other.acquire()).unwrap().report(&slow());
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        runtime.advance(SECOND * 5);
        // Manager and all: what is registered outlives it only through handles.
        let pair = Self {
            runtime,
            breaker,
            other,
            full,
            full_db,
        };
        std::mem::forget(manager);
        (pair, taken)
    }

    fn is_barred(&self) -> bool {
        match self.runtime.run(self.other.acquire()) {
            Ok(_) => false,
            Err(ResourceError::BreakerOpen(open)) => {
                assert_eq!(open.state, BreakerState::HalfOpen);
                true
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// Row 12 of the fault matrix: while the backend is down, it is the pool that knocks, not its callers;
/// and callers who come later do not even wait.
#[test]
fn fault_12_what_cannot_be_made_opens_it_however_many_wait() {
    let world = World::new(three_in_a_row());
    world
        .handle
        .reconfigure_pool(|pool| pool.max_size = 1)
        .unwrap();
    world.db.fails("connection refused");
    let served = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let (manager, served) = (world.manager.clone(), Arc::clone(&served));
        let asks = async move {
            let got = manager.acquire::<Db>("db", &everybody()).await;
            served.fetch_add(usize::from(got.is_ok()), SeqCst);
        };
        assert!(world.runtime.spawn(Box::pin(asks)).is_ok());
    }
    world.runtime.run_until_idle();
    let status = world.breaker().status();
    assert_eq!(status.consecutive_failures, 1, "one attempt is one failure");
    world.runtime.advance(SECOND * 2);
    assert_eq!(world.state(), BreakerState::Open);
    assert!(world.refused().to_string().contains("connection refused"));

    // Those who wait already are served when it is back, and so is whoever asks then.
    world.db.recovers();
    world.runtime.advance(SECOND);
    assert_eq!(served.load(SeqCst), 100);
    world.runtime.advance(SECOND * 5);
    world.succeed();
    world.succeed();
    assert_eq!(world.state(), BreakerState::Closed);
}

/// Row 5 of the fault matrix: whoever goes away while it waits loses nothing, not the breaker's one
/// place either.
#[test]
fn fault_05_a_trial_that_is_dropped_cancelled_or_times_out_gives_its_place_back() {
    let (pair, _taken) = Pair::due();
    let mut dropped = Box::pin(pair.full.acquire());
    assert!(poll(&mut dropped).is_pending());
    assert!(pair.is_barred(), "it has the only place");
    drop(dropped);
    assert!(!pair.is_barred());

    let cancellation = Cancellation::new();
    let ctx = everybody().with_cancellation(cancellation.clone());
    let mut cancelled = Box::pin(pair.full.acquire_in(&ctx));
    assert!(poll(&mut cancelled).is_pending());
    assert!(pair.is_barred());
    cancellation.cancel();
    let ended = pair.runtime.run(cancelled);
    assert!(matches!(ended, Err(ResourceError::Cancelled { .. })));
    assert!(!pair.is_barred());

    let mut late = Box::pin(pair.full.acquire());
    assert!(poll(&mut late).is_pending());
    assert!(pair.is_barred());
    pair.runtime.advance(SECOND * 30);
    assert!(
        pair.runtime
            .run(late)
            .is_err_and(|error| error.is_timeout())
    );
    assert!(!pair.is_barred());
    assert_eq!(
        pair.breaker.state(),
        BreakerState::HalfOpen,
        "nobody's fault"
    );
}

/// Row 2 of the fault matrix.
#[test]
fn fault_02_a_trial_whose_instance_hangs_has_failed() {
    let (pair, taken) = Pair::due();
    taken.detach();
    let gate = pair.full_db.hangs();
    let mut hanging = Box::pin(pair.full.acquire());
    assert!(poll(&mut hanging).is_pending());
    assert!(pair.is_barred());
    pair.runtime.advance(SECOND * 60);
    assert!(pair.runtime.run(hanging).is_err());
    assert_ne!(pair.breaker.state(), BreakerState::HalfOpen);
    gate.open();
}

/// Row 8 of the fault matrix: a guard that is leaked is nobody else's loss.
#[test]
fn fault_08_a_trial_that_is_leaked_makes_room_after_a_while() {
    let (pair, _taken) = Pair::due();
    std::mem::forget(pair.runtime.run(pair.other.acquire()).unwrap());
    assert!(pair.is_barred());
    pair.runtime.advance(SECOND * 60);
    assert!(!pair.is_barred());
}

#[test]
fn those_who_share_one_are_turned_away_together() {
    let (pair, taken) = Pair::due();
    pair.breaker.force_open();
    drop(taken);
    for handle in [&pair.other, &pair.full] {
        let refused = pair.runtime.run(handle.acquire()).unwrap_err();
        assert!(refused.to_string().ends_with(
            "its circuit breaker \"both\" is forced open (by hand); it stays so until somebody \
             resets it"
        ));
    }
    assert!(pair.other.breaker().is_none(), "it has none of its own");
    pair.breaker.reset();
    for handle in [&pair.other, &pair.full] {
        assert!(pair.runtime.run(handle.acquire()).is_ok());
    }
}

/// Row 19 of the fault matrix.
#[test]
fn fault_19_a_clock_that_leaps_opens_nothing_and_keeps_nothing_open() {
    let world = World::new(BreakerConfig::default());
    let clock = world.runtime.manual_clock();
    (0..4).for_each(|_| world.fail());
    clock.leap(SECOND * 86_400 * 365);
    world.succeed();
    (0..4).for_each(|_| world.fail());
    assert_eq!(world.state(), BreakerState::Closed);
    world.fail();
    assert_eq!(world.state(), BreakerState::Open);
    clock.leap(SECOND * 86_400 * 365);
    world.succeed();
    world.succeed();
    assert_eq!(world.state(), BreakerState::Closed);
}

/// Row 23 of the fault matrix.
#[test]
fn fault_23_a_breaker_that_makes_no_sense_is_refused_and_nothing_registered() {
    let manager = Manager::new();
    let config = BreakerConfig {
        failure_rate: Some(f64::NAN),
        ..BreakerConfig::default()
    };
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let refused = registration.breaker(config).wait().unwrap_err();
    assert!(matches!(refused, RegisterError::Invalid { .. }));
    assert_eq!(
        refused.to_string(),
        "\"db\" cannot be registered: breaker.failure_rate must be more than 0 and at most 1, got NaN"
    );
    assert!(manager.status().resources.is_empty());
}
