//! Do the numbers say what has happened?
//!
//! Each counter of `stats()`, counted once and by nothing else, with time moved by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use nebula_resource::Pool;
use nebula_resource::clock::Clock;
use nebula_resource::runtime::NoRuntime;
use support::*;

async fn waits(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    let held = pool.acquire().await.unwrap();
    let mut caller = Hand::new(pool.acquire());
    assert!(caller.poll().is_pending());
    h.advance(millis(30));
    drop(held);
    assert!(caller.poll().is_ready());
    let totals = pool.stats();
    // The first one waited too: for its creation, which took no time.
    assert_eq!((totals.acquired, totals.waited), (2, 2), "{totals:?}");
    assert_eq!((totals.wait.count, totals.wait.max), (2, millis(30)));
    assert_eq!(totals.hold.count, 0, "nobody asked for it");
    drop(caller);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn waits_are_counted_and_measured() {
    run(waits);
}

async fn holds(h: OnManual) {
    let script = h.script();
    let pool = Pool::builder(script.clone())
        .config(one(&h))
        .observer(script.clone())
        .runtime(NoRuntime)
        .clock(Clock::manual(h.hand()))
        .measure_holds(true)
        .build()
        .unwrap();
    let held = pool.acquire().await.unwrap();
    h.advance(millis(70));
    drop(held);
    let hold = pool.stats().hold;
    assert_eq!((hold.count, hold.max), (1, millis(70)), "{hold:?}");
}

#[test]
fn holds_are_measured_where_that_is_switched_on() {
    run(holds);
}

async fn recycles(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    for recycled in [0, 1, 2] {
        let held = pool.acquire().await.unwrap();
        assert_eq!(
            pool.stats().recycled,
            recycled,
            "before each use but the first"
        );
        drop(held);
    }
    pool.acquire().await.unwrap().discard();
    assert_eq!(pool.stats().recycled, 3, "of objects that are gone as well");
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn recycles_are_counted() {
    run(recycles);
}

async fn elided(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 2,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let held = pool.acquire().await.unwrap();
    let mut caller = Hand::new(pool.acquire());
    assert!(caller.poll().is_pending());
    assert_eq!(pool.status().creating, 1, "its job has not begun");
    drop(held);
    assert!(caller.poll().is_ready());
    h.run_until_idle();
    let totals = pool.stats();
    assert_eq!((totals.create_elided, totals.created), (1, 1), "{totals:?}");
    drop(caller);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn creations_that_nobody_needs_any_more_are_counted() {
    run(elided);
}

async fn reasons(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    pool.acquire().await.unwrap().discard();
    let totals = pool.stats();
    for reason in RetireReason::ALL {
        let expected = u64::from(reason == RetireReason::Broken);
        assert_eq!(totals.retired_for(reason), expected, "{reason}");
    }
    assert_eq!(totals.retired, 1);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn an_object_is_retired_for_one_reason() {
    run(reasons);
}

fn one<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        ..h.config()
    }
}
