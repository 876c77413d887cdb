//! Is anybody in line overtaken more often than the policy allows?
//!
//! The pool is full before anybody waits, so that a waiter is only woken for an object; see
//! `nebula_resource_histories::fairness` for what is certain then.

use std::future::{Future, poll_fn};
use std::pin::pin;

use nebula_resource::{Fairness, Pool, PoolConfig, Strategy};
use nebula_resource_core::park;
use nebula_resource_histories::fairness::{self, Policy};
use nebula_resource_histories::{Call, History, Log, Recorder, Reply};

use crate::MIXED;
use crate::program::nap;
use crate::round::{Numbers, Round, asked, runtime};

/// A full pool, and tasks that wait for what others hold.
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
    let tasks = (0..6).map(|_| runtime().spawn(take_turns(pool, recorder.log())));
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        park::block_on(task).unwrap();
    }
    recorder.history()
}

async fn take_turns(pool: &'static Pool<Numbers>, mut log: Log) {
    for _ in 0..12 {
        let call = log.call(Call::Acquire);
        let mut acquire = pin!(pool.acquire());
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
