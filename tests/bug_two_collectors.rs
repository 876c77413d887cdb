//! Two callers that each want several objects waited for each other's share: one of them came back
//! to the head of the line, because what it had got was no good, while the other, head in the
//! meantime, had begun to collect. Neither could ever have enough.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

async fn two_collectors(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        acquire_timeout: Duration::from_secs(60),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let (held, other) = (pool.try_acquire_owned(), h.get(&pool).await.unwrap());
    assert!(held.is_none());
    let mut first = Hand::new(pool.acquire_many(2));
    assert!(first.poll().is_pending());
    let mut second = Hand::new(pool.acquire_many(2));
    h.until("the first to lack one", || {
        h.run_until_idle();
        assert!(first.poll().is_pending());
        script.made() == 2
    })
    .await;
    assert!(second.poll().is_pending());
    drop(other);
    pool.clear();
    // The first one finds both of its objects outdated, lets the first go, gives the second back,
    // and stands at the head again; both went to the one behind it.
    let mut done = (false, false);
    for _ in 0..20 {
        h.run_until_idle();
        done.0 = done.0 || first.poll().is_ready();
        h.run_until_idle();
        done.1 = done.1 || done.0 && second.poll().is_ready();
        if done == (true, true) {
            break;
        }
    }
    assert_eq!(done, (true, true), "{:?}", pool.status());
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_two_collectors() {
    run(two_collectors);
}
