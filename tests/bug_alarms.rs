//! Every wait registered an alarm of its own with the clock, none was taken back, and each that rang
//! registered another: a pool with many short waits beside one long one filled the clock, and it did
//! not empty again.

mod support;

use std::collections::VecDeque;

use support::*;

/// A pool needs one; a few more do no harm.
const MOST: usize = 10;

#[track_caller]
fn few_alarms(h: &OnManual) {
    let pending = h.hand().pending_alarms();
    assert!(pending <= MOST, "{pending} alarms are pending");
}

async fn short_waits(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 1,
        acquire_timeout: Duration::from_secs(3600),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let held = h.get(&pool).await.expect("an object");
    let mut long = Hand::new(pool.acquire());
    assert!(long.poll().is_pending());
    for _ in 0..300 {
        assert!(pool.acquire_timeout(millis(10)).await.is_err());
    }
    few_alarms(&h);
    drop((long, held));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_alarms_of_short_waits_pile_up() {
    run(short_waits);
}

async fn somebody_always_waits(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 1,
        acquire_timeout: Duration::from_secs(10),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let held = h.get(&pool).await.expect("an object");
    let mut line = VecDeque::new();
    for round in 0..10 {
        let mut waiter = Hand::new(pool.acquire());
        assert!(waiter.poll().is_pending());
        line.push_back(waiter);
        if round < 2 {
            for _ in 0..100 {
                assert!(pool.acquire_timeout(millis(1)).await.is_err());
            }
        }
        h.advance(Duration::from_secs(9));
        line.drain(..line.len().saturating_sub(2));
        few_alarms(&h);
    }
    drop((line, held));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_alarms_breed_while_somebody_waits() {
    run(somebody_always_waits);
}
