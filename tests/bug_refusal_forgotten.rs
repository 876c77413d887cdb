//! With `fail_fast`, callers that were refused because a creation failed were told that they had
//! timed out, when another creation succeeded before they looked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::task::Poll;

use support::*;

async fn refusal_forgotten(h: OnManual) {
    let script = h.script();
    script.next(Callback::Create, [Act::Hang, Act::Slow(millis(80))]);
    let config = PoolConfig {
        fail_fast: true,
        create_timeout: millis(100),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let mut callers = [(); 2].map(|()| {
        let mut caller = Hand::new(pool.acquire_owned());
        assert!(caller.poll().is_pending());
        h.advance(millis(50));
        caller
    });
    // The first creation fails after 100 ms, the second one succeeds after 130.
    h.advance(millis(40));
    assert_eq!((script.made(), pool.stats().create_failures), (1, 1));
    for caller in &mut callers {
        let Poll::Ready(Err(error)) = caller.poll() else {
            panic!("refused when the first creation failed");
        };
        assert!(matches!(error, AcquireError::CreateFailed(_)), "{error}");
    }
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_refusal_forgotten() {
    run(refusal_forgotten);
}
