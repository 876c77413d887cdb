//! A round of maintenance takes the objects that are due out of the store, one after the other goes
//! through its callbacks, and those behind it were lost when the round was dropped.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

async fn a_round_is_dropped(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 3,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 3).await;
    script.always(Callback::Recycle, Act::Hang);
    let mut round = Hand::new(pool.maintain());
    assert!(round.poll().is_pending());
    drop(round);
    assert_eq!(pool.status().idle, 2);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Abandoned]);
}

#[test]
fn bug_maintenance_dropped() {
    run(a_round_is_dropped);
}
