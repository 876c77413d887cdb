//! In which order idle objects are handed out, and what a pool says of those that are not idle.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::task::Poll;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::Threads;
use nebula_resource::{Pool, Strategy, sync};
use support::*;

const COUNT: usize = 4;

/// Objects 1 to 4 are put aside in this order by one thread, and taken again.
fn taken_again(pool: &Pool<Script>) -> Vec<u64> {
    let mut held = pool.acquire_blocking_many(COUNT).unwrap();
    held.sort_by_key(|guard| guard.info().id);
    for guard in held {
        drop(guard);
    }
    let take = || pool.try_acquire().unwrap();
    let again: Vec<_> = std::iter::repeat_with(take).take(COUNT).collect();
    again.iter().map(|guard| guard.info().id).collect()
}

/// As many objects as there may ever be.
fn pool(strategy: Strategy) -> Pool<Script> {
    let clock = Clock::manual(&ManualClock::new());
    let builder = Pool::builder(Script::new(clock.clone())).clock(clock);
    let builder = builder.max_size(COUNT).ceiling(COUNT).runtime(Threads);
    builder.strategy(strategy).build().unwrap()
}

#[test]
fn each_strategy_has_its_order() {
    assert_eq!(taken_again(&pool(Strategy::Fifo)), [1, 2, 3, 4]);
    assert_eq!(taken_again(&pool(Strategy::Lru)), [1, 2, 3, 4]);
    assert_eq!(taken_again(&pool(Strategy::Lifo)), [4, 3, 2, 1]);
    // What this thread used last, and then what has been idle for longest.
    assert_eq!(taken_again(&pool(Strategy::Affine)), [4, 1, 2, 3]);
}

#[test]
fn a_strategy_that_is_changed_is_in_force_at_once() {
    let pool = pool(Strategy::Fifo);
    let change = |strategy| {
        pool.reconfigure(|config| config.strategy = strategy)
            .unwrap();
        taken_again(&pool)
    };
    assert_eq!(change(Strategy::Lifo), [4, 3, 2, 1]);
    assert_eq!(change(Strategy::Affine), [4, 1, 2, 3]);
    assert_eq!(change(Strategy::Fifo), [1, 2, 3, 4]);
}

/// An object that is being validated is neither idle nor in use.
#[test]
fn what_is_being_checked_is_counted_as_that() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            validate_after: Some(Duration::ZERO),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        h.stock(&pool, 1).await;
        script.next(Callback::Validate, [Act::Hang]);
        let mut caller = Hand::new(pool.acquire());
        assert!(caller.poll().is_pending());
        let status = pool.status();
        let seen = (status.idle, status.checking, status.in_use);
        assert_eq!(seen, (0, 1, 0), "{status:?}");
        script.heal();
        assert!(matches!(caller.poll(), Poll::Ready(Ok(_))));
        drop(caller);
        h.nothing_lost(&pool, &script).await;
    });
}

/// Of several objects that are wanted, what was found good goes back when the caller gives up.
#[test]
fn what_was_checked_for_who_gives_up_is_not_lost() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            validate_after: Some(Duration::ZERO),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        h.stock(&pool, 2).await;
        script.next(Callback::Validate, [Act::Good, Act::Hang]);
        let mut caller = Hand::new(pool.acquire_many(2));
        assert!(caller.poll().is_pending());
        drop(caller);
        h.run_until_idle();
        assert_eq!(script.retired_for(), [RetireReason::Abandoned]);
        assert_eq!((pool.status().size, pool.status().idle), (1, 1));
        h.nothing_lost(&pool, &script).await;
    });
}

/// Whose object has been out longest, whichever was made first.
#[test]
fn a_timeout_names_the_oldest_holder_and_only_ones_own_nesting() {
    let hand = ManualClock::new();
    let clock = Clock::manual(&hand);
    let pool = sync::Pool::builder(Script::new(clock.clone())).clock(clock);
    let pool = pool.max_size(2).build().unwrap();
    let first = pool.acquire().unwrap();
    hand.advance(millis(1000));
    let (oldest, line) = (pool.acquire().unwrap(), line!());
    hand.advance(millis(1000));
    drop(first);
    let youngest = pool.acquire().unwrap();
    assert_eq!(youngest.info().id, 1, "the one that came back");
    let timed_out = || match pool.acquire_timeout(Duration::ZERO) {
        Err(AcquireError::TimedOut(report)) => report,
        other => panic!("{:?}", other.map(drop)),
    };
    let report = std::thread::scope(|scope| scope.spawn(timed_out).join().unwrap());
    let (at, held) = report.oldest_holder.unwrap();
    assert_eq!((at.line(), held), (line, millis(1000)), "{report}");
    assert!(
        report.nested.is_none(),
        "that thread holds nothing: {report}"
    );
    assert!(timed_out().nested.is_some(), "this one does");
    drop((oldest, youngest));
}

/// Uses and recycles of objects that are gone are not forgotten.
#[test]
fn what_the_retired_have_done_is_counted_still() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            max_size: 1,
            ..h.config()
        };
        let pool = h.pool(&script, config);
        for _ in 0..2 {
            for _ in 0..3 {
                drop(h.get(&pool).await.unwrap());
            }
            pool.clear();
            h.run_until_idle();
            assert_eq!(pool.status().size, 0);
        }
        let totals = pool.stats();
        assert_eq!((totals.acquired, totals.recycled), (6, 4), "{totals:?}");
    });
}

/// What one thread has put aside, any other finds, wherever the two keep theirs.
#[test]
fn each_thread_finds_what_another_put_aside() {
    let pool = pool(Strategy::Affine);
    pool.resize(1).unwrap();
    for round in 0..64 {
        std::thread::scope(|scope| {
            let used = scope.spawn(|| drop(pool.acquire_blocking().unwrap()));
            used.join().unwrap();
            let found = scope.spawn(|| pool.try_acquire().is_some());
            assert!(found.join().unwrap(), "{round}");
        });
    }
}
