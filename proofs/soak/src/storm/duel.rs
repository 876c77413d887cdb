//! Two threads and one object: some who wait give up at the moment at which it comes back, and the
//! last in line has to get it all the same.
//!
//! Nobody else uses the pool, so that a turn that is not passed on is not made up for by the next
//! caller. Decides nothing else.

use std::future::Future;
use std::hint::spin_loop;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, Waker};
use std::thread;

use nebula_resource::AcquireError;
use nebula_resource::engine::{CountedGuard, Pool};
use nebula_resource_core::park;

use super::caller::{Bell, Counts, Wet, use_it};
use crate::dice::Dice;

type Answer<D> = Result<CountedGuard<D>, AcquireError>;

/// One who has asked and will not wait for the answer.
struct Quitter<D: Wet> {
    acquire: Pin<Box<dyn Future<Output = Answer<D>> + Send>>,
    bell: Arc<Bell>,
}

impl<D: Wet> Quitter<D> {
    /// Asks, and stands in line; `None` if it was answered at once.
    fn ask(pool: &Pool<D>) -> Option<Self> {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut acquire: Pin<Box<dyn Future<Output = Answer<D>> + Send>> =
            Box::pin(pool.acquire_async_owned());
        match acquire.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(_) => None,
            Poll::Pending => Some(Self { acquire, bell }),
        }
    }

    /// Gives up; answers whether it had been woken.
    fn quit(self) -> bool {
        let woken = self.bell.rang();
        drop(self.acquire);
        woken
    }
}

/// Quitters, and how long to wait before each of them gives up.
type Round<D> = (Vec<Quitter<D>>, usize);

/// Fights until it is told to stop.
pub(crate) fn duel<D: Wet>(pool: &Pool<D>, mut dice: Dice, counts: &Counts, stop: &AtomicBool) {
    let (begin, begun) = sync_channel::<Round<D>>(1);
    let (end, ended) = sync_channel::<Vec<bool>>(1);
    thread::scope(|scope| {
        scope.spawn(move || second(&begun, &end));
        while !stop.load(Ordering::Relaxed) {
            round(pool, &mut dice, counts, (&begin, &ended));
        }
        drop(begin);
    });
}

fn second<D: Wet>(begun: &Receiver<Round<D>>, end: &SyncSender<Vec<bool>>) {
    while let Ok((quitters, spins)) = begun.recv() {
        let quit = |quitter: Quitter<D>| {
            spin(spins);
            quitter.quit()
        };
        if end.send(quitters.into_iter().map(quit).collect()).is_err() {
            return;
        }
    }
}

fn round<D: Wet>(
    pool: &Pool<D>,
    dice: &mut Dice,
    counts: &Counts,
    (begin, ended): (&SyncSender<Round<D>>, &Receiver<Vec<bool>>),
) {
    let Ok(guard) = pool.acquire_blocking() else {
        return counts.one(&counts.failed);
    };
    counts.one(&counts.served);
    let quitters: Vec<_> = (0..1 + dice.below(3))
        .filter_map(|_| Quitter::ask(pool))
        .collect();
    let Some(last) = Quitter::ask(pool) else {
        return counts.one(&counts.failed);
    };
    let (mine, theirs) = (dice.below(2_000), dice.below(1_000));
    if begin.send((quitters, theirs)).is_err() {
        return counts.one(&counts.failed);
    }
    spin(mine);
    use_it(guard, dice.one_in(64));
    counts.answered(park::block_on(last.acquire), false);
    for woken in ended.recv().unwrap_or_default() {
        counts.one(if woken {
            &counts.dropped_woken
        } else {
            &counts.dropped
        });
    }
}

fn spin(times: usize) {
    for _ in 0..times {
        spin_loop();
    }
}
