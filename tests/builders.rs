//! Everything a builder can be told, and what else a pool says of itself: does each word arrive?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::time::Instant;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{NoRuntime, Threads};
use nebula_resource::sync::Background;
use nebula_resource::{Backend, Fairness, Pool, Strategy, sync};
use nebula_resource_core::park::block_on;
use support::*;

/// Everything, once; no field remains as it was.
macro_rules! told_everything {
    ($builder:expr) => {
        $builder
            .max_size(7)
            .min_idle(3)
            .strategy(Strategy::Lifo)
            .fairness(Fairness::Strict)
            .acquire_timeout(millis(11))
            .create_timeout(millis(12))
            .validate_after(Some(millis(13)))
            .configure(|config| config.max_uses = Some(14))
    };
}

fn arrived(config: &PoolConfig) {
    let told = PoolConfig {
        max_size: 7,
        min_idle: 3,
        strategy: Strategy::Lifo,
        fairness: Fairness::Strict,
        acquire_timeout: millis(11),
        create_timeout: millis(12),
        validate_after: Some(millis(13)),
        max_uses: Some(14),
        ..PoolConfig::default()
    };
    assert_eq!(*config, told);
}

fn script() -> (Script, Clock) {
    let clock = Clock::manual(&ManualClock::new());
    (Script::new(clock.clone()), clock)
}

#[test]
fn both_builders_pass_everything_on() {
    let (script, _) = script();
    arrived(
        &told_everything!(Pool::builder(script.clone()))
            .build()
            .unwrap()
            .config(),
    );
    arrived(
        &told_everything!(sync::Pool::builder(script))
            .build()
            .unwrap()
            .config(),
    );
}

/// The last word counts, whichever it is.
#[test]
fn a_whole_configuration_replaces_what_was_said_before() {
    let (script, _) = script();
    let replaced = PoolConfig {
        max_size: 2,
        ..PoolConfig::default()
    };
    let builder = told_everything!(Pool::builder(script)).config(replaced.clone());
    assert_eq!(builder.build().unwrap().config(), replaced);
}

#[test]
fn a_deadline_is_kept_by_both_facades() {
    let (script, clock) = script();
    let pool = Pool::builder(script.clone()).max_size(1).runtime(Threads);
    let pool = pool.clock(clock.clone()).build().unwrap();
    let far = || Instant::now() + Duration::from_secs(3600);
    let held = block_on(pool.acquire_deadline(far())).unwrap();
    let late = block_on(pool.acquire_deadline(Instant::now())).unwrap_err();
    assert!(late.is_timeout(), "{late}");
    drop(held);

    let pool = sync::Pool::builder(script).max_size(1).clock(clock);
    let pool = pool.build().unwrap();
    let held = pool.acquire_deadline(far()).unwrap();
    let late = pool.acquire_deadline(Instant::now()).unwrap_err();
    assert!(late.is_timeout(), "{late}");
    drop(held);
}

/// Without a background, a round is a call: it makes the stock.
#[test]
fn maintenance_by_hand_makes_the_stock_on_both_facades() {
    let (script, clock) = script();
    let pool = Pool::builder(script.clone()).min_idle(2).runtime(NoRuntime);
    let pool = pool.clock(clock.clone()).build().unwrap();
    block_on(pool.maintain());
    assert_eq!(pool.status().idle, 2);

    let pool = sync::Pool::builder(script)
        .min_idle(2)
        .runtime(Background::Nothing);
    let pool = pool.clock(clock).build().unwrap();
    pool.maintain();
    assert_eq!(pool.status().idle, 2);
}

/// Through the pool one gets at the factory it was made with.
#[test]
fn the_factory_can_be_reached() {
    let (script, clock) = script();
    let pool = Pool::builder(script.clone()).runtime(Threads);
    let pool = pool.clock(clock.clone()).build().unwrap();
    drop(pool.acquire_blocking().unwrap());
    assert_eq!(pool.shared().driver().factory().made(), 1);
    assert_eq!(pool.shared().clock().now(), clock.now());

    let pool = sync::Pool::builder(script).clock(clock).build().unwrap();
    drop(pool.acquire().unwrap());
    assert_eq!(pool.shared().driver().factory().made(), 2);
}

#[test]
fn a_backend_says_who_it_is_and_how_it_fares() {
    let backend = Backend::new("orders-db");
    assert_eq!(backend.name(), "orders-db");
    let shown = format!("{backend:?}");
    assert!(
        shown.contains("orders-db") && shown.contains("creating: 0"),
        "{shown}"
    );
    assert!(shown.contains("failed_rounds: 0"), "{shown}");
}

#[test]
fn a_stage_has_a_name() {
    let named = [Stage::Waiting, Stage::Creating, Stage::Validating].map(|stage| stage.to_string());
    assert_eq!(named, ["waiting", "creating", "validating"]);
}

#[test]
fn a_hand_moved_clock_shows_what_it_says() {
    let hand = ManualClock::new();
    let before = format!("{hand:?}");
    hand.advance(millis(1));
    assert_ne!(format!("{hand:?}"), before);
    assert!(before.starts_with("ManualClock { now: "), "{before}");
}

#[test]
fn a_clock_is_made_of_a_hand() {
    let hand = ManualClock::new();
    let (borrowed, owned) = (Clock::from(&hand), Clock::from(Arc::clone(&hand)));
    hand.advance(Duration::from_secs(5));
    assert_eq!((borrowed.now(), owned.now()), (hand.now(), hand.now()));
}

#[test]
fn an_error_says_what_it_is_and_why() {
    let (script, clock) = script();
    let builder = sync::Pool::builder(script.clone()).clock(clock);
    let pool = builder.configure(|config| config.fail_fast = true);
    let pool = pool.build().unwrap();
    script.next(Callback::Create, [Act::Fail]);
    let failed = pool.acquire().unwrap_err();
    assert!(!failed.is_timeout());
    let why = causes(&failed);
    assert!(why.ends_with(": Create fails on command"), "{why}");
    let AcquireError::CreateFailed(report) = failed else {
        panic!("{failed}");
    };
    let cause = std::error::Error::source(&*report).unwrap();
    assert_eq!(cause.to_string(), "Create fails on command");
    drop(pool.close());
    let closed = pool.acquire().unwrap_err();
    assert!(!closed.is_timeout(), "{closed}");
}
