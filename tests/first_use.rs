//! What a pool does by itself, and when: nothing before its first use, then what its stock wants at
//! once, and what one of its callers does not need any more not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::task::Poll;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::NoRuntime;
use nebula_resource::{Backoff, Pool};
use nebula_resource_core::park::block_on;
use support::*;

/// The stock is made with the first use, not with the first round.
#[test]
fn the_first_use_fills_the_stock() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            max_size: 5,
            min_idle: 3,
            ..h.config()
        };
        let pool = h.pool(&script, config);
        h.advance(Duration::from_secs(100));
        pool.reconfigure(|c| c.max_uses = Some(99)).unwrap();
        h.run_until_idle();
        assert_eq!(script.calls(Callback::Create), 0, "nobody has used it");
        let begun = h.hand().now();
        drop(pool.acquire().await.unwrap());
        h.run_until_idle();
        assert_eq!(h.hand().now(), begun);
        assert!(pool.status().idle >= 3, "{:?}", pool.status());
        h.nothing_lost(&pool, &script).await;
    });
}

/// Without a background nothing is ever due.
#[test]
fn where_nothing_runs_in_the_background_no_alarm_is_set() {
    let hand = ManualClock::new();
    let script = Script::new(Clock::manual(&hand));
    let pool = Pool::builder(script).runtime(NoRuntime);
    let pool = pool.clock(Clock::manual(&hand)).build().unwrap();
    drop(block_on(pool.acquire()).unwrap());
    assert_eq!(hand.pending_alarms(), 0);
}

/// A creation that nobody needs any more when its turn comes is no failure.
#[test]
fn what_is_not_needed_any_more_is_left_out() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let guard = pool.acquire().await.unwrap();
        let mut second = Hand::new(pool.acquire());
        assert!(second.poll().is_pending());
        assert_eq!(pool.status().creating, 1, "its turn has not come");
        drop(guard);
        let Poll::Ready(Ok(guard)) = second.poll() else {
            panic!("one has come back");
        };
        h.run_until_idle();
        let totals = pool.stats();
        let counted = (totals.created, totals.create_elided, totals.create_failures);
        assert_eq!(counted, (1, 1, 0), "{totals:?}");
        drop(guard);
        drop(second);
        h.nothing_lost(&pool, &script).await;
    });
}

/// The deadline of one caller is over before the next attempt is due: another one is still told when
/// it is.
#[test]
fn an_alarm_for_one_does_not_hide_the_others() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            create_backoff: Backoff {
                first: millis(400),
                max: millis(400),
            },
            ..h.config()
        };
        let pool = h.pool(&script, config);
        script.next(Callback::Create, [Act::Fail; 2]);
        let acquire = |timeout| {
            let pool = pool.clone();
            h.spawn(async move { pool.acquire_timeout(timeout).await.is_ok() })
        };
        let (hasty, patient) = (acquire(millis(100)), acquire(Duration::from_secs(60)));
        h.advance(millis(100));
        assert!(hasty.is_done() && !patient.is_done());
        assert!(!hasty.await, "its time was over first");
        h.advance(millis(900));
        assert!(patient.is_done(), "tried again in time");
        assert!(patient.await);
        h.nothing_lost(&pool, &script).await;
    });
}

/// Without a background, what is idle when a pool goes hangs in one chain, and is dropped one by one:
/// it needs no room on the stack, and one whose destructor panics keeps no other.
#[test]
fn a_long_chain_of_the_retired_is_taken_down_one_by_one() {
    const MANY: usize = 4_000;
    let hand = ManualClock::new();
    let script = Script::new(Clock::manual(&hand));
    let pool = Pool::builder(script.clone()).runtime(NoRuntime);
    let pool = pool.max_size(MANY).clock(Clock::manual(&hand));
    let pool = pool.build().unwrap();
    let mut guards = pool.acquire_blocking_many(MANY).unwrap();
    for guard in guards.iter_mut().step_by(1000) {
        guard.burden = Some(Box::new(Heavy));
    }
    drop(guards);
    assert_eq!(pool.status().idle, MANY);
    let narrow = std::thread::Builder::new().stack_size(128 * 1024);
    narrow.spawn(move || drop(pool)).unwrap().join().unwrap();
    assert_eq!(script.dropped(), MANY);
}

/// Panics when it is dropped.
struct Heavy;

impl Drop for Heavy {
    fn drop(&mut self) {
        panic!("on command");
    }
}
