//! A backend that makes objects which fail their first validation was asked for the next one at once,
//! again and again until the caller's deadline: no creation had failed, so nothing backed off.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

async fn stillborn(h: OnManual) {
    let script = h.script();
    // Not at once: where the bug is, time must pass for anything to be seen.
    script.always(Callback::Create, Act::Slow(millis(10)));
    script.always(Callback::Validate, Act::Fail);
    let config = PoolConfig {
        max_size: 4,
        acquire_timeout: Duration::from_secs(30),
        validate_after: Some(Duration::ZERO),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let callers: Vec<_> = (0..8).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.advance(Duration::from_secs(29));
    let made = script.made();
    assert!((20..=200).contains(&made), "{made} made in half a minute");
    h.advance(Duration::from_secs(2));
    for caller in callers {
        assert!(caller.is_done());
        let error = caller.await.unwrap_err();
        assert!(matches!(error, AcquireError::CreateFailed(_)), "{error}");
        assert!(causes(&error).contains("Validate fails"), "{error}");
    }
    // Back, it is found out within a second, and nothing is held against it.
    let caller = h.spawn(h.acquire(&pool));
    script.always(Callback::Validate, Act::Good);
    h.advance(Duration::from_secs(1) + millis(10));
    assert!(caller.is_done());
    drop(caller.await.unwrap());
    let many: Vec<_> = (0..4).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.advance(millis(100));
    assert!(many.iter().all(Task::is_done));
    drop(many);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_stillborn_objects_back_off() {
    run(stillborn);
}

/// With `fail_fast` nobody waits for the next attempt.
async fn fail_fast(h: OnManual) {
    let script = h.script();
    // Not at once: where the bug is, time must pass for anything to be seen.
    script.always(Callback::Create, Act::Slow(millis(10)));
    script.always(Callback::Validate, Act::Fail);
    let config = PoolConfig {
        acquire_timeout: Duration::from_secs(30),
        validate_after: Some(Duration::ZERO),
        fail_fast: true,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let caller = h.spawn(h.acquire(&pool));
    h.advance(millis(50));
    assert!(caller.is_done());
    let error = caller.await.unwrap_err();
    assert!(matches!(error, AcquireError::CreateFailed(_)), "{error}");
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_stillborn_objects_fail_fast() {
    run(fail_fast);
}

/// Asked for on a pool that nobody has used yet, stock is made all the same.
async fn stock_of_an_unused_pool<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(
        &script,
        PoolConfig {
            max_size: 4,
            ..h.config()
        },
    );
    pool.reconfigure(|c| c.min_idle = 3).unwrap();
    h.settle("the stock", || pool.status().idle == 3).await;
    pool.reconfigure(|c| c.min_idle = 0).unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(bug_stock_of_an_unused_pool: stock_of_an_unused_pool);

/// The first new object that is good ends the failure: what fails later is the first of its kind.
#[test]
fn one_that_thrives_ends_the_failure() {
    run(|h: OnManual| async move {
        let script = h.script();
        script.next(Callback::Validate, [Act::Fail; 3]);
        let config = PoolConfig {
            max_size: 2,
            acquire_timeout: Duration::from_secs(30),
            validate_after: Some(Duration::ZERO),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        let first = pool.acquire().await.unwrap();
        assert_eq!(script.calls(Callback::Validate), 4);
        pool.reconfigure(|c| c.fail_fast = true).unwrap();
        script.next(Callback::Create, [Act::Fail]);
        let refused = pool.acquire().await.unwrap_err();
        let AcquireError::CreateFailed(report) = refused else {
            panic!("{refused}");
        };
        assert_eq!(report.attempts, 1, "{report}");
        drop(first);
        h.nothing_lost(&pool, &script).await;
    });
}
