//! Does every field of the configuration take effect on a live pool, at once, without taking
//! anything from anybody?
//!
//! One test for each field, under its name; a reading of the fields notices one without a test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;

use nebula_resource::{Fairness, Strategy};
use support::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Nothing happens by itself but a round every second.
fn quiet<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 4,
        acquire_timeout: MINUTE,
        maintenance_every: SECOND,
        idle_timeout: None,
        max_lifetime: None,
        // Time leaps here: no callback is to be late for that.
        create_timeout: HOUR,
        validate_timeout: HOUR,
        recycle_timeout: HOUR,
        destroy_timeout: HOUR,
        ..h.config()
    }
}

async fn max_size<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    pool.resize(1).unwrap();
    let held = h.get(&pool).await.unwrap();
    let callers: Vec<_> = (0..3).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.until("three in line", || pool.status().waiting == 3)
        .await;
    // Growth wakes those who wait at once: time stands still here.
    pool.resize(4).unwrap();
    h.until("room for all", || callers.iter().all(Task::is_done))
        .await;
    let mut guards = Vec::new();
    for caller in callers {
        guards.push(caller.await.unwrap());
    }
    guards.truncate(1);
    assert_eq!((pool.status().idle, pool.status().in_use), (2, 2));
    // Shrinking retires the idle ones now, and others as they return.
    pool.resize(1).unwrap();
    assert_eq!((pool.status().idle, pool.status().in_use), (0, 2));
    drop(held);
    assert_eq!((pool.status().idle, pool.status().in_use), (0, 1));
    drop(guards);
    assert_eq!((pool.status().idle, pool.status().in_use), (1, 0));
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Surplus; 3]);
}
on_every_runtime!(max_size_changed: max_size);

/// The ceiling is the end: what is beyond is refused, and what it says is kept.
async fn ceiling<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    pool.resize(32).expect("the ceiling is 32 at least");
    let error = pool.resize(33).unwrap_err();
    assert_eq!(error.field, "max_size");
    assert!(error.constraint.contains("ceiling"), "{error}");
    assert_eq!(pool.config().max_size, 32);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(max_size_beyond_the_ceiling: ceiling);

async fn min_idle<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    drop(h.get(&pool).await.unwrap());
    pool.reconfigure(|c| c.min_idle = 3).unwrap();
    // One more may be made while a round has one in its hands.
    h.until("the stock", || pool.status().idle >= 3).await;
    pool.reconfigure(|c| (c.min_idle, c.idle_timeout) = (1, Some(SECOND)))
        .unwrap();
    h.settle("one in stock", || pool.status().idle == 1).await;
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| c.min_idle = 0).unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(min_idle_changed: min_idle);

const STRATEGIES: [Strategy; 4] = [
    Strategy::Fifo,
    Strategy::Lifo,
    Strategy::Lru,
    Strategy::Affine,
];

/// From each to each: what was idle before is handed out before anything new is made.
async fn strategy(h: OnManual) {
    for from in STRATEGIES {
        for to in STRATEGIES {
            let script = h.script();
            let config = PoolConfig {
                strategy: from,
                ..quiet(&h)
            };
            let pool = h.pool(&script, config);
            h.stock(&pool, 3).await;
            pool.reconfigure(|c| c.strategy = to).unwrap();
            let mut seen = h.stock(&pool, 3).await;
            seen.sort_unstable();
            assert_eq!(seen, [1, 2, 3], "{from:?} to {to:?}");
            h.nothing_lost(&pool, &script).await;
        }
    }
}

#[test]
fn strategy_changed() {
    run(strategy);
}

async fn fairness<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    pool.resize(1).unwrap();
    for (fairness, overtaken) in [
        (Fairness::Strict, false),
        (Fairness::Bounded, true),
        (Fairness::Strict, false),
    ] {
        let held = h.get(&pool).await.unwrap();
        let mut waiter = Hand::new(parked(&pool));
        assert!(waiter.poll().is_pending());
        // Changed while somebody waits: it is served by the new rule.
        pool.reconfigure(|c| c.fairness = fairness).unwrap();
        drop(held);
        assert_eq!(pool.try_acquire().is_some(), overtaken, "{fairness:?}");
        h.until("the waiter's turn", || waiter.poll().is_ready())
            .await;
    }
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fairness_changed: fairness);

async fn acquire_timeout<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    pool.resize(1).unwrap();
    let held = h.get(&pool).await.unwrap();
    pool.reconfigure(|c| c.acquire_timeout = millis(50))
        .unwrap();
    let caller = h.spawn(h.acquire(&pool));
    h.until("a waiter", || pool.status().waiting == 1).await;
    h.advance(millis(50));
    h.until("the new deadline", || caller.is_done()).await;
    assert!(caller.await.unwrap_err().is_timeout());
    pool.reconfigure(|c| c.acquire_timeout = MINUTE).unwrap();
    drop(held);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(acquire_timeout_changed: acquire_timeout);

/// Objects made before the change are judged by the new rule.
async fn retired_by<H: Harness>(h: H, change: fn(&mut PoolConfig), reason: RetireReason) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    h.stock(&pool, 1).await;
    h.advance(MINUTE);
    h.settle("rest", || pool.status().checking == 0).await;
    assert_eq!(script.alive(), 1, "{:?}", script.told());
    pool.reconfigure(change).unwrap();
    h.advance(SECOND);
    h.settle("its end", || script.alive() == 0).await;
    assert_eq!(script.retired_for(), [reason]);
    h.nothing_lost(&pool, &script).await;
}

async fn idle_timeout<H: Harness>(h: H) {
    let change: fn(&mut PoolConfig) = |c| c.idle_timeout = Some(MINUTE);
    retired_by(h, change, RetireReason::IdleTimeout).await;
}
on_every_runtime!(idle_timeout_changed: idle_timeout);

async fn max_lifetime<H: Harness>(h: H) {
    let change: fn(&mut PoolConfig) = |c| c.max_lifetime = Some(MINUTE);
    retired_by(h, change, RetireReason::MaxLifetime).await;
}
on_every_runtime!(max_lifetime_changed: max_lifetime);

/// The share of the jitter is an object's own; how much it is a share of can be changed.
async fn lifetime_jitter(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_lifetime: Some(10 * MINUTE),
        lifetime_jitter: 0.0,
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    drop(pool.acquire_many(4).await.unwrap());
    h.advance(9 * MINUTE);
    assert_eq!(script.alive(), 4);
    pool.reconfigure(|c| c.lifetime_jitter = 0.5).unwrap();
    h.advance(SECOND);
    assert!(
        script.alive() < 4,
        "some have less than nine of ten minutes"
    );
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn lifetime_jitter_changed() {
    run(lifetime_jitter);
}

async fn max_uses<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    for _ in 0..3 {
        drop(h.get(&pool).await.unwrap());
    }
    pool.reconfigure(|c| c.max_uses = Some(2)).unwrap();
    // A round may have the object in its hands, and another be made meanwhile.
    for _ in 0..6 {
        drop(h.get(&pool).await.unwrap());
    }
    h.settle("its end", || script.dropped() > 0).await;
    let reasons = script.retired_for();
    assert!(
        reasons
            .iter()
            .all(|reason| *reason == RetireReason::MaxUses),
        "{reasons:?}"
    );
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(max_uses_changed: max_uses);

async fn validate_after<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    h.stock(&pool, 1).await;
    drop(h.get(&pool).await.unwrap());
    assert_eq!(script.calls(Callback::Validate), 0);
    pool.reconfigure(|c| c.validate_after = Some(Duration::ZERO))
        .unwrap();
    drop(h.get(&pool).await.unwrap());
    assert_eq!(script.calls(Callback::Validate), 1);
    pool.reconfigure(|c| c.validate_after = None).unwrap();
    drop(h.get(&pool).await.unwrap());
    assert_eq!(script.calls(Callback::Validate), 1);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(validate_after_changed: validate_after);

async fn keepalive_every<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    h.stock(&pool, 1).await;
    h.advance(MINUTE);
    pool.reconfigure(|c| c.keepalive_every = Some(MINUTE))
        .unwrap();
    h.until("a keepalive", || {
        assert_eq!(script.alive(), 1, "{:?}", script.told());
        h.advance(millis(1));
        script.calls(Callback::Validate) == 1
    })
    .await;
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(keepalive_every_changed: keepalive_every);

async fn leak_after<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    let held = h.get(&pool).await.unwrap();
    h.advance(MINUTE);
    pool.reconfigure(|c| c.leak_after = Some(MINUTE)).unwrap();
    h.settle("the report", || script.told().contains(&Told::Leaked(1)))
        .await;
    drop(held);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(leak_after_changed: leak_after);

async fn max_concurrent_creates<H: Harness>(h: H) {
    for most in [1, 3] {
        let script = h.script();
        let pool = h.pool(&script, quiet(&h));
        pool.reconfigure(|c| c.max_concurrent_creates = most)
            .unwrap();
        script.always(Callback::Create, Act::Yield);
        let callers: Vec<_> = (0..4).map(|_| h.spawn(h.acquire(&pool))).collect();
        h.until("everybody's object", || callers.iter().all(Task::is_done))
            .await;
        assert!(script.most_inside(Callback::Create) <= most);
        drop(callers);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(max_concurrent_creates_changed: max_concurrent_creates);

async fn warm_concurrency<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    h.stock(&pool, 1).await;
    script.always(Callback::Create, Act::Hang);
    pool.reconfigure(|c| (c.min_idle, c.warm_concurrency) = (4, 3))
        .unwrap();
    h.until("three at once", || script.inside(Callback::Create) == 3)
        .await;
    script.heal();
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| c.min_idle = 0).unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(warm_concurrency_changed: warm_concurrency);

async fn maintenance_every<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        maintenance_every: Duration::from_secs(3600),
        idle_timeout: Some(SECOND),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 1).await;
    pool.reconfigure(|c| c.maintenance_every = SECOND).unwrap();
    h.advance(3 * SECOND);
    h.settle("a round", || script.alive() == 0).await;
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(maintenance_every_changed: maintenance_every);

/// Decided when a pool is made: changed later it changes nothing, and is kept.
async fn warm_on_register<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, quiet(&h));
    pool.reconfigure(|c| c.warm_on_register = true).unwrap();
    assert!(pool.config().warm_on_register);
    assert_eq!(script.calls(Callback::Create), 0);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(warm_on_register_changed: warm_on_register);

#[test]
fn every_field_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(root.join("core/src/config/mod.rs")).unwrap();
    let (_, fields) = source.split_once("pub struct PoolConfig {").unwrap();
    let (fields, _) = fields.split_once("\n}").unwrap();
    let mine = std::fs::read_to_string(root.join(file!())).unwrap();
    let bounds = std::fs::read_to_string(root.join("tests/config_live_bounds.rs")).unwrap();
    let line = std::fs::read_to_string(root.join("tests/overload.rs")).unwrap();
    let mine = mine + &bounds + &line;
    let mut count = 0;
    for line in fields.lines() {
        if let Some((name, _)) = line
            .trim()
            .strip_prefix("pub ")
            .and_then(|f| f.split_once(':'))
        {
            count += 1;
            assert!(mine.contains(&format!("{name}_changed")), "{name}");
        }
    }
    assert!(count >= 22, "{count} fields found");
}
