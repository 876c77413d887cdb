//! Trying again: when, how often, and when not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use std::cell::Cell;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nebula_resource::breaker::BreakerConfig;
use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::context::Cancellation;
use nebula_resource::retry::{
    Again, GaveUpBecause, Retry, RetryBudget, RetryBudgetConfig, RetryPolicy, Retryable,
};
use nebula_resource::runtime::Manual;
use nebula_resource::{Backoff, BoxError, Manager, ResourceError};
use world::{Db, DbConfig, everybody, poll, small};

const SECOND: Duration = Duration::from_secs(1);

/// An error that says of itself what there is to say.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Failed(Again);

impl Retryable for Failed {
    fn again(&self) -> Again {
        self.0
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no luck")
    }
}

const NOT_BEGUN: Failed = Failed(Again::not_begun());
const PERHAPS: Failed = Failed(Again::perhaps());

fn by(hand: &Arc<ManualClock>, attempts: u32) -> Retry {
    let pause = Backoff {
        first: SECOND,
        max: SECOND * 60,
    };
    let policy = RetryPolicy { attempts, pause };
    Retry::new(policy).unwrap().clock(Clock::manual(hand))
}

/// Moves the clock whenever somebody waits for it, until there is an answer; and how long that took.
fn run<T>(runtime: &Manual, future: impl Future<Output = T>) -> (T, Duration) {
    let clock = runtime.manual_clock();
    let began = clock.now();
    let answer = runtime.run(future);
    (answer, clock.now().since(began))
}

#[test]
fn it_is_tried_until_it_works() {
    let runtime = Manual::new();
    let tried = Cell::new(0);
    let retry = by(runtime.manual_clock(), 5);
    let context = everybody();
    let (done, took) = run(
        &runtime,
        retry.run(&context, async |attempt| {
            tried.set(tried.get() + 1);
            assert_eq!(attempt.number(), tried.get());
            if attempt.number() < 4 {
                Err(NOT_BEGUN)
            } else {
                Ok("done")
            }
        }),
    );
    assert_eq!(done.unwrap(), "done");
    assert!(
        took > Duration::ZERO && took <= SECOND * 7,
        "1, 2 and 4 s at most: {took:?}"
    );
}

#[test]
fn pauses_differ_from_caller_to_caller() {
    let took: Vec<_> = (0..20)
        .map(|seed| {
            let hand = ManualClock::with_seed(seed);
            let tried = Cell::new(0);
            let context = everybody();
            let retry = by(&hand, 2);
            let began = hand.now();
            let mut running = Box::pin(retry.run(&context, async |_| {
                tried.set(tried.get() + 1);
                if tried.get() == 1 {
                    Err(NOT_BEGUN)
                } else {
                    Ok(())
                }
            }));
            while poll(&mut running).is_pending() {
                hand.advance(Duration::from_millis(1));
            }
            hand.now().since(began)
        })
        .collect();
    assert!(
        took.iter()
            .all(|took| *took <= SECOND + Duration::from_millis(1))
    );
    // Full jitter: from nothing to all of it, not from the half.
    assert!(took.iter().any(|took| *took < SECOND / 2), "{took:?}");
    assert!(took.iter().any(|took| *took > SECOND / 2), "{took:?}");
}

#[test]
fn what_may_have_been_done_is_not_repeated_unless_that_does_no_harm() {
    let hand = ManualClock::new();
    let context = everybody();
    let retry = by(&hand, 3);
    let mut tried = 0;
    let gave_up = retry.run_blocking(&context, |_| -> Result<(), _> {
        tried += 1;
        Err(PERHAPS)
    });
    let gave_up = gave_up.unwrap_err();
    assert_eq!((tried, gave_up.because), (1, GaveUpBecause::NotIdempotent));
    assert_eq!(
        gave_up.to_string(),
        "tried 1 time, it may have been done all the same, and is not marked as idempotent: no luck"
    );

    let runtime = Manual::new();
    let retry = by(runtime.manual_clock(), 3).idempotent();
    let (gave_up, _) = run(
        &runtime,
        retry.run(&context, |_| ready(Err::<(), _>(PERHAPS))),
    );
    let gave_up = gave_up.unwrap_err();
    assert_eq!(
        (gave_up.attempts, gave_up.because),
        (3, GaveUpBecause::Attempts)
    );
}

/// Row 28 of the fault matrix: one deadline for all attempts and the pauses between them.
#[test]
fn fault_28_no_attempt_is_made_after_the_deadline_and_none_is_waited_for() {
    let runtime = Manual::new();
    let context = everybody().with_deadline(Instant::now() + SECOND * 10);
    let retry = by(runtime.manual_clock(), 100);
    let (gave_up, took) = run(
        &runtime,
        retry.run(&context, |_| ready(Err::<(), _>(NOT_BEGUN))),
    );
    assert_eq!(gave_up.unwrap_err().because, GaveUpBecause::Deadline);
    assert!(took < SECOND * 10, "{took:?}");

    // Who is told to come back after it gives up now.
    let later = Failed(Again::not_begun().after(SECOND * 11));
    let (gave_up, took) = run(
        &runtime,
        retry.run(&context, |_| ready(Err::<(), _>(later))),
    );
    assert_eq!(gave_up.unwrap_err().because, GaveUpBecause::Deadline);
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn cancelling_ends_a_pause_at_once() {
    let hand = ManualClock::new();
    let cancellation = Cancellation::new();
    let context = everybody().with_cancellation(cancellation.clone());
    let retry = by(&hand, 3);
    let mut running = Box::pin(retry.run(&context, |_| ready(Err::<(), _>(NOT_BEGUN))));
    assert!(poll(&mut running).is_pending());
    cancellation.cancel();
    let gave_up = futures::executor::block_on(running).unwrap_err();
    assert_eq!(
        (gave_up.attempts, gave_up.because),
        (1, GaveUpBecause::Cancelled)
    );
    assert_eq!(hand.pending_alarms(), 0, "nothing is left behind");
}

#[test]
fn a_cancelled_thread_does_not_sleep_on() {
    let cancellation = Cancellation::new();
    let context = everybody().with_cancellation(cancellation.clone());
    let pause = Backoff {
        first: SECOND * 3600,
        max: SECOND * 3600,
    };
    let retry = Retry::new(RetryPolicy { attempts: 3, pause }).unwrap();
    let gave_up = retry.run_blocking(&context, |_| -> Result<(), _> {
        let cancellation = cancellation.clone();
        std::thread::spawn(move || cancellation.cancel());
        Err(Failed(Again::not_begun().after(SECOND * 3000)))
    });
    assert_eq!(gave_up.unwrap_err().because, GaveUpBecause::Cancelled);
}

/// Row 15 of the fault matrix: retries do not become a load of their own.
#[test]
fn fault_15_when_all_fail_retries_stay_a_share_of_the_calls() {
    let runtime = Manual::new();
    let budget = RetryBudget::new(RetryBudgetConfig {
        per_call: 0.2,
        per_second: 0,
        at_most: 10,
    });
    let budget = budget.unwrap();
    let retry = by(runtime.manual_clock(), 3).budget(&budget);
    let context = everybody();
    let attempts = Cell::new(0);
    let mut out_of_budget = 0;
    for _ in 0..1000 {
        let failing = retry.run(&context, |_| {
            attempts.set(attempts.get() + 1);
            ready(Err::<(), _>(NOT_BEGUN))
        });
        let (gave_up, _) = run(&runtime, failing);
        let because = gave_up.unwrap_err().because;
        out_of_budget += usize::from(because == GaveUpBecause::Budget);
    }
    let retries = attempts.get() - 1000;
    assert!(
        (200..=210).contains(&retries),
        "a fifth, and what was saved up: {retries}"
    );
    assert!(out_of_budget > 800, "{out_of_budget}");
}

/// Retrying is the caller's; the breaker says when it is worth it.
#[test]
fn who_is_turned_away_by_a_breaker_comes_back_when_it_is_tried() {
    let runtime = Manual::new();
    let manager = Manager::builder()
        .runtime(runtime.clone())
        .pool(small(1))
        .build();
    let config = BreakerConfig {
        consecutive_failures: Some(1),
        trials_to_close: 1,
        ..BreakerConfig::default()
    };
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let db = registration.breaker(config).wait().unwrap();
    let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    runtime.run(db.acquire()).unwrap().report(&lost);

    let retry = by(runtime.manual_clock(), 2);
    let context = everybody();
    let (got, took) = run(
        &runtime,
        retry.run(&context, async |attempt| {
            let db = db.acquire_in(attempt.context()).await?;
            Ok::<_, BoxError>(db.made_with.clone())
        }),
    );
    assert_eq!(got.unwrap(), "a");
    assert!(took >= SECOND * 2, "not before it is tried: {took:?}");

    db.breaker().unwrap().force_open();
    let (gave_up, _) = run(
        &runtime,
        retry.run(&context, async |attempt| {
            db.acquire_in(attempt.context()).await.map(drop)
        }),
    );
    let gave_up = gave_up.unwrap_err();
    assert!(matches!(gave_up.error, ResourceError::BreakerOpen(_)));
    assert_eq!(
        gave_up.because,
        GaveUpBecause::Pointless,
        "nobody knows when"
    );
}

#[test]
fn it_can_be_sent_to_another_thread() {
    fn sent<F: Future + Send>(future: F) -> F {
        future
    }
    let retry = Retry::new(RetryPolicy::default()).unwrap();
    let manager = Manager::new();
    manager
        .register_blocking("db", Db::new(), DbConfig::new("a"))
        .unwrap();
    let context = everybody();
    let running = sent(retry.run(&context, async |attempt| {
        let db = manager.acquire::<Db>("db", attempt.context()).await?;
        Ok::<_, BoxError>(db.made_with.clone())
    }));
    assert_eq!(futures::executor::block_on(running).unwrap(), "a");
}
