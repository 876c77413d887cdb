//! Newcomers against one who waits: how often it may be passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use nebula_resource_core::Fairness;
use nebula_resource_shuttle_tests::{Facade, Payload, Terms, World, draw, one_in};

/// What those who run may know of the one who waits. Std's: no schedule point of its own.
#[derive(Default)]
struct Queue {
    stands: AtomicBool,
    served: AtomicBool,
    passed: AtomicUsize,
}

/// One object, one waiter, and newcomers that begin once it surely stands in line and never wait
/// themselves. Strict: none of them gets the object before the waiter. Bounded: one does at most; and
/// one more where somebody was just putting the object aside when the waiter came, who could not
/// know of it.
pub(crate) fn passed<F: Facade>() {
    let world = World::<F>::plain(Terms::calm(1));
    let Some(pool) = world.pool() else { return };
    let gives_first = one_in(2);
    let most = match pool.core().config().fairness {
        Fairness::Strict => 0,
        _ => 1 + usize::from(gives_first),
    };
    let guard = pool.acquire_blocking(None).unwrap();
    let queue = Arc::<Queue>::default();
    waiter(&world, &queue);
    for _ in 0..=draw(2) {
        newcomer(&world, &queue);
    }
    while !gives_first && !queue.stands.load(Relaxed) {
        shuttle::thread::yield_now();
    }
    drop(guard);
    drop(pool);
    world.join();
    let passed = queue.passed.load(Relaxed);
    assert!(passed <= most, "passed {passed} times, {most} allowed");
    world.finish();
}

fn waiter<F: Facade>(world: &Arc<World<F>>, queue: &Arc<Queue>) {
    let queue = Arc::clone(queue);
    world.task(move |world| async move {
        let Some(pool) = world.pool() else { return };
        let mut asked = Box::pin(pool.acquire(None));
        let guard = std::future::poll_fn(|cx| {
            let step = asked.as_mut().poll(cx);
            // Pending once, it has looked and found nothing: it stands in line.
            queue.stands.store(true, Relaxed);
            step
        });
        let guard = guard.await.unwrap();
        queue.served.store(true, Relaxed);
        guard.thing().seize();
        guard.thing().yield_up();
    });
}

fn newcomer<F: Facade>(world: &Arc<World<F>>, queue: &Arc<Queue>) {
    let queue = Arc::clone(queue);
    world.thread(move |world| {
        let Some(pool) = world.pool() else { return };
        while !queue.stands.load(Relaxed) {
            shuttle::thread::yield_now();
        }
        for _ in 0..6 {
            let Some(guard) = pool.core().try_acquire() else {
                continue;
            };
            if !queue.served.load(Relaxed) {
                queue.passed.fetch_add(1, Relaxed);
            }
            guard.thing().seize();
            guard.thing().yield_up();
        }
    });
}
