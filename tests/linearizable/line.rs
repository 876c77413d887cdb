//! Is anybody in line overtaken more often than the policy allows?
//!
//! The pool is full before anybody waits, so that a waiter is only woken for an object; see
//! `nebula_resource_histories::fairness` for what is certain then.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;

use nebula_resource::{AcquireError, Fairness, OwnedGuard, Pool, PoolConfig, Strategy};
use nebula_resource_core::park;
use nebula_resource_histories::fairness::{self, Policy};
use nebula_resource_histories::{Call, History, Log, Recorder, Reply};

use crate::MIXED;
use crate::program::nap;
use crate::round::{Numbers, Round, asked, runtime};

/// A full pool, and callers that wait for what others hold: tasks, and every other one as a thread does.
fn crowd(policy: Fairness, strategy: Strategy) -> History {
    let _inside = runtime().enter();
    let config = PoolConfig {
        fairness: policy,
        ..Round {
            strategy,
            limit: 2,
            ..Round::new(0, &MIXED)
        }
        .config()
    };
    let built = Pool::builder(Numbers::default()).config(config).build();
    let pool: &'static Pool<Numbers> = Box::leak(Box::new(built.unwrap()));
    drop(park::block_on(pool.acquire_many(2)).unwrap());
    let recorder = Recorder::new();
    let callers = (0..6).map(|number| {
        let log = recorder.log();
        if number % 2 == 0 {
            return runtime().spawn(take_turns(pool, log, |pool| pool.acquire_async_owned()));
        }
        runtime().spawn(take_turns(pool, log, parked))
    });
    let callers: Vec<_> = callers.collect();
    for caller in callers {
        park::block_on(caller).unwrap();
    }
    recorder.history()
}

/// As a thread waits, which is woken to race where a task is handed its object.
async fn parked(pool: &'static Pool<Numbers>) -> Result<OwnedGuard<Numbers>, AcquireError> {
    let (shared, at) = (Arc::clone(pool.shared()), Location::caller());
    match nebula_resource_core::Pool::begin(shared, at, None, |_, _| None) {
        Ok(guard) => Ok(guard),
        Err(rest) => rest.await,
    }
}

async fn take_turns<A>(
    pool: &'static Pool<Numbers>,
    mut log: Log,
    acquire: impl Fn(&'static Pool<Numbers>) -> A + Send,
) where
    A: Future<Output = Result<OwnedGuard<Numbers>, AcquireError>> + Send,
{
    for _ in 0..12 {
        let call = log.call(Call::Acquire);
        let mut acquire = pin!(acquire(pool));
        // It is polled first, and whenever it was woken.
        let guard = poll_fn(|cx| {
            let polled = acquire.as_mut().poll(cx);
            if polled.is_pending() {
                log.looked(&call);
            }
            polled
        });
        let guard = guard.await.unwrap();
        log.reply(call, Reply::Got(*guard));
        nap().await;
        log.record(Call::Release(*guard), || drop(guard), |()| Reply::Done);
    }
}

/// How often in `history` somebody waited.
fn waited(history: &History) -> usize {
    let operations = history.operations().iter();
    operations.filter(|one| !one.looked.is_empty()).count()
}

#[test]
fn nobody_is_overtaken_more_often_than_promised() {
    let mut waits = 0;
    for number in 0..asked("NEBULA_ROUNDS", 200) {
        let strategies = [Strategy::Fifo, Strategy::Lifo, Strategy::Affine];
        let strategy = strategies[number as usize % 3];
        for (fairness, policy) in [
            (Fairness::Strict, Policy::Strict),
            (Fairness::Bounded, Policy::Bounded),
        ] {
            let history = crowd(fairness, strategy);
            waits += waited(&history);
            let verdict = fairness::check(&history, policy);
            assert!(verdict.is_ok(), "{strategy:?}: {verdict:?}\n{history}");
        }
    }
    assert!(waits > 200, "nobody waited: {waits}");
}

/// A running newcomer does pass a woken waiter where fairness is bounded: that is what the other
/// policy's check must notice, or it notices nothing.
#[test]
fn a_bounded_line_is_not_a_strict_one() {
    let overtaken = (0..2_000).any(|number| {
        let strategies = [Strategy::Fifo, Strategy::Lifo, Strategy::Affine];
        let history = crowd(Fairness::Bounded, strategies[number % 3]);
        fairness::check(&history, Policy::Strict).is_err()
    });
    assert!(overtaken, "nobody was ever overtaken");
}
