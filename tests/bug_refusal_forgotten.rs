//! With `fail_fast`, callers that were refused because a creation failed were told that they had
//! timed out, when another creation succeeded before they looked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::task::Poll;

use support::*;

async fn refusal_forgotten(h: OnManual) {
    let script = h.script();
    script.next(Callback::Create, [Act::Fail, Act::Yield]);
    let config = PoolConfig {
        fail_fast: true,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let mut callers = [
        Hand::new(pool.acquire_owned()),
        Hand::new(pool.acquire_owned()),
    ];
    assert!(callers.iter_mut().all(|caller| caller.poll().is_pending()));
    h.run_until_idle();
    assert_eq!(script.made(), 1);
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
