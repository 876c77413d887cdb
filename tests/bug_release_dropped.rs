//! `Guard::release` took the object out of the guard before its future was polled. Dropped unpolled,
//! the future dropped the object past the pool's books, and its permit was gone for good.

mod support;

use support::*;

async fn release_is_never_polled(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.expect("an object");
    drop(guard.release());
    assert_eq!(pool.audit().permits, 0);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Abandoned]);
}

#[test]
fn bug_release_dropped() {
    run(release_is_never_polled);
}
