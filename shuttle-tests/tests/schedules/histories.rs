//! What callers saw, written down and measured by the sequential pool of `proofs/histories`: each
//! answer is one that a pool could give which does one thing at a time, and nobody was overtaken
//! more often than promised.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use nebula_resource_core::{AcquireError, Fairness, Guard, Home};
use nebula_resource_histories::fairness::{self, Policy};
use nebula_resource_histories::{Call, Log, Recorder, Reply, Spec, Ticket, check};
use nebula_resource_shuttle_tests::{Facade, Payload, Terms, World, draw, one_in};

/// Tells a wake-up from a poll that nobody asked for.
struct Bell {
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Relaxed);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        waker.iter().for_each(Waker::wake_by_ref);
    }
}

/// Polls `future` when it was woken and only then, and writes down when it was seen to wait.
async fn watched<A: Future>(future: A, log: &mut Log, call: &Ticket) -> A::Output {
    let mut future = pin!(future);
    let bell = Arc::new(Bell {
        rung: AtomicBool::new(true),
        waker: Mutex::default(),
    });
    let woken = Waker::from(Arc::clone(&bell));
    poll_fn(|cx| {
        let mut waker = bell.waker.lock().unwrap_or_else(PoisonError::into_inner);
        *waker = Some(cx.waker().clone());
        drop(waker);
        if bell.rung.swap(false, Relaxed) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&woken)) {
                return Poll::Ready(output);
            }
            log.looked(call);
        }
        Poll::Pending
    })
    .await
}

fn reply<F: Facade, H: Home<F::Driver>>(got: &Result<Guard<F::Driver, H>, AcquireError>) -> Reply {
    match got {
        Ok(guard) => Reply::Got(guard.thing().number()),
        Err(AcquireError::Closed) => Reply::Closed,
        Err(error) => panic!("nothing else can happen here: {error}"),
    }
}

/// Parts with a guard, in one of the ways that `ends` counts: give back, discard, detach.
fn part<F: Facade, H: Home<F::Driver>>(log: &mut Log, guard: Guard<F::Driver, H>, ends: usize) {
    let number = guard.thing().number();
    let done = |_: &()| Reply::Done;
    match draw(ends) {
        0 | 1 => log.record(Call::Release(number), || drop(guard), done),
        2 => log.record(Call::Discard(number), || guard.discard(), done),
        _ => log.record(Call::Detach(number), || drop(guard.detach()), done),
    }
}

/// A task that asks, and may leave again.
async fn visit<F: Facade>(world: &World<F>, log: &mut Log, may_leave: bool, ends: usize) {
    let Some(pool) = world.pool() else { return };
    let patience = if may_leave && one_in(3) {
        1 + draw(8)
    } else {
        usize::MAX
    };
    let call = log.call(Call::Acquire);
    let mut asked = Box::pin(watched(pool.acquire(None), log, &call));
    let mut polls = 0;
    let got = poll_fn(|cx| {
        polls += 1;
        if polls > patience {
            return Poll::Ready(None);
        }
        if patience < usize::MAX {
            cx.waker().wake_by_ref();
        }
        asked.as_mut().poll(cx).map(Some)
    });
    let got = got.await;
    drop(asked);
    match got {
        None => log.reply(call, Reply::Cancelled),
        Some(got) => {
            log.reply(call, reply::<F, _>(&got));
            if let Ok(guard) = got {
                shuttle::future::yield_now().await;
                part::<F, _>(log, guard, ends);
            }
        }
    }
}

/// A thread that asks, at either door.
fn visit_blocking<F: Facade>(world: &World<F>, log: &mut Log, ends: usize) {
    let Some(pool) = world.pool() else { return };
    let guard = if one_in(3) {
        log.record(
            Call::TryAcquire,
            || pool.core().try_acquire(),
            |got| {
                let number = got.as_ref().map(|guard| guard.thing().number());
                number.map_or(Reply::Nothing, Reply::Got)
            },
        )
    } else {
        let got = log.record(Call::Acquire, || pool.acquire_blocking(None), reply::<F, _>);
        got.ok()
    };
    if let Some(guard) = guard {
        shuttle::thread::yield_now();
        part::<F, _>(log, guard, ends);
    }
}

fn callers<F: Facade>(
    world: &Arc<World<F>>,
    recorder: &Recorder,
    count: usize,
    may_leave: bool,
    ends: usize,
) {
    for _ in 0..count {
        let (mut log, visits) = (recorder.log(), 1 + draw(3));
        if one_in(2) {
            world.task(move |world| async move {
                for _ in 0..visits {
                    visit(&world, &mut log, may_leave, ends).await;
                }
            });
        } else {
            world.thread(move |world| {
                for _ in 0..visits {
                    visit_blocking(world, &mut log, ends);
                }
            });
        }
    }
}

/// An owner whose deeds are written down too.
fn owner<F: Facade>(world: &Arc<World<F>>, recorder: &Recorder) {
    let (mut log, deeds) = (recorder.log(), 1 + draw(3));
    world.thread(move |world| {
        let Some(pool) = world.pool() else { return };
        let pool = pool.core();
        for _ in 0..deeds {
            match draw(5) {
                0 => log.record(Call::Close, || drop(pool.close()), |()| Reply::Done),
                1 => {
                    log.record(Call::Pause, || pool.pause(), |did| Reply::Changed(*did));
                    shuttle::thread::yield_now();
                    log.record(Call::Resume, || pool.resume(), |did| Reply::Changed(*did));
                }
                _ => {
                    let size = 1 + draw(3);
                    let resized =
                        log.record(Call::Resize(size), || pool.resize(size), |_| Reply::Done);
                    assert!(resized.is_ok());
                }
            }
        }
    });
}

/// Acquiring, leaving, giving back, discarding, detaching, resizing, pausing, closing: explained by a
/// pool that does one thing at a time.
pub(crate) fn explained<F: Facade>() {
    let limit = 1 + draw(3);
    let world = World::<F>::plain(Terms::calm(limit));
    let recorder = Recorder::new();
    let Some(pool) = world.pool() else { return };
    let spec = Spec {
        limit,
        creates_at_once: pool.core().config().max_concurrent_creates,
        checks_wait: F::RECYCLES_ELSEWHERE,
        rounds: world.has_background(),
    };
    drop(pool);
    callers(&world, &recorder, 2 + draw(3), true, 4);
    owner(&world, &recorder);
    world.join();
    if let Err(fault) = check(&recorder.history(), &spec) {
        panic!("{fault}");
    }
    world.finish();
}

/// Every object is out; those who wait for one, and those who come later, are served in the order
/// that the fairness in force promises.
pub(crate) fn in_order<F: Facade>() {
    let limit = 1 + draw(2);
    let world = World::<F>::plain(Terms::calm(limit));
    let recorder = Recorder::new();
    let Some(pool) = world.pool() else { return };
    let policy = match pool.core().config().fairness {
        Fairness::Strict => Policy::Strict,
        _ => Policy::Bounded,
    };
    let mut log = recorder.log();
    let held: Vec<_> = (0..limit)
        .map(|_| log.record(Call::Acquire, || pool.acquire_blocking(None), reply::<F, _>))
        .collect();
    callers(&world, &recorder, 3 + draw(3), false, 1);
    for guard in held {
        shuttle::thread::yield_now();
        part::<F, _>(&mut log, guard.unwrap(), 1);
    }
    drop((log, pool));
    world.join();
    if let Err(overtaken) = fairness::check(&recorder.history(), policy) {
        panic!("{overtaken}");
    }
    world.finish();
}
