//! Callers in the middle of something: waiting, having an object made or validated, holding one.
//!
//! Knows nothing of what is then done to them. For the files about owners; named there by `path`.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use crate::support::*;

pub(crate) fn one<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        acquire_timeout: Duration::from_secs(30),
        create_timeout: Duration::from_secs(20),
        validate_timeout: Duration::from_secs(20),
        ..h.config()
    }
}

/// A caller in the middle of something.
pub(crate) type Working<H> = (Script, <H as Harness>::Pool, Task<Acquired<H>>);

/// A pool of one whose object is out, and a caller in line for it.
pub(crate) async fn waiting<H: Harness>(h: &H) -> (Script, H::Pool, OutOf<H>, Task<Acquired<H>>) {
    let script = h.script();
    let pool = h.pool(&script, one(h));
    let held = h.get(&pool).await.expect("the only object");
    let caller = h.spawn(h.acquire(&pool));
    h.until("a waiter", || pool.status().waiting == 1).await;
    (script, pool, held, caller)
}

/// A caller for whom an object is being made, which takes until `heal`.
pub(crate) async fn creating<H: Harness>(h: &H) -> Working<H> {
    let script = h.script();
    script.always(Callback::Create, Act::Hang);
    let pool = h.pool(&script, one(h));
    let caller = h.spawn(h.acquire(&pool));
    h.until("a creation", || script.inside(Callback::Create) == 1)
        .await;
    (script, pool, caller)
}

/// A caller whose object is being validated, which takes until `heal`.
pub(crate) async fn validating<H: Harness>(h: &H) -> Working<H> {
    let script = h.script();
    script.always(Callback::Validate, Act::Hang);
    let config = PoolConfig {
        validate_after: Some(Duration::ZERO),
        ..one(h)
    };
    let pool = h.pool(&script, config);
    // A new object is validated too when it is never trusted: only from now on it hangs.
    let caller = h.spawn(h.acquire(&pool));
    h.until("a validation", || script.inside(Callback::Validate) == 1)
        .await;
    (script, pool, caller)
}

pub(crate) async fn held<H: Harness>(h: &H) -> (Script, H::Pool, OutOf<H>) {
    let script = h.script();
    let pool = h.pool(&script, one(h));
    let held = h.get(&pool).await.expect("the only object");
    (script, pool, held)
}

/// The end of a test in which the pool was closed.
pub(crate) async fn closed_for_good<H: Harness>(h: &H, pool: &H::Pool, script: &Script) {
    script.heal();
    h.settle("every object's end", || {
        let totals = pool.stats();
        script.alive() == 0 && totals.destroyed + totals.detached == totals.created
    })
    .await;
    let refused = h.get(pool).await.expect_err("the pool is closed");
    assert!(matches!(refused, AcquireError::Closed), "{refused:?}");
    let audit = pool.audit();
    assert!(audit.balanced() && audit.permits == 0, "{audit:?}");
}

pub(crate) async fn ended<H: Harness>(h: &H, caller: Task<Acquired<H>>) -> Acquired<H> {
    h.until("the caller's end", || caller.is_done()).await;
    caller.await
}

/// Everybody is served, in whatever order they came.
pub(crate) async fn all_served<H: Harness>(h: &H, callers: Vec<Task<Acquired<H>>>) {
    let mut callers = callers;
    while !callers.is_empty() {
        h.until("somebody's end", || callers.iter().any(Task::is_done))
            .await;
        let done: Vec<_> = callers.extract_if(.., |c| c.is_done()).collect();
        for caller in done {
            drop(caller.await.expect("served"));
        }
    }
}

pub(crate) fn is_closed<H: Harness>(acquired: &Acquired<H>) -> bool {
    matches!(acquired, Err(AcquireError::Closed))
}
