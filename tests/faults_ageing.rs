//! Row 20: objects of one age. Their lifetimes are spread, and the stock is replaced before it
//! expires, so that nobody finds less of it than `min_idle` because of its age.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const LIFETIME: Duration = Duration::from_secs(600);
const STOCK: usize = 4;

fn ageing<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 10,
        min_idle: STOCK,
        max_lifetime: Some(LIFETIME),
        lifetime_jitter: 0.0,
        idle_timeout: None,
        maintenance_every: 30 * SECOND,
        create_timeout: 20 * SECOND,
        ..h.config()
    }
}

/// A pool with nothing but its stock, all of one age.
async fn stocked<H: Harness>(h: &H, script: &Script, config: PoolConfig) -> H::Pool {
    let pool = h.pool(
        script,
        PoolConfig {
            min_idle: 0,
            ..config.clone()
        },
    );
    h.stock(&pool, STOCK).await;
    pool.reconfigure(|c| c.clone_from(&config)).unwrap();
    h.advance(Duration::ZERO);
    // The change has a round follow, which may have one of them in hand.
    h.until("the stock", || pool.status().idle == STOCK).await;
    assert_eq!(script.made(), STOCK);
    pool
}

/// Moves time on by `span`, from alarm to alarm, and looks at every stop.
fn watch(h: &OnManual, span: Duration, mut look: impl FnMut()) {
    let end = h.hand().now().after(span);
    while h.hand().now() < end {
        let now = h.hand().now();
        let next = h.hand().next_alarm().map_or(end, |next| next.min(end));
        h.advance(next.since(now).min(SECOND));
        look();
    }
}

/// Nobody expects stock any more when the books are looked at.
async fn rest<H: Harness>(h: &H, pool: &H::Pool, script: &Script) {
    pool.reconfigure(|c| (c.min_idle, c.max_lifetime) = (0, None))
        .unwrap();
    h.nothing_lost(pool, script).await;
}

/// Three generations, with and without jitter, made slowly; and no more are made than that takes.
async fn three_generations(h: OnManual) {
    for (jitter, most) in [(0.0, 3 * STOCK), (0.5, 6 * STOCK)] {
        let script = h.script();
        let config = PoolConfig {
            lifetime_jitter: jitter,
            ..ageing(&h)
        };
        let pool = stocked(&h, &script, config).await;
        script.always(Callback::Create, Act::Slow(SECOND));
        let mut oldest = Duration::ZERO;
        watch(&h, 3 * LIFETIME, || {
            let status = pool.status();
            assert!(status.idle >= STOCK, "{status:?}, jitter {jitter}");
            assert!(status.size <= 2 * STOCK, "{status:?}, jitter {jitter}");
            let ages = pool.objects().into_iter().map(|object| object.age);
            oldest = oldest.max(ages.max().unwrap());
        });
        // A round notices it, up to thirty seconds later; nobody gets it meanwhile.
        assert!(oldest <= LIFETIME + 31 * SECOND, "{oldest:?}");
        assert!(
            script.made() >= 3 * STOCK && script.made() <= STOCK + most + STOCK,
            "{} made, jitter {jitter}",
            script.made()
        );
        assert!(
            script
                .retired_for()
                .iter()
                .all(|why| *why == RetireReason::MaxLifetime)
        );
        rest(&h, &pool, &script).await;
    }
}

#[test]
fn fault_20_the_stock_is_replaced_before_it_expires() {
    run(three_generations);
}

/// No room for both: one by one, and never one more than there may be.
async fn no_room_for_both(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: STOCK,
        ..ageing(&h)
    };
    let pool = stocked(&h, &script, config).await;
    script.always(Callback::Create, Act::Slow(SECOND));
    watch(&h, 3 * LIFETIME, || {
        let status = pool.status();
        assert!(status.idle + 1 >= STOCK, "{status:?}");
        assert!(status.size + status.creating <= STOCK, "{status:?}");
    });
    assert!((3 * STOCK..=5 * STOCK).contains(&script.made()));
    rest(&h, &pool, &script).await;
}

#[test]
fn fault_20_at_the_limit_the_stock_is_replaced_one_by_one() {
    run(no_room_for_both);
}

/// The backend is gone: the old ones serve until their time is over, and then they go. A lifetime is
/// a promise, kept even where nothing takes its place.
async fn dead_backend(h: OnManual) {
    for room in [STOCK, 10] {
        let script = h.script();
        let config = PoolConfig {
            max_size: room,
            ..ageing(&h)
        };
        let pool = stocked(&h, &script, config).await;
        script.always(Callback::Create, Act::Fail);
        h.advance(LIFETIME - SECOND);
        let status = pool.status();
        // Where there was no room for both, one went before that was known.
        assert!(
            status.idle + usize::from(room == STOCK) >= STOCK,
            "{status:?}"
        );
        let old = h.get(&pool).await.unwrap();
        assert!(old.id <= STOCK as u64);
        drop(old);
        h.advance(MINUTE);
        assert_eq!(pool.status().size, 0);
        let tried = script.begun(Callback::Create).len();
        assert!(tried <= STOCK + 100, "{tried} attempts in eighty seconds");
        let refused = h.get(&pool).await.unwrap_err();
        assert!(
            matches!(refused, AcquireError::CreateFailed(_)),
            "{refused}"
        );
        rest(&h, &pool, &script).await;
    }
}

#[test]
fn fault_20_nothing_is_handed_out_beyond_its_lifetime() {
    run(dead_backend);
}

/// The same wherever it runs.
async fn one_generation<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        create_timeout: 2 * MINUTE,
        ..ageing(&h)
    };
    let pool = stocked(&h, &script, config).await;
    script.always(Callback::Create, Act::Slow(10 * SECOND));
    for _ in 0..LIFETIME.as_secs() / 2 + 60 {
        h.advance(2 * SECOND);
        for _ in 0..3 {
            h.nap().await;
        }
        let status = pool.status();
        assert!(status.idle + status.checking >= STOCK, "{status:?}");
    }
    assert_eq!(script.made(), 2 * STOCK);
    rest(&h, &pool, &script).await;
}
on_every_runtime!(fault_20_the_stock_outlives_its_objects: one_generation);

/// Two objects of different ages, in a pool that has no room for a third, both about to expire.
async fn two_ages(h: &OnManual, script: &Script) -> <OnManual as Harness>::Pool {
    let config = PoolConfig {
        max_size: 2,
        min_idle: 0,
        recycle_timeout: MINUTE,
        ..ageing(h)
    };
    let pool = h.pool(script, config);
    let older = h.get(&pool).await.unwrap();
    h.advance(5 * SECOND);
    let younger = h.get(&pool).await.unwrap();
    // From twenty seconds before the end of its lifetime each is to be replaced.
    h.advance(LIFETIME - 10 * SECOND);
    drop(younger);
    drop(older);
    pool
}

/// One by one, then, and the one that has less time left goes first.
#[test]
fn fault_20_the_older_one_is_replaced_first() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = two_ages(&h, &script).await;
        pool.reconfigure(|c| c.min_idle = 2).unwrap();
        h.run_until_idle();
        let retired: Vec<_> = script.told().iter().filter_map(retired_id).collect();
        assert_eq!(retired, [1, 2]);
        assert_eq!(script.made(), 4);
        rest(&h, &pool, &script).await;
    });
}

/// One that is being looked after cannot be replaced: the other one is, all the same.
#[test]
fn fault_20_one_that_is_being_recycled_keeps_no_other() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = two_ages(&h, &script).await;
        let older = h.get(&pool).await.unwrap();
        assert_eq!(
            older.id, 1,
            "the affine strategy hands out what was used last"
        );
        script.next(Callback::Recycle, [Act::Hang]);
        let mut releasing = Hand::new(older.release());
        assert!(releasing.poll().is_pending());
        pool.reconfigure(|c| c.min_idle = 2).unwrap();
        h.run_until_idle();
        let retired: Vec<_> = script.told().iter().filter_map(retired_id).collect();
        assert_eq!(retired, [2]);
        script.heal();
        assert!(releasing.poll().is_ready());
        drop(releasing);
        rest(&h, &pool, &script).await;
    });
}

fn retired_id(told: &Told) -> Option<u64> {
    match told {
        Told::Retired(id, RetireReason::MaxLifetime) => Some(*id),
        _ => None,
    }
}

/// The stock that is to be replaced, in a pool that has room: it stays for as long as it may.
#[test]
fn fault_20_where_there_is_room_the_old_ones_stay_until_their_time_is_over() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = two_ages(&h, &script).await;
        pool.reconfigure(|c| (c.min_idle, c.max_size) = (2, 4))
            .unwrap();
        h.run_until_idle();
        assert_eq!(script.made(), 4);
        assert_eq!(pool.status().idle, 4, "two old ones, two new ones");
        rest(&h, &pool, &script).await;
    });
}

/// While creations fail an old one is better than none: none is let go to make room for another.
#[test]
fn fault_20_while_creations_fail_none_is_let_go_early() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = two_ages(&h, &script).await;
        script.always(Callback::Create, Act::Fail);
        pool.reconfigure(|c| c.min_idle = 2).unwrap();
        h.run_until_idle();
        h.advance(3 * SECOND);
        let retired: Vec<_> = script.told().iter().filter_map(retired_id).collect();
        assert_eq!(retired, [1], "that it fails was not known then");
        assert_eq!(pool.status().idle, 1);
        rest(&h, &pool, &script).await;
    });
}

/// One that is about to expire is no stock: once there is enough without it, it goes when it has been
/// idle for too long.
#[test]
fn fault_20_one_that_ages_is_not_spared_for_the_stock() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            max_size: 2,
            min_idle: 0,
            idle_timeout: Some(30 * SECOND),
            ..ageing(&h)
        };
        let pool = h.pool(&script, config);
        let older = h.get(&pool).await.unwrap();
        assert_eq!(older.id, 1);
        h.advance(300 * SECOND);
        let younger = h.get(&pool).await.unwrap();
        h.advance(240 * SECOND);
        drop(older);
        h.advance(35 * SECOND);
        drop(younger);
        h.advance(10 * SECOND);
        pool.reconfigure(|c| c.min_idle = 1).unwrap();
        h.run_until_idle();
        assert_eq!(script.retired_for(), [RetireReason::IdleTimeout]);
        rest(&h, &pool, &script).await;
    });
}
