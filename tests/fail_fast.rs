//! With `fail_fast`, nobody waits while creations fail: neither who is in line when one fails, nor who
//! comes before the next may be tried.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use nebula_resource_core::Backoff;
use support::*;

async fn refused_at_once<H: Harness>(h: H) {
    let script = h.script();
    script.always(Callback::Create, Act::Fail);
    let config = PoolConfig {
        fail_fast: true,
        // The next may be tried in a second.
        create_backoff: Backoff {
            first: Duration::from_secs(10),
            max: Duration::from_secs(10),
        },
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let first = h.get(&pool).await.unwrap_err();
    assert!(matches!(first, AcquireError::CreateFailed(_)), "{first}");
    let begun = h.hand().now();
    let later = h.acquire(&pool).await.unwrap_err();
    assert!(matches!(later, AcquireError::CreateFailed(_)), "{later}");
    assert_eq!(h.hand().now(), begun, "it waited");
    assert_eq!(script.calls(Callback::Create), 1, "it was too soon to try");
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(who_comes_while_creations_fail_is_refused_at_once: refused_at_once);

/// Whoever comes in the very moment in which the next may be tried has it tried.
#[test]
fn who_comes_when_the_next_may_be_tried_is_not_refused() {
    run(|h: OnManual| async move {
        let script = h.script();
        script.next(Callback::Create, [Act::Fail]);
        let config = PoolConfig {
            fail_fast: true,
            ..h.config()
        };
        let pool = h.pool(&script, config);
        let refused = pool.acquire().await.unwrap_err();
        let AcquireError::CreateFailed(report) = refused else {
            panic!("{refused}");
        };
        assert!(report.next_in > Duration::ZERO, "{report}");
        h.advance(report.next_in);
        drop(pool.acquire().await.expect("the backend is well"));
        h.nothing_lost(&pool, &script).await;
    });
}
