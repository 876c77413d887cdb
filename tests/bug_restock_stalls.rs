//! Stock was made `warm_concurrency` objects at a time, and then nothing went on until the next
//! round: twenty objects in stock took five minutes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

async fn restock_stalls<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 20,
        min_idle: 20,
        warm_concurrency: 2,
        warm_on_register: true,
        maintenance_every: Duration::from_secs(3600),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    h.until("the whole stock", || pool.status().idle == 20)
        .await;
    assert!(script.most_inside(Callback::Create) <= 2);
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| c.min_idle = 0).unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(bug_restock_stalls: restock_stalls);
