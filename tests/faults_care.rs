//! Rows 19, 21 and 23 at the level of a pool: ages that make no sense, reaping that empties the
//! stock, and configurations that cannot be meant.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Instant;

use nebula_resource::config::MAX_CEILING;
use nebula_resource::runtime::Threads;
use nebula_resource::{Factory, ObjectInfo, Pool, ValidationError, sync};
use support::*;

struct Plain;

impl Factory for Plain {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A negative age would come out as centuries, or as a panic.
fn makes_sense(info: &ObjectInfo, since: Instant) {
    // The coarse clock may be behind by a quarter of a second, and by as much as the machine is late.
    let most = since.elapsed() + Duration::from_secs(60);
    assert!(info.age <= most, "{info:?}");
    assert!(info.in_state_for <= most, "{info:?}");
}

/// On the system's clock, of which releases see a coarse reading, which lags behind.
#[test]
fn fault_19_no_age_is_ever_negative() {
    let begun = Instant::now();
    let pool = Pool::builder(Plain).runtime(Threads).measure_holds(true);
    let pool = pool.max_size(1).build().unwrap();
    for round in 0..300 {
        let guard = pool.acquire_blocking().unwrap();
        makes_sense(&guard.info(), begun);
        assert!(guard.held_for() <= begun.elapsed() + Duration::from_secs(60));
        if round % 100 == 0 {
            let error = pool.acquire_blocking_timeout(millis(5)).unwrap_err();
            let AcquireError::TimedOut(report) = error else {
                panic!("{error}");
            };
            let (_, held) = report.oldest_holder.expect("this very thread");
            assert!(
                held <= begun.elapsed() + Duration::from_secs(60),
                "{held:?}"
            );
            assert!(report.elapsed >= millis(5) && report.elapsed <= begun.elapsed());
        }
        drop(guard);
        pool.objects()
            .iter()
            .for_each(|info| makes_sense(info, begun));
    }
    let (totals, elapsed) = (pool.stats(), begun.elapsed());
    assert!(totals.hold.max <= 2 * elapsed, "{totals:?}");
    assert!(totals.wait.max <= 2 * elapsed, "{totals:?}");
    assert!(pool.audit().balanced() && pool.try_acquire().is_some());
}

/// Time that stands still is no time: whatever is measured within it is zero.
#[test]
fn fault_19_no_time_is_no_age() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let first = h.spawn(h.acquire(&pool));
        h.until("an object", || first.is_done()).await;
        let guard = first.await.unwrap();
        let (age, held) = (guard.info().age, guard.held_for());
        assert_eq!((age, held), (Duration::ZERO, Duration::ZERO));
        assert_eq!(pool.oldest_waiter(), None);
        let mut waiter = Hand::new(pool.acquire_many(2));
        assert!(waiter.poll().is_pending());
        assert_eq!(pool.oldest_waiter(), Some(Duration::ZERO));
        drop((waiter, guard));
        h.nothing_lost(&pool, &script).await;
    });
}

/// `min_idle` 2, and nothing but reaping: over an hour.
fn reaping<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 10,
        min_idle: 2,
        idle_timeout: Some(Duration::from_secs(60)),
        max_lifetime: None,
        maintenance_every: Duration::from_secs(10),
        // Time leaps by seconds here: no callback is to be late for that.
        create_timeout: Duration::from_secs(3600),
        validate_timeout: Duration::from_secs(3600),
        recycle_timeout: Duration::from_secs(3600),
        destroy_timeout: Duration::from_secs(3600),
        ..h.config()
    }
}

const HOUR: usize = 720;

async fn hour_of_nothing<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, reaping(&h));
    drop(h.get(&pool).await.unwrap());
    // While the first one was out, two were put in stock besides it; that settles in minutes.
    h.advance(Duration::from_secs(300));
    h.settle("the stock", || script.alive() == 2).await;
    let made = script.made();
    assert!(made <= 6, "{made} made");
    for _ in 0..HOUR {
        h.advance(Duration::from_secs(5));
        h.nap().await;
        let status = pool.status();
        assert_eq!(status.idle + status.checking, 2, "{status:?}");
    }
    assert_eq!((script.made(), script.alive()), (made, 2), "no churn");
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| (c.min_idle, c.idle_timeout) = (0, None))
        .unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_21_an_idle_pool_keeps_its_stock_without_churn: hour_of_nothing);

async fn hour_after_a_burst<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, reaping(&h));
    let mut guards = Vec::new();
    for _ in 0..10 {
        guards.push(h.get(&pool).await.unwrap());
    }
    drop(guards);
    for _ in 0..HOUR {
        h.advance(Duration::from_secs(5));
        h.nap().await;
        let status = pool.status();
        assert!(status.idle + status.checking >= 2, "{status:?}");
    }
    h.settle("the surplus to go", || script.alive() == 2).await;
    assert_eq!(script.made(), 10, "what the burst made, and no more");
    assert_eq!(script.retired_for(), [RetireReason::IdleTimeout; 8]);
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| (c.min_idle, c.idle_timeout) = (0, None))
        .unwrap();
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 10);
}
on_every_runtime!(fault_21_a_burst_is_reaped_down_to_the_stock: hour_after_a_burst);

/// One caller now and then: the others in stock are not made anew for it.
async fn hour_of_little_use(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, reaping(&h));
    drop(h.get(&pool).await.unwrap());
    h.settle("the stock", || pool.status().idle == 2).await;
    for _ in 0..HOUR / 6 {
        h.advance(Duration::from_secs(30));
        h.nap().await;
        drop(h.get(&pool).await.unwrap());
    }
    assert!(script.made() <= 3, "{} made", script.made());
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| (c.min_idle, c.idle_timeout) = (0, None))
        .unwrap();
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_21_little_use_means_no_churn() {
    run(hour_of_little_use);
}

type Change = fn(&mut PoolConfig);

const OVER_DAY: Duration = Duration::new(86_400, 1);

/// One of each kind for each field; the arithmetic has a table of its own in the core.
const HOSTILE: &[(&str, Change)] = &[
    ("max_size", |c| c.max_size = 0),
    ("max_size", |c| c.max_size = usize::MAX),
    ("max_size", |c| c.max_size = MAX_CEILING + 1),
    ("max_size", |c| c.min_idle = c.max_size + 1),
    ("min_idle", |c| c.min_idle = usize::MAX),
    ("acquire_timeout", |c| c.acquire_timeout = Duration::ZERO),
    ("acquire_timeout", |c| c.acquire_timeout = Duration::MAX),
    ("create_timeout", |c| c.create_timeout = OVER_DAY),
    ("validate_timeout", |c| c.validate_timeout = Duration::ZERO),
    ("recycle_timeout", |c| c.recycle_timeout = OVER_DAY),
    ("destroy_timeout", |c| c.destroy_timeout = Duration::ZERO),
    ("idle_timeout", |c| c.idle_timeout = Some(Duration::ZERO)),
    ("max_lifetime", |c| c.max_lifetime = Some(Duration::MAX)),
    ("lifetime_jitter", |c| c.lifetime_jitter = f64::NAN),
    ("lifetime_jitter", |c| c.lifetime_jitter = -0.1),
    ("lifetime_jitter", |c| c.lifetime_jitter = f64::INFINITY),
    ("max_uses", |c| c.max_uses = Some(0)),
    ("validate_after", |c| c.validate_after = Some(Duration::MAX)),
    ("keepalive_every", |c| {
        c.keepalive_every = Some(Duration::ZERO);
    }),
    ("leak_after", |c| c.leak_after = Some(Duration::ZERO)),
    ("max_waiting", |c| c.max_waiting = Some(0)),
    ("shed_after", |c| c.shed_after = Some(Duration::ZERO)),
    ("max_concurrent_creates", |c| c.max_concurrent_creates = 0),
    ("create_backoff.first", |c| {
        c.create_backoff.first = Duration::ZERO;
    }),
    ("create_backoff.max", |c| {
        c.create_backoff.max = c.create_backoff.first / 2;
    }),
    ("warm_concurrency", |c| c.warm_concurrency = usize::MAX),
    ("maintenance_every", |c| {
        c.maintenance_every = Duration::ZERO;
    }),
];

fn names_it(error: &ValidationError, field: &str) {
    assert_eq!(error.field, field, "{error}");
    assert!(
        !error.constraint.is_empty() && !error.actual.is_empty(),
        "{error}"
    );
}

/// No pool comes out of it, through either facade; nothing is created either.
#[test]
fn fault_23_hostile_configurations_build_no_pool() {
    let script = OnManual::start().script();
    for (field, change) in HOSTILE {
        let mut config = PoolConfig::default();
        change(&mut config);
        let asynchronous = Pool::builder(script.clone()).config(config.clone());
        names_it(&asynchronous.build().expect_err(field), field);
        let blocking = sync::Pool::builder(script.clone()).config(config);
        names_it(&blocking.build().expect_err(field), field);
    }
    for ceiling in [0, MAX_CEILING + 1, usize::MAX] {
        let builder = Pool::builder(script.clone()).ceiling(ceiling);
        names_it(&builder.build().unwrap_err(), "ceiling");
    }
    let below = Pool::builder(script.clone()).ceiling(9).build();
    names_it(&below.unwrap_err(), "max_size");
    assert_eq!(script.calls(Callback::Create), 0);
}

/// All of it or nothing: the old configuration stays in force, and nobody notices.
async fn hostile_reconfigure<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.unwrap();
    let waiting = h.get(&pool).await.unwrap();
    let caller = h.spawn(h.acquire(&pool));
    h.until("a waiter", || pool.status().waiting == 1).await;
    let before = pool.config();
    for (field, change) in HOSTILE {
        let refused = pool.reconfigure(|config| {
            // What is right in it is not taken either.
            config.max_size = 9;
            config.fail_fast = true;
            change(config);
        });
        names_it(&refused.expect_err(field), field);
        assert_eq!(pool.config(), before, "{field}");
        assert_eq!(pool.status().max_size, before.max_size);
    }
    assert!(!script.told().contains(&Told::Reconfigured));
    assert!(!caller.is_done(), "there was no room for it");
    drop((guard, waiting));
    drop(caller.await.expect("served in its turn"));
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 2);
}
on_every_runtime!(fault_23_hostile_changes_leave_the_old_configuration: hostile_reconfigure);
