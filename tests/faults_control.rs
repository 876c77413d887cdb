//! Row 10, cell by cell: what owners do to a pool while callers are in the middle of something. (Rows
//! 9 and 11, the other two about owners, are in `faults_handles.rs`.)
//!
//! What happens when the owner does this (rows) while a caller does that
//! (columns). In every cell nothing is lost and a fresh acquire succeeds, except on a closed pool,
//! where it is refused.
//!
//! |             | waiting in line          | creating                   | validating              | held                       |
//! |-------------|--------------------------|----------------------------|-------------------------|----------------------------|
//! | close       | `Closed`, at once        | `Closed`; the creation is dropped | finishes, gets its object; retired on return | stays valid; retired on return |
//! | pause       | waits on; `Paused` at its deadline | the object is made and kept; handed out by `resume` | finishes, gets its object | stays valid; kept on return |
//! | resume      | served from what came back meanwhile | served with the new object | nothing changes   | nothing changes            |
//! | grow        | served with a new object, at once | one more may be made | nothing changes         | nothing changes            |
//! | shrink      | waits on; asks for too many: `TooMany` | delivered; the surplus goes first | nothing changes | stays valid; surplus is retired on return |
//! | reconfigure | keeps its own deadline   | keeps its own bound        | keeps its own bound     | stays valid                |
//! | retain      | nothing is idle          | nothing is idle            | not asked about         | not asked about            |
//! | clear       | served with what came later | what was begun before is retired; another is made | finishes, gets its object | stays valid; retired on return |

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/stages.rs"]
mod stages;
mod support;

use stages::*;
use support::*;

async fn close_while_waiting<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    drop(pool.close());
    assert!(is_closed::<H>(&ended(&h, caller).await));
    assert_eq!(held.id, 1, "the guard stays valid");
    drop(held);
    closed_for_good(&h, &pool, &script).await;
}
on_every_runtime!(fault_10_close_while_waiting: close_while_waiting);

async fn close_while_creating<H: Harness>(h: H) {
    let (script, pool, caller) = creating(&h).await;
    drop(pool.close());
    assert!(is_closed::<H>(&ended(&h, caller).await));
    h.until("the permit", || pool.audit().permits == 0).await;
    closed_for_good(&h, &pool, &script).await;
}
on_every_runtime!(fault_10_close_while_creating: close_while_creating);

async fn close_while_validating<H: Harness>(h: H) {
    let (script, pool, caller) = validating(&h).await;
    drop(pool.close());
    script.heal();
    let guard = ended(&h, caller).await.expect("it came before the end");
    assert_eq!(guard.id, 1);
    drop(guard);
    closed_for_good(&h, &pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Closed]);
}
on_every_runtime!(fault_10_close_while_validating: close_while_validating);

async fn close_while_held<H: Harness>(h: H) {
    let (script, pool, held) = held(&h).await;
    drop(pool.close());
    assert_eq!((held.id, script.alive()), (1, 1));
    drop(held);
    closed_for_good(&h, &pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Closed]);
}
on_every_runtime!(fault_10_close_while_held: close_while_held);

async fn pause_while_waiting<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    pool.pause();
    drop(held);
    assert_eq!((pool.status().idle, pool.status().waiting), (1, 1));
    assert!(pool.try_acquire().is_none(), "nothing is handed out");
    pool.resume();
    drop(ended(&h, caller).await.expect("resumed"));
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 1);
}
on_every_runtime!(fault_10_pause_and_resume_while_waiting: pause_while_waiting);

async fn paused_until_the_deadline<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    pool.pause();
    drop(held);
    h.advance(Duration::from_secs(30));
    h.settle("the deadline", || caller.is_done()).await;
    let error = caller.await.expect_err("paused all the time");
    let AcquireError::Paused { waited } = error else {
        panic!("{error:?}");
    };
    assert!(waited >= Duration::from_secs(30), "{waited:?}");
    pool.resume();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_pause_until_the_deadline: paused_until_the_deadline);

async fn pause_while_creating<H: Harness>(h: H) {
    let (script, pool, caller) = creating(&h).await;
    pool.pause();
    script.heal();
    h.until("the new object", || pool.status().idle == 1).await;
    assert_eq!(pool.status().waiting, 1, "not handed out");
    pool.resume();
    drop(ended(&h, caller).await.expect("resumed"));
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 1);
}
on_every_runtime!(fault_10_pause_and_resume_while_creating: pause_while_creating);

/// The creation fails while the pool is paused, and a probe is due: it is for `resume` to start it.
async fn pause_while_creations_fail<H: Harness>(h: H) {
    let script = h.script();
    script.always(Callback::Create, Act::Fail);
    let pool = h.pool(&script, one(&h));
    let caller = h.spawn(h.acquire(&pool));
    h.until("a failure", || pool.stats().create_failures > 0)
        .await;
    pool.pause();
    let before = pool.stats().create_failures;
    for _ in 0..100 {
        h.advance(millis(50));
        h.nap().await;
    }
    // One more may have been on its way.
    let tried = pool.stats().create_failures - before;
    assert!(tried <= 1, "{tried} attempts while paused");
    script.heal();
    pool.resume();
    h.settle("the caller's end", || caller.is_done()).await;
    drop(caller.await.expect("resumed, and the backend is well"));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_pause_and_resume_while_creations_fail: pause_while_creations_fail);

async fn pause_while_validating<H: Harness>(h: H) {
    let (script, pool, caller) = validating(&h).await;
    pool.pause();
    script.heal();
    drop(ended(&h, caller).await.expect("it came before the pause"));
    assert!(pool.try_acquire().is_none(), "nothing is handed out");
    pool.resume();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_pause_and_resume_while_validating: pause_while_validating);

async fn pause_while_held<H: Harness>(h: H) {
    let (script, pool, held) = held(&h).await;
    pool.pause();
    drop(held);
    assert_eq!(pool.status().idle, 1);
    pool.resume();
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 1, "kept");
}
on_every_runtime!(fault_10_pause_and_resume_while_held: pause_while_held);

async fn grow_while_waiting<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    pool.resize(2).unwrap();
    let guard = ended(&h, caller).await.expect("room for one more");
    assert_eq!((held.id, guard.id), (1, 2));
    drop((held, guard));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_grow_while_waiting: grow_while_waiting);

async fn grow_while_creating<H: Harness>(h: H) {
    let (script, pool, caller) = creating(&h).await;
    let second = h.spawn(h.acquire(&pool));
    h.until("two in line", || pool.status().waiting == 2).await;
    pool.resize(2).unwrap();
    h.until("another creation", || script.inside(Callback::Create) == 2)
        .await;
    script.heal();
    all_served(&h, vec![caller, second]).await;
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_grow_while_creating: grow_while_creating);

async fn shrink_while_waiting<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 2,
        ..one(&h)
    };
    let pool = h.pool(&script, config);
    let held = (h.get(&pool).await.unwrap(), h.get(&pool).await.unwrap());
    let caller = h.spawn(h.acquire(&pool));
    h.until("a waiter", || pool.status().waiting == 1).await;
    pool.resize(1).unwrap();
    drop(held.0);
    assert_eq!(pool.status().waiting, 1, "that one was surplus");
    drop(held.1);
    let guard = ended(&h, caller).await.expect("that one was not");
    assert_eq!(guard.id, 2);
    drop(guard);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Surplus]);
}
on_every_runtime!(fault_10_shrink_while_waiting: shrink_while_waiting);

async fn shrink_while_creating<H: Harness>(h: H) {
    let script = h.script();
    script.always(Callback::Create, Act::Hang);
    let config = PoolConfig {
        max_size: 2,
        ..one(&h)
    };
    let pool = h.pool(&script, config);
    let callers = [h.spawn(h.acquire(&pool)), h.spawn(h.acquire(&pool))];
    h.until("two creations", || script.inside(Callback::Create) == 2)
        .await;
    pool.resize(1).unwrap();
    script.heal();
    all_served(&h, callers.into()).await;
    h.nothing_lost(&pool, &script).await;
    assert_eq!(pool.status().size, 1);
}
on_every_runtime!(fault_10_shrink_while_creating: shrink_while_creating);

async fn resize_while_validating<H: Harness>(h: H) {
    let (script, pool, caller) = validating(&h).await;
    pool.resize(3).unwrap();
    pool.resize(1).unwrap();
    script.heal();
    drop(ended(&h, caller).await.expect("good"));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_resize_while_validating: resize_while_validating);

/// 10 → 2 → 10 with ten out: never more than ten alive, nor more than two while it is two.
async fn shrink_10_2_10<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 10,
        ..one(&h)
    };
    let pool = h.pool(&script, config);
    let mut guards = Vec::new();
    for _ in 0..10 {
        guards.push(h.get(&pool).await.unwrap());
    }
    pool.resize(2).unwrap();
    assert_eq!(pool.status().size, 10, "no guard is revoked");
    guards.drain(..4).for_each(drop);
    assert_eq!(pool.status().size, 6);
    pool.resize(10).unwrap();
    let callers: Vec<_> = (0..20).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.settle("four more", || pool.status().in_use == 10).await;
    assert_eq!((pool.status().size, script.alive()), (10, 10));
    pool.resize(2).unwrap();
    guards.clear();
    all_served(&h, callers).await;
    assert_eq!(pool.status().size, 2);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_shrink_10_2_10_never_yields_more_than_10: shrink_10_2_10);

async fn reconfigure_while_waiting<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    pool.reconfigure(|c| c.acquire_timeout = millis(1)).unwrap();
    h.advance(Duration::from_secs(1));
    assert!(!caller.is_done(), "it keeps its own deadline");
    drop(held);
    drop(ended(&h, caller).await.expect("in time"));
    pool.reconfigure(|c| c.acquire_timeout = Duration::from_secs(30))
        .unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_10_reconfigure_while_waiting: reconfigure_while_waiting);

async fn reconfigure_while_working<H: Harness>(h: H) {
    for (script, pool, caller) in [creating(&h).await, validating(&h).await] {
        pool.reconfigure(|c| (c.create_timeout, c.validate_timeout) = (millis(1), millis(1)))
            .unwrap();
        h.advance(Duration::from_secs(1));
        script.heal();
        let guard = ended(&h, caller).await.expect("it keeps its own bound");
        assert_eq!((guard.id, script.made()), (1, 1));
        drop(guard);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_10_reconfigure_while_creating_or_validating: reconfigure_while_working);

async fn retain_at_any_time<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    assert_eq!(pool.retain(|_, _| false), 0, "held, not idle");
    drop(held);
    drop(ended(&h, caller).await.expect("served"));
    h.nothing_lost(&pool, &script).await;
    for (script, pool, caller) in [creating(&h).await, validating(&h).await] {
        assert_eq!(pool.retain(|_, _| panic!("nobody is idle")), 0);
        script.heal();
        drop(ended(&h, caller).await.expect("served"));
        assert_eq!(
            pool.retain(|thing, info| thing.id == 1 && info.uses == 0),
            1
        );
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_10_retain_while_waiting_creating_validating_or_held: retain_at_any_time);

async fn clear_while_waiting_and_held<H: Harness>(h: H) {
    let (script, pool, held, caller) = waiting(&h).await;
    pool.clear();
    assert_eq!(held.id, 1, "the guard stays valid");
    drop(held);
    let guard = ended(&h, caller).await.expect("a new one");
    assert_eq!(guard.id, 2);
    drop(guard);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Cleared]);
}
on_every_runtime!(fault_10_clear_while_waiting_and_held: clear_while_waiting_and_held);

async fn clear_while_working<H: Harness>(h: H) {
    for (script, pool, caller) in [creating(&h).await, validating(&h).await] {
        pool.clear();
        script.heal();
        drop(ended(&h, caller).await.expect("served"));
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_10_clear_while_creating_or_validating: clear_while_working);
