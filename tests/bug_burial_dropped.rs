//! A destruction that was dropped before its end (by a caller that went away, by a runtime that shut
//! down) was never counted, and a closed pool waited for it for ever.

mod support;

use nebula_resource::clock::Clock;
use nebula_resource::runtime::NoRuntime;
use support::*;

/// Where nothing runs in the background, callers bury the dead, and may go away while they do.
async fn by_a_caller(h: OnManual) {
    let script = h.script();
    let pool = nebula_resource::Pool::builder(script.clone())
        .config(h.config())
        .runtime(NoRuntime)
        .clock(Clock::manual(h.hand()))
        .build()
        .expect("a valid configuration");
    let guards = [pool.acquire().await, pool.acquire().await];
    for guard in guards {
        guard.expect("an object").discard();
    }
    script.always(Callback::Destroy, Act::Hang);
    let mut round = Hand::new(pool.maintain());
    assert!(round.poll().is_pending());
    drop(round);
    script.heal();
    assert!(Hand::new(pool.close()).poll().is_ready());
    assert_eq!((script.alive(), pool.stats().destroyed), (0, 2));
}

#[test]
fn bug_burial_dropped_by_a_caller() {
    run(by_a_caller);
}

#[cfg(feature = "tokio")]
#[test]
fn bug_burial_dropped_by_its_runtime() {
    let script = Script::new(Clock::system());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let pool = runtime.block_on(async {
        let pool = nebula_resource::Pool::new(script.clone());
        script.always(Callback::Destroy, Act::Hang);
        pool.acquire().await.expect("an object").discard();
        drop(pool.acquire().await.expect("another object"));
        pool
    });
    drop(runtime);
    assert!(pool.close().wait_timeout(Duration::from_secs(20)));
    assert_eq!((script.alive(), pool.stats().destroyed), (0, 2));
}
