//! A caller: takes an object in one of all possible ways, uses it, lets it go in one of all possible
//! ways, and may change its mind at every moment.
//!
//! Decides nothing: the step says what to do. Knows nothing of who else is there.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::FutureExt;
use nebula_resource::AcquireError;
use nebula_resource::clock::Clock;
use nebula_resource::engine::{BorrowedGuard, CountedGuard, Guard};
use nebula_resource_core::Home;

use super::arena::{Arena, Play};
use super::owner;
use super::plan::{Cancel, End, Step, Use, Way};
use super::tally::{Door, Outcome};
use super::workshop::panic_as_planned;

/// What a caller got.
enum Catch<'a, D: Play> {
    Borrowed(BorrowedGuard<'a, D>),
    Counted(CountedGuard<D>),
    Several(Vec<BorrowedGuard<'a, D>>),
}

/// Does one step.
pub(crate) async fn play<D: Play>(arena: &Arena<D>, step: &Step, door: Door) {
    if let Some(deed) = step.meddle {
        owner::perform(arena, deed, door == Door::Blocking).await;
    }
    let catch = take(arena, step, door).await;
    let outcome = catch.as_ref().map_or_else(|why| *why, |_| Outcome::Served);
    arena.tally.acquired(door, step.way, outcome);
    match catch {
        Ok(catch) => enjoy(arena, catch, step, door).await,
        // Whatever went wrong, the next one hardly does better at once.
        Err(_) => pause(step.rest.max(Duration::from_micros(50)), door).await,
    }
    if step.rest > Duration::ZERO {
        pause(step.rest, door).await;
    }
}

async fn take<'a, D: Play>(
    arena: &'a Arena<D>,
    step: &Step,
    door: Door,
) -> Result<Catch<'a, D>, Outcome> {
    let pool = &arena.pool;
    match step.way {
        Way::Try => {
            return pool
                .try_acquire()
                .map(Catch::Borrowed)
                .ok_or(Outcome::Nothing);
        }
        Way::TryOwned => {
            let guard = pool.try_acquire_owned();
            return guard.map(Catch::Counted).ok_or(Outcome::Nothing);
        }
        _ if door == Door::Blocking => {
            return take_blocking(arena, step).map_err(|error| Outcome::from(&error));
        }
        _ => {}
    }
    let cancel = step.cancel;
    match step.way {
        Way::Timeout(span) => fickle(pool.acquire_async_timeout(span), cancel)
            .await
            .map(Catch::Borrowed),
        Way::Deadline(span) => {
            let deadline = Instant::now() + span;
            let acquire = pool.acquire_async_deadline(deadline);
            fickle(acquire, cancel).await.map(Catch::Borrowed)
        }
        Way::Many(count) => fickle(pool.acquire_async_many(count), cancel)
            .await
            .map(Catch::Several),
        Way::PatientOwned => fickle(pool.acquire_async_owned(), cancel)
            .await
            .map(Catch::Counted),
        _ => fickle(pool.acquire_async(), cancel)
            .await
            .map(Catch::Borrowed),
    }
}

fn take_blocking<'a, D: Play>(
    arena: &'a Arena<D>,
    step: &Step,
) -> Result<Catch<'a, D>, AcquireError> {
    let pool = &arena.pool;
    match step.way {
        Way::Timeout(span) => pool.acquire_blocking_timeout(span).map(Catch::Borrowed),
        Way::Deadline(span) => pool
            .acquire_blocking_deadline(Instant::now() + span)
            .map(Catch::Borrowed),
        Way::Many(count) => pool.acquire_blocking_many(count).map(Catch::Several),
        Way::PatientOwned => pool.acquire_blocking_owned().map(Catch::Counted),
        _ => pool.acquire_blocking().map(Catch::Borrowed),
    }
}

async fn enjoy<D: Play>(arena: &Arena<D>, catch: Catch<'_, D>, step: &Step, door: Door) {
    arena.tally.ended(step.end);
    if matches!(step.end, End::Panic) {
        let panicking = async {
            // Owned here, so that unwinding drops it.
            let catch = catch;
            use_up(arena, &catch, step, door).await;
            panic_as_planned()
        };
        // The panic is the plan.
        let _planned: Result<(), _> = AssertUnwindSafe(panicking).catch_unwind().await;
        return;
    }
    let mut catch = catch;
    play_with(&mut catch);
    use_up(arena, &catch, step, door).await;
    match catch {
        Catch::Borrowed(guard) => let_go(guard, step.end, door).await,
        Catch::Counted(guard) if matches!(step.end, End::HandOver) => arena.leave_in_drawer(guard),
        Catch::Counted(guard) => let_go(guard, step.end, door).await,
        Catch::Several(guards) => {
            for guard in guards {
                let_go(guard, step.end, door).await;
            }
        }
    }
}

fn play_with<D: Play>(catch: &mut Catch<'_, D>) {
    match catch {
        Catch::Borrowed(guard) => D::toy_mut(guard).play(),
        Catch::Counted(guard) => D::toy_mut(guard).play(),
        Catch::Several(guards) => guards.iter_mut().for_each(|guard| D::toy_mut(guard).play()),
    }
}

/// Has the objects to itself for a while, and says so.
async fn use_up<D: Play>(arena: &Arena<D>, catch: &Catch<'_, D>, step: &Step, door: Door) {
    let holding: Vec<_> = match catch {
        Catch::Borrowed(guard) => vec![D::toy(guard).hold()],
        Catch::Counted(guard) => vec![D::toy(guard).hold()],
        Catch::Several(guards) => guards.iter().map(|guard| D::toy(guard).hold()).collect(),
    };
    match step.using {
        Use::Brief => {}
        Use::Yields(times) => {
            for _ in 0..times {
                give_way(door).await;
            }
        }
        Use::Nap(span) => pause(span, door).await,
        Use::Nested(span) => {
            let second = if door == Door::Blocking {
                arena.pool.acquire_blocking_timeout(span)
            } else {
                arena.pool.acquire_async_timeout(span).await
            };
            if let Ok(guard) = second {
                drop(D::toy(&guard).hold());
            }
        }
    }
    drop(holding);
}

async fn let_go<D: Play, H: Home<D>>(guard: Guard<D, H>, end: End, door: Door) {
    match end {
        End::Release if door == Door::Blocking => guard.release_blocking(),
        End::Release => guard.release().await,
        End::ReleaseDropped(polls) => polled_at_most(guard.release(), polls).await,
        End::Detach => drop(guard.detach()),
        End::Discard => guard.discard(),
        End::Drop | End::Panic | End::HandOver => drop(guard),
    }
}

pub(crate) async fn pause(span: Duration, door: Door) {
    if door == Door::Blocking {
        thread::sleep(span);
    } else {
        Clock::system().sleep(span).await;
    }
}

async fn give_way(door: Door) {
    if door == Door::Blocking {
        thread::yield_now();
    } else {
        smol::future::yield_now().await;
    }
}

/// Polls `future` at most so many times, whether or not it is woken, and drops it.
async fn polled_at_most(future: impl Future<Output = ()>, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if futures::poll!(future.as_mut()).is_ready() {
            return;
        }
        smol::future::yield_now().await;
    }
}

/// Runs `acquire` until it ends, or until the caller changes its mind.
async fn fickle<T>(
    acquire: impl Future<Output = Result<T, AcquireError>>,
    cancel: Cancel,
) -> Result<T, Outcome> {
    match unless_cancelled(acquire, cancel).await {
        Some(Ok(caught)) => Ok(caught),
        Some(Err(error)) => Err(Outcome::from(&error)),
        None => Err(Outcome::Cancelled),
    }
}

/// Runs `future` until it ends, or until `cancel` says to drop it.
pub(crate) async fn unless_cancelled<F: Future>(future: F, cancel: Cancel) -> Option<F::Output> {
    let mut future = pin!(future);
    match cancel {
        Cancel::Never => Some(future.await),
        Cancel::AfterPolls(most) => {
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                ended_or(future.as_mut().poll(cx), polls >= most)
            })
            .await
        }
        Cancel::AfterRestlessPolls(most) => {
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                ended_or(future.as_mut().poll(cx), polls >= most)
            })
            .await
        }
        Cancel::WhenWoken => unless_woken(future).await,
        Cancel::After(span) => {
            let sleep = pin!(Clock::system().sleep(span));
            match futures::future::select(future, sleep).await {
                futures::future::Either::Left((output, _)) => Some(output),
                futures::future::Either::Right(_) => None,
            }
        }
    }
}

fn ended_or<T>(poll: Poll<T>, enough: bool) -> Poll<Option<T>> {
    match poll {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if enough => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    }
}

/// Polls once; woken, it does not look what for.
async fn unless_woken<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let alarm = Arc::new(Alarm::default());
    let mut begun = false;
    poll_fn(|cx| {
        if begun {
            return if alarm.raised.load(Ordering::Acquire) {
                Poll::Ready(None)
            } else {
                Poll::Pending
            };
        }
        begun = true;
        alarm.outer.register(cx.waker());
        let waker = Waker::from(Arc::clone(&alarm));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        polled.map(Some)
    })
    .await
}

#[derive(Default)]
struct Alarm {
    raised: AtomicBool,
    outer: futures::task::AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.raised.store(true, Ordering::Release);
        self.outer.wake();
    }
}
