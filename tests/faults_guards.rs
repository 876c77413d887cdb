//! Rows 7 and 8: guards that are dropped in odd places, and guards that are never dropped.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use nebula_resource::ObjectState;
use support::*;

fn one<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        ..h.config()
    }
}

/// On a thread that knows no runtime: the object comes back, and serves who waits for it.
async fn dropped_on_another_thread<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    let guard = h.get(&pool).await.expect("an object");
    let waiting = h.spawn(h.acquire(&pool));
    h.until("the waiter", || pool.status().waiting == 1).await;
    thread::spawn(move || drop(guard))
        .join()
        .expect("no panic in the drop");
    h.until("the waiter's object", || waiting.is_done()).await;
    assert_eq!(waiting.await.expect("what came back").id, 1);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 1);
}
on_every_runtime!(fault_07_dropped_on_another_thread: dropped_on_another_thread);

/// Its holder panics: nobody knows what state the object is in.
async fn dropped_during_unwind<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    let guard = h.get(&pool).await.expect("an object");
    let waiting = h.spawn(h.acquire(&pool));
    h.until("the waiter", || pool.status().waiting == 1).await;
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _held = guard;
        panic!("the holder panics");
    }));
    assert!(unwound.is_err());
    assert_eq!(
        script.calls(Callback::IsBroken),
        0,
        "user code while unwinding"
    );
    h.settle("the waiter's object", || waiting.is_done()).await;
    assert_eq!(waiting.await.expect("a new object").id, 2);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Tainted]);
}
on_every_runtime!(fault_07_dropped_during_unwind: dropped_during_unwind);

/// The same where the panic ends a task or a thread.
async fn dropped_by_a_task_that_panics<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    let acquire = h.acquire(&pool);
    let task = h.spawn(async move {
        let _held = acquire.await.expect("an object");
        panic!("the task panics");
    });
    h.settle("the task", || task.is_done()).await;
    let unwound = h.get(&pool).await.expect("a new object");
    assert_eq!(unwound.id, 2);
    drop(unwound);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Tainted]);
}
on_every_runtime!(fault_07_dropped_by_a_task_that_panics: dropped_by_a_task_that_panics);

/// An object that holds a guard of its own pool: destroying the one returns the other, wherever
/// destructors run, and nothing waits for itself.
async fn dropped_inside_a_drop_of_the_object<H: Harness>(h: H) {
    for hard in [false, true] {
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let mut outer = h.get(&pool).await.expect("an object");
        let inner = h.get(&pool).await.expect("another object");
        let id = inner.id;
        outer.burden = Some(Box::new(inner));
        if hard {
            // Destroyed by a destructor rather than by `destroy`, which never answers.
            script.next(Callback::Destroy, [Act::Hang]);
        }
        outer.discard();
        if hard {
            h.settle("the end of patience", || pool.stats().destroyed == 1)
                .await;
            script.heal();
        }
        h.settle("the guard inside", || pool.status().idle == 1)
            .await;
        let again = h.get(&pool).await.expect("what was inside");
        assert_eq!(again.id, id);
        drop(again);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(
    fault_07_dropped_inside_a_drop_of_the_object: dropped_inside_a_drop_of_the_object
);

/// A holder whose own destructor runs because somebody else panics.
async fn dropped_inside_a_drop_during_unwind<H: Harness>(h: H) {
    struct Holder<G>(Option<G>);
    impl<G> Drop for Holder<G> {
        fn drop(&mut self) {
            drop(self.0.take());
        }
    }
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.expect("an object");
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _holder = Holder(Some(guard));
        panic!("somebody panics");
    }));
    assert!(unwound.is_err());
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Tainted]);
}
on_every_runtime!(
    fault_07_dropped_inside_a_drop_during_unwind: dropped_inside_a_drop_during_unwind
);

/// A destructor of the user's that panics is the object's end, and nothing else's.
async fn the_object_panics_when_dropped<H: Harness>(h: H) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor panics");
        }
    }
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let mut guard = h.get(&pool).await.expect("an object");
    guard.burden = Some(Box::new(Bomb));
    guard.discard();
    h.settle("the burial", || pool.stats().destroyed == 1).await;
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_07_the_object_panics_when_dropped: the_object_panics_when_dropped);

/// The runtime that the object came from is gone altogether. Returning needs none, and neither
/// does taking what was returned.
#[cfg(feature = "tokio")]
mod fault_07_dropped_outside_any_runtime {
    use nebula_resource_core::park;

    use crate::support::*;

    #[test]
    fn tokio() {
        let h = OnTokio::start();
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (healthy, broken) = runtime.block_on(async {
            let guards = pool.acquire_many(2).await.expect("two objects");
            drop(guards);
            let get = || async { pool.acquire_owned().await.expect("an object") };
            (get().await, get().await)
        });
        let id = healthy.id;
        drop(runtime);
        drop((healthy, broken));
        assert_eq!(pool.status().idle, 2);
        let again = park::block_on(pool.acquire()).expect("what came back");
        assert!(again.id == id || again.id == 3 - id);
        drop(again);
        h.block_on(h.nothing_lost(&pool, &script));
    }

    /// The same with the very runtime that the pool runs on: what can no longer be said goodbye to
    /// is dropped, and the books balance.
    #[test]
    fn tokio_of_the_pool() {
        let h = InThreads::start();
        let script = h.script();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let pool = runtime.block_on(async {
            nebula_resource::Pool::builder(script.clone())
                .config(h.config())
                .build()
                .expect("a valid configuration")
        });
        let guards = runtime.block_on(async {
            let get = || async { pool.acquire_owned().await.expect("an object") };
            (get().await, get().await)
        });
        drop(runtime);
        guards.0.discard();
        drop(guards.1);
        let again = park::block_on(pool.acquire()).expect("what came back");
        assert!(pool.audit().balanced(), "{:?}", pool.audit());
        drop(again);
        park::block_on(h.until("the end of the other", || script.alive() == 1));
        assert!(pool.audit().balanced(), "{:?}", pool.audit());
    }
}

/// The object is in use for ever, is reported once, and costs the others nothing but itself.
async fn forgotten<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        leak_after: Some(Duration::from_secs(5)),
        maintenance_every: Duration::from_secs(1),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let guard = h.get(&pool).await.expect("an object");
    let leak = Told::Leaked(guard.info().id);
    std::mem::forget(guard);
    h.advance(Duration::from_secs(3));
    let others = h.get(&pool).await.expect("the other object");
    assert!(!script.told().contains(&leak), "reported too early");
    drop(others);
    h.settle("the report", || script.told().contains(&leak))
        .await;
    h.advance(Duration::from_secs(30));
    assert_eq!(pool.status().in_use, 1);
    let held = pool.objects();
    let held = held.iter().find(|o| o.state == ObjectState::InUse);
    let at = held.and_then(|object| object.taken_at).expect("a place");
    assert!(at.file().contains("tests"), "taken at {at}");
    h.nothing_lost(&pool, &script).await;
    let reports = script.told().iter().filter(|told| **told == leak).count();
    assert_eq!(reports, 1, "once each time it is taken");
    let audit = pool.audit();
    assert_eq!((audit.out, audit.permits), (1, pool.status().size));
}
on_every_runtime!(fault_08_forgotten: forgotten);

/// With nothing left over, callers are told who holds it, and a larger pool helps at once.
async fn all_forgotten<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    std::mem::forget(h.get(&pool).await.expect("an object"));
    let error = h.get(&pool).await.expect_err("nothing is left");
    let AcquireError::TimedOut(report) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(report.stage, Stage::Waiting);
    assert_eq!(report.status.in_use, 1);
    assert!(report.oldest_holder.is_some());
    let waiting = h.spawn(h.acquire(&pool));
    h.until("the waiter", || pool.status().waiting == 1).await;
    pool.resize(2).expect("a valid size");
    h.settle("the waiter's object", || waiting.is_done()).await;
    drop(waiting.await.expect("another object"));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_08_all_forgotten: all_forgotten);

/// Closing does not wait for it for ever, and tears down all the rest.
async fn forgotten_and_closed<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    h.stock(&pool, 2).await;
    let guard = h.get(&pool).await.expect("an object");
    let tag = Arc::new(());
    let mut guard = guard;
    guard.burden = Some(Box::new(Arc::clone(&tag)));
    std::mem::forget(guard);
    drop(pool.close());
    h.settle("the burial of the other", || pool.stats().destroyed == 1)
        .await;
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
    assert_eq!((audit.out, audit.permits), (1, 1));
    assert_eq!(
        Arc::strong_count(&tag),
        2,
        "the holder's object is the holder's"
    );
    let closed = h.get(&pool).await;
    assert!(matches!(closed, Err(AcquireError::Closed)));
}
on_every_runtime!(fault_08_forgotten_and_closed: forgotten_and_closed);

/// The blocking release has recycled the object when it returns.
#[test]
fn released_by_a_thread_it_is_recycled_at_once() {
    let h = OnBlocking::start();
    h.block_on(async {
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let guard = h.get(&pool).await.unwrap();
        guard.release_blocking();
        assert_eq!(script.calls(Callback::Recycle), 1);
        assert_eq!(pool.status().idle, 1);
        drop(h.get(&pool).await.unwrap());
        assert_eq!(script.calls(Callback::Recycle), 1, "and not once more");
        h.nothing_lost(&pool, &script).await;
    });
}

#[test]
fn a_guard_knows_how_long_it_has_been_out() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let guard = h.get(&pool).await.unwrap();
        let before = guard.held_for();
        assert!(before < millis(250), "{before:?}");
        h.advance(Duration::from_secs(7));
        assert_eq!(guard.held_for() - before, Duration::from_secs(7));
        drop(guard);
        h.nothing_lost(&pool, &script).await;
    });
}
