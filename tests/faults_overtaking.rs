//! Row 17, step by step: who may overtake whom, with callers polled by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::task::Poll;

use nebula_resource::Fairness;
use support::*;

/// The only object is out and a waiter parked; it comes back, and a newcomer takes it before the
/// woken waiter has looked. That was its one loss: the next time it is served before anybody.
async fn loses_once<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h, Fairness::Bounded));
    let held = h.get(&pool).await.expect("the only object");
    let mut waiter = Hand::new(parked(&pool));
    assert!(waiter.poll().is_pending());
    drop(held);
    assert_eq!(waiter.woken(), 1);
    let newcomer = pool.try_acquire_owned().expect("bounded overtaking");
    assert!(waiter.poll().is_pending(), "lost");
    drop(newcomer);
    assert_eq!(waiter.woken(), 2);
    assert!(pool.try_acquire().is_none(), "it is the waiter's");
    let mut latecomer = Hand::new(pool.acquire_async_owned());
    assert!(latecomer.poll().is_pending(), "it is the waiter's");
    let Poll::Ready(Ok(guard)) = waiter.poll() else {
        panic!("a waiter loses at most once");
    };
    drop(guard);
    assert!(latecomer.poll().is_ready(), "its turn now");
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_17_bounded_a_waiter_loses_at_most_once: loses_once);

/// However late it looks: what comes back after its one loss is its own.
async fn loses_once_unawares<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h, Fairness::Bounded));
    let held = h.get(&pool).await.expect("the only object");
    let mut waiter = Hand::new(parked(&pool));
    assert!(waiter.poll().is_pending());
    drop(held);
    let overtaken = (0..100).filter(|_| pool.try_acquire().is_some()).count();
    assert_eq!(overtaken, 1);
    assert!(waiter.poll().is_ready());
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_17_bounded_a_thread_is_overtaken_once: loses_once_unawares);

/// A task needs no context switch to use what it is handed, so it is handed it at once, and nobody passes.
async fn tasks_are_not_passed<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h, Fairness::Bounded));
    let held = h.get(&pool).await.expect("the only object");
    let mut waiters = [
        Hand::new(pool.acquire_async_owned()),
        Hand::new(pool.acquire_async_owned()),
    ];
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    drop(held);
    assert_eq!((waiters[0].woken(), waiters[1].woken()), (1, 0));
    assert!(pool.try_acquire().is_none(), "it is the first one's");
    let [mut first, mut second] = waiters;
    let Poll::Ready(Ok(guard)) = first.poll() else {
        panic!("it was handed the object");
    };
    drop(guard);
    assert!(pool.try_acquire().is_none(), "it is the second one's");
    assert!(second.poll().is_ready());
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_17_bounded_a_task_is_not_overtaken: tasks_are_not_passed);

/// A thread that was woken is before the task behind it, which is handed the next object.
async fn a_thread_and_a_task<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 2,
        ..one_object(&h, Fairness::Bounded)
    };
    let pool = h.pool(&script, config);
    let (one, two) = (h.get(&pool).await.unwrap(), h.get(&pool).await.unwrap());
    let mut thread = Hand::new(parked(&pool));
    let mut task = Hand::new(pool.acquire_async_owned());
    assert!(thread.poll().is_pending() && task.poll().is_pending());
    drop(one);
    assert_eq!((thread.woken(), task.woken()), (1, 0));
    drop(two);
    assert_eq!((thread.woken(), task.woken()), (1, 1));
    let newcomer = pool
        .try_acquire_owned()
        .expect("what the thread was woken for");
    assert!(pool.try_acquire().is_none(), "the other is the task's");
    assert!(thread.poll().is_pending(), "lost");
    let Poll::Ready(Ok(guard)) = task.poll() else {
        panic!("it was handed the object");
    };
    drop(newcomer);
    assert!(thread.poll().is_ready());
    drop(guard);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_17_bounded_a_thread_races_before_a_task: a_thread_and_a_task);

/// While one who lost waits, objects are handed over in order, and newcomers get none.
async fn one_who_lost_bars_newcomers<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 2,
        ..one_object(&h, Fairness::Bounded)
    };
    let pool = h.pool(&script, config);
    let (one, two) = (h.get(&pool).await.unwrap(), h.get(&pool).await.unwrap());
    let mut waiters = [Hand::new(parked(&pool)), Hand::new(parked(&pool))];
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    drop(one);
    let newcomer = pool.try_acquire_owned().expect("bounded overtaking");
    assert!(waiters[0].poll().is_pending(), "lost");
    drop(two);
    assert_eq!((waiters[0].woken(), waiters[1].woken()), (2, 0));
    assert!(pool.try_acquire().is_none());
    drop(newcomer);
    assert_eq!(waiters[1].woken(), 1, "the second in line");
    let [first, second] = waiters.map(|mut waiter| waiter.poll());
    assert!(first.is_ready() && second.is_ready());
    drop((first, second));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_17_bounded_one_who_lost_bars_newcomers: one_who_lost_bars_newcomers);

async fn strict_bars_newcomers<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h, Fairness::Strict));
    let held = h.get(&pool).await.expect("the only object");
    let mut waiter = Hand::new(pool.acquire_async_owned());
    assert!(waiter.poll().is_pending());
    drop(held);
    assert!(pool.try_acquire().is_none(), "nobody overtakes");
    assert!(waiter.poll().is_ready());
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_17_strict_bars_newcomers: strict_bars_newcomers);
