//! Those who ask and do not wait: how an acquire is cancelled, and what counts as cancelled.
//!
//! An acquire counts as cancelled when its future was dropped after it had been polled and had not
//! answered, or when its time was up while it waited. One that was served first is served,
//! whatever was intended.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use nebula_resource::AcquireError;
use nebula_resource::engine::{Driver, Guard, Pool};
use nebula_resource_core::Home;
use smol::future::yield_now;

use super::drops::OneDrop;
use crate::dice::Dice;

/// What came of the acquires of one kind.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Dropped before it was woken.
    pub(crate) dropped: AtomicU64,
    /// Dropped after it was woken, before it looked.
    pub(crate) dropped_woken: AtomicU64,
    pub(crate) timed_out: AtomicU64,
    pub(crate) served: AtomicU64,
    /// Nothing fails here: neither factories nor configurations.
    pub(crate) failed: AtomicU64,
}

impl Counts {
    pub(crate) fn cancelled(&self) -> u64 {
        [&self.dropped, &self.dropped_woken, &self.timed_out]
            .map(|count| count.load(Ordering::Relaxed))
            .iter()
            .sum()
    }

    pub(crate) fn one(&self, count: &AtomicU64) {
        // Each has one writer; others only read.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(crate) fn answered<D: Wet, H: Home<D>>(
        &self,
        answer: Result<Guard<D, H>, AcquireError>,
        spoil: bool,
    ) {
        match answer {
            Ok(guard) => {
                self.one(&self.served);
                use_it(guard, spoil);
            }
            Err(AcquireError::TimedOut(_)) => self.one(&self.timed_out),
            Err(_) => self.one(&self.failed),
        }
    }
}

/// A pool of drops, whichever facade made it.
pub(crate) trait Wet: Driver<Object = OneDrop> {}

impl<D: Driver<Object = OneDrop>> Wet for D {}

/// Spoilt, it is to be replaced: then there are creations to be cancelled, too.
pub(crate) fn use_it<D: Wet, H: Home<D>>(guard: Guard<D, H>, spoil: bool) {
    guard.pick_up();
    guard.put_down();
    if spoil {
        guard.discard();
    }
}

/// Long enough to be no reason to give up.
const LONG: Duration = Duration::from_secs(600);

/// Asks and does not wait, until it is told to stop.
pub(crate) async fn cancel_again_and_again<D: Wet>(
    pool: &Pool<D>,
    mut dice: Dice,
    counts: &Counts,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        // One who holds what others, or itself, wait for.
        let held = if dice.one_in(2) {
            pool.try_acquire()
        } else {
            None
        };
        let spoil = dice.one_in(64);
        match dice.below(8) {
            0 => {
                let several = async {
                    let guards = pool.acquire_async_many(2).await?;
                    let mut guards = guards.into_iter();
                    let first = guards.next();
                    guards.for_each(|guard| use_it(guard, false));
                    first.ok_or(AcquireError::Closed)
                };
                give_up(several, held, &mut dice, counts, spoil).await;
            }
            1 => give_up(pool.acquire_async_owned(), held, &mut dice, counts, spoil).await,
            2 => {
                let soon = dice.micros(200);
                let acquire = pool.acquire_async_timeout(if dice.one_in(8) { soon } else { LONG });
                give_up(acquire, held, &mut dice, counts, spoil).await;
            }
            _ => give_up(pool.acquire_async(), held, &mut dice, counts, spoil).await,
        }
        if dice.one_in(16) {
            yield_now().await;
        }
    }
}

/// Polls `acquire` now and then, and drops it.
async fn give_up<D: Wet, H: Home<D>, B: Home<D>>(
    acquire: impl Future<Output = Result<Guard<D, H>, AcquireError>>,
    held: Option<Guard<D, B>>,
    dice: &mut Dice,
    counts: &Counts,
    spoil: bool,
) {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut acquire = pin!(acquire);
    let mut answer = acquire.as_mut().poll(&mut Context::from_waker(&waker));
    // What it waits for comes back, in half of the cases: then it may be woken just now.
    let kept = if dice.one_in(2) { held } else { None };
    if dice.one_in(3) {
        for _ in 0..32 {
            if answer.is_ready() || bell.rang() {
                break;
            }
            give_way().await;
        }
    } else {
        for _ in 0..dice.below(4) {
            if answer.is_ready() {
                break;
            }
            yield_now().await;
            answer = acquire.as_mut().poll(&mut Context::from_waker(&waker));
        }
    }
    drop(kept);
    match answer {
        Poll::Ready(answer) => counts.answered(answer, spoil),
        Poll::Pending if bell.rang() => counts.one(&counts.dropped_woken),
        Poll::Pending => counts.one(&counts.dropped),
    }
    // `acquire` is dropped here, pending or not.
}

/// Lets others run, of the same executor and of others.
async fn give_way() {
    std::thread::yield_now();
    yield_now().await;
}

/// Remembers that it was rung.
#[derive(Default)]
pub(crate) struct Bell(AtomicBool);

impl Bell {
    pub(crate) fn rang(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// The same for those who block: they cannot be dropped, but their time can be short.
pub(crate) fn time_out_again_and_again<D: Wet>(
    pool: &Pool<D>,
    mut dice: Dice,
    counts: &Counts,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        let spoil = dice.one_in(64);
        let answer = pool.acquire_blocking_timeout(dice.micros(30));
        counts.answered(answer, spoil);
    }
}

/// The innocent: waits until it is served, again and again. It must not notice the storm.
pub(crate) async fn wait_again_and_again<D: Wet>(
    pool: &Pool<D>,
    counts: &Counts,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        counts.answered(pool.acquire_async_timeout(LONG).await, false);
        yield_now().await;
    }
}

/// Takes all there is, and keeps it for a while, so that others have to wait.
pub(crate) fn hog_again_and_again<D: Wet>(
    pool: &Pool<D>,
    mut dice: Dice,
    counts: &Counts,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        match pool.acquire_blocking_many(pool.config().max_size) {
            Ok(guards) => {
                std::thread::sleep(dice.micros(400));
                for guard in guards {
                    counts.one(&counts.served);
                    use_it(guard, false);
                }
            }
            Err(_) => counts.one(&counts.failed),
        }
        std::thread::sleep(dice.micros(200));
    }
}
