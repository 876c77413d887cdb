//! Are the bounds of a factory's callbacks, and what follows a failure, those of the configuration in
//! force, also for objects that were made under another? (The other fields are in `config_live.rs`.)

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Everything may take a minute.
fn patient<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        acquire_timeout: 2 * MINUTE,
        create_timeout: MINUTE,
        validate_timeout: MINUTE,
        recycle_timeout: MINUTE,
        destroy_timeout: MINUTE,
        fail_fast: true,
        ..h.config()
    }
}

/// A callback of an acquire hangs: it ends by the new bound, and the caller goes on.
async fn hangs<H: Harness>(h: &H, callback: Callback, change: impl Fn(&mut PoolConfig)) {
    let script = h.script();
    let pool = h.pool(&script, patient(h));
    if callback != Callback::Create {
        h.stock(&pool, 1).await;
    }
    // First: the change has a round follow, which may be the one that recycles.
    script.next(callback, [Act::Hang]);
    pool.reconfigure(change).unwrap();
    let caller = h.spawn(h.acquire(&pool));
    h.until("the hang", || script.inside(callback) == 1).await;
    h.advance(millis(49));
    assert!(!caller.is_done(), "not before its time");
    // The bound may have begun a little later than the hang; on a busy machine, much later.
    h.advance(millis(50));
    assert!(!H::KEEPS_UP || caller.is_done(), "by the new bound");
    h.settle("the caller's end", || caller.is_done()).await;
    assert_eq!(caller.await.is_err(), callback == Callback::Create);
    h.nothing_lost(&pool, &script).await;
}

async fn create_timeout<H: Harness>(h: H) {
    hangs(&h, Callback::Create, |c| c.create_timeout = millis(50)).await;
}
on_every_runtime!(create_timeout_changed: create_timeout);

async fn validate_timeout<H: Harness>(h: H) {
    hangs(&h, Callback::Validate, |c| {
        c.validate_after = Some(Duration::ZERO);
        c.validate_timeout = millis(50);
    })
    .await;
}
on_every_runtime!(validate_timeout_changed: validate_timeout);

// A blocking `recycle` runs on its caller's thread, where nothing bounds it.
async fn recycle_timeout<H: Harness>(h: H) {
    hangs(&h, Callback::Recycle, |c| c.recycle_timeout = millis(50)).await;
}
on_async_runtimes!(recycle_timeout_changed: recycle_timeout);

async fn destroy_timeout<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h));
    let guard = h.get(&pool).await.unwrap();
    pool.reconfigure(|c| c.destroy_timeout = millis(50))
        .unwrap();
    script.next(Callback::Destroy, [Act::Hang]);
    guard.discard();
    h.until("the hang", || script.inside(Callback::Destroy) == 1)
        .await;
    assert_eq!(pool.stats().destroyed, 0);
    let mut advanced = Duration::ZERO;
    h.until("its end", || {
        h.advance(millis(10));
        advanced += millis(10);
        assert!(advanced < MINUTE, "the old bound");
        pool.stats().destroyed == 1
    })
    .await;
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(destroy_timeout_changed: destroy_timeout);

/// Failures are waited out, until somebody says otherwise.
fn forgiving<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        fail_fast: false,
        ..patient(h)
    }
}

async fn fail_fast<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, forgiving(&h));
    pool.reconfigure(|c| c.fail_fast = true).unwrap();
    script.always(Callback::Create, Act::Fail);
    let caller = h.spawn(h.acquire(&pool));
    h.until("the refusal", || caller.is_done()).await;
    let error = caller.await.unwrap_err();
    assert!(matches!(error, AcquireError::CreateFailed(_)), "{error}");
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fail_fast_changed: fail_fast);

/// How far apart the first two attempts are.
async fn create_backoff(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, forgiving(&h));
    script.always(Callback::Create, Act::Fail);
    let slow = nebula_resource::config::Backoff {
        first: millis(900),
        max: MINUTE,
    };
    pool.reconfigure(|c| c.create_backoff = slow).unwrap();
    let caller = h.spawn(h.acquire(&pool));
    h.until("a failure", || script.calls(Callback::Create) == 1)
        .await;
    h.advance(millis(440));
    assert_eq!(script.calls(Callback::Create), 1, "half of 900 ms at least");
    h.advance(millis(470));
    assert_eq!(script.calls(Callback::Create), 2);
    script.heal();
    h.settle("the caller's end", || caller.is_done()).await;
    drop(caller);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn create_backoff_changed() {
    run(create_backoff);
}
