//! Rows 6 and 29: whoever is woken is the right one, or passes it on.

mod support;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use nebula_resource::Fairness;
use support::*;

const BOTH: [Fairness; 2] = [Fairness::Bounded, Fairness::Strict];

/// One place, and nothing but waiting for it.
fn one<H: Harness>(h: &H, fairness: Fairness) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        fairness,
        acquire_timeout: Duration::from_secs(600),
        ..h.config()
    }
}

/// The first in line goes between being woken and looking; the object is the second one's.
async fn cancelled_when_woken_by_an_object<H: Harness>(h: H) {
    for fairness in BOTH {
        let script = h.script();
        let pool = h.pool(&script, one(&h, fairness));
        let out = h.get(&pool).await.expect("an object");
        let mut first = Hand::new(pool.acquire_async_owned());
        assert!(first.poll().is_pending());
        let second = h.spawn(h.acquire(&pool));
        h.until("the second", || pool.status().waiting == 2).await;
        drop(out);
        assert_eq!(first.woken(), 1, "{fairness:?}");
        drop(first);
        h.until("the second one's object", || second.is_done())
            .await;
        drop(second.await.expect("what came back"));
        h.nothing_lost(&pool, &script).await;
        assert_eq!(script.made(), 1);
    }
}
on_every_runtime!(
    fault_06_cancelled_when_woken_by_an_object: cancelled_when_woken_by_an_object
);

/// The same with a permit: the second one starts the creation.
async fn cancelled_when_woken_by_a_permit<H: Harness>(h: H) {
    for fairness in BOTH {
        let script = h.script();
        let pool = h.pool(&script, one(&h, fairness));
        let out = h.get(&pool).await.expect("an object");
        let mut first = Hand::new(pool.acquire_async_owned());
        assert!(first.poll().is_pending());
        let second = h.spawn(h.acquire(&pool));
        h.until("the second", || pool.status().waiting == 2).await;
        out.discard();
        assert_eq!(first.woken(), 1, "{fairness:?}");
        drop(first);
        h.until("the second one's object", || second.is_done())
            .await;
        assert_eq!(second.await.expect("a new object").id, 2);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(
    fault_06_cancelled_when_woken_by_a_permit: cancelled_when_woken_by_a_permit
);

/// The same with a new object, made for the first in line.
async fn cancelled_when_its_object_is_made<H: Harness>(h: H) {
    for fairness in BOTH {
        let script = h.script();
        script.next(Callback::Create, [Act::Hang]);
        let config = PoolConfig {
            create_timeout: Duration::from_secs(600),
            ..one(&h, fairness)
        };
        let pool = h.pool(&script, config);
        let mut first = Hand::new(pool.acquire_async_owned());
        assert!(first.poll().is_pending());
        h.until("the creation", || script.inside(Callback::Create) == 1)
            .await;
        let second = h.spawn(h.acquire(&pool));
        h.until("the second", || pool.status().waiting == 2).await;
        let before = first.woken();
        script.heal();
        h.until("the first one's turn", || first.woken() > before)
            .await;
        drop(first);
        h.until("the second one's object", || second.is_done())
            .await;
        assert_eq!(second.await.expect("the first one's object").id, 1);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(
    fault_06_cancelled_when_its_object_is_made: cancelled_when_its_object_is_made
);

/// Everybody but the last goes, each in the instant it is woken: the turn goes through them all.
async fn all_cancelled_but_the_last<H: Harness>(h: H) {
    for fairness in BOTH {
        let script = h.script();
        let pool = h.pool(&script, one(&h, fairness));
        let out = h.get(&pool).await.expect("an object");
        let mut line: Vec<_> = (0..20)
            .map(|_| Hand::new(pool.acquire_async_owned()))
            .collect();
        assert!(line.iter_mut().all(|waiting| waiting.poll().is_pending()));
        drop(out);
        while line.len() > 1 {
            let woken = line.remove(0);
            assert_eq!(woken.woken(), 1, "{} behind it", line.len());
            drop(woken);
        }
        let mut last = line.remove(0);
        assert_eq!(last.woken(), 1);
        let Poll::Ready(served) = last.poll() else {
            panic!("woken for nothing");
        };
        drop(served.expect("what came back"));
        h.nothing_lost(&pool, &script).await;
        assert_eq!(pool.stats().cancelled, 19);
    }
}
on_every_runtime!(fault_06_all_cancelled_but_the_last: all_cancelled_but_the_last);

/// One task polls, another goes on: only that one can be woken to any purpose, and is.
async fn moved_between_tasks<H: Harness>(h: H) {
    for fairness in BOTH {
        let script = h.script();
        let pool = h.pool(&script, one(&h, fairness));
        let out = h.get(&pool).await.expect("an object");
        let mut here = Hand::new(pool.acquire_async_owned());
        assert!(here.poll().is_pending());
        let (mut there, left) = here.moved();
        assert!(there.poll().is_pending());
        drop(out);
        assert_eq!((there.woken(), left.times()), (1, 0), "{fairness:?}");
        let Poll::Ready(served) = there.poll() else {
            panic!("woken for nothing");
        };
        drop(served.expect("what came back"));
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_29_moved_between_tasks: moved_between_tasks);

/// The same with real tasks on the runtime: the first polls it once and hands it on.
async fn handed_to_another_task<H: Harness>(h: H) {
    for drops in [false, true] {
        let script = h.script();
        let pool = h.pool(&script, one(&h, Fairness::Bounded));
        let out = h.get(&pool).await.expect("an object");
        let mut future = Box::pin(pool.acquire_async_owned());
        let first = h.spawn(async move {
            poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
            Some(future)
        });
        h.until("the first task", || first.is_done()).await;
        let mut future = first.await.expect("the future, handed on");
        let polled = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&polled);
        let second = h.spawn(async move {
            let waits = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
            assert!(waits);
            tell.store(true, Ordering::SeqCst);
            if drops {
                return None;
            }
            Some(future.await)
        });
        let behind = h.spawn(h.acquire(&pool));
        let in_line = usize::from(!drops) + 1;
        h.until("both to wait", || {
            polled.load(Ordering::SeqCst) && pool.status().waiting == in_line
        })
        .await;
        drop(out);
        h.until("the second task", || second.is_done()).await;
        drop(second.await);
        h.until("the one behind", || behind.is_done()).await;
        drop(behind.await);
        h.nothing_lost(&pool, &script).await;
        assert_eq!(script.made(), 1);
    }
}
on_every_runtime!(fault_29_handed_to_another_task: handed_to_another_task);

/// At every step of an acquire: while the object is made, recycled, validated. Each time the waker
/// of the last poll counts.
async fn moved_at_every_step<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        validate_after: Some(Duration::ZERO),
        ..one(&h, Fairness::Bounded)
    };
    let pool = h.pool(&script, config);
    for callback in [Callback::Create, Callback::Validate, Callback::Recycle] {
        script.always(callback, Act::Slow(millis(5)));
    }
    // The first time it is made and validated, the second time recycled and validated.
    for _ in 0..2 {
        let mut hand = Hand::new(pool.acquire_async_owned());
        while hand.poll().is_pending() {
            let (moved, left) = hand.moved();
            hand = moved;
            if hand.poll().is_ready() {
                break;
            }
            let before = left.times();
            h.settle("the waker of the last poll", || hand.woken() > 0)
                .await;
            assert_eq!(left.times(), before, "the waker of a poll before");
        }
    }
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 1);
}
on_async_runtimes!(fault_29_moved_at_every_step: moved_at_every_step);
