//! A round of maintenance held every idle object while one of them was being recycled, so that callers
//! found the pool empty. And stock lost during a failure was made up for only by the next round, not as
//! soon as creations succeeded again.

mod support;

use support::*;

async fn one_recycling_hangs(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 4,
        maintenance_every: Duration::from_secs(30),
        recycle_timeout: Duration::from_secs(20),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    drop(pool.acquire_many(4).await.expect("four objects"));
    script.next(Callback::Recycle, [Act::Hang]);
    h.settle("a round", || script.inside(Callback::Recycle) == 1)
        .await;
    let begun = h.hand().now();
    let guard = pool.acquire().await.expect("one of the three others");
    assert_eq!(h.hand().now(), begun, "it waited: {:?}", pool.status());
    drop(guard);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_maintenance_empties_the_pool() {
    run(one_recycling_hangs);
}

async fn a_failure_ends(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        min_idle: 2,
        maintenance_every: Duration::from_secs(3600),
        max_lifetime: None,
        idle_timeout: None,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 1).await;
    h.settle("the stock", || pool.status().idle == 2).await;
    script.always(Callback::Create, Act::Fail);
    pool.clear();
    h.advance(Duration::from_secs(60));
    assert_eq!(pool.status().idle, 0);
    script.always(Callback::Create, Act::Good);
    // Far longer than the longest backoff, far shorter than until the next round.
    h.advance(Duration::from_secs(60));
    assert_eq!(pool.status().idle, 2, "{:?}", pool.stats());
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_stock_waits_for_the_next_round() {
    run(a_failure_ends);
}
