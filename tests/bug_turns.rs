//! A waiter that was woken and has not been polled yet holds a turn. When its deadline passed meanwhile,
//! the object it was woken for lay beside the next waiter, asleep. And as long as it was not polled,
//! newcomers passed it without end.

mod support;

use support::*;

fn one_object(h: &OnManual) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        ..h.config()
    }
}

async fn the_woken_one_expires(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h));
    // Time stands still: an alarm left by this one must not come before the deadline of the next.
    let held = pool.acquire().await.expect("the only object");
    let mut first = Hand::new(pool.acquire_timeout(Duration::from_secs(1)));
    let mut second = Hand::new(pool.acquire_timeout(Duration::from_secs(1000)));
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    drop(held);
    assert_eq!((first.woken(), second.woken()), (1, 0));
    h.advance(Duration::from_secs(5));
    assert!(second.woken() > 0, "asleep beside: {:?}", pool.status());
    assert!(second.poll().is_ready());
    drop((first, second));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_turn_lost_with_an_expired_waiter() {
    run(the_woken_one_expires);
}

async fn the_woken_one_is_slow(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h));
    let held = h.get(&pool).await.expect("the only object");
    let mut waiter = Hand::new(pool.acquire());
    assert!(waiter.poll().is_pending());
    drop(held);
    let passed = (0..100).filter_map(|_| pool.try_acquire()).count();
    assert!(passed <= 1, "overtaken {passed} times before it was polled");
    assert!(waiter.poll().is_ready());
    drop(waiter);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_turn_passed_over_and_over() {
    run(the_woken_one_is_slow);
}
