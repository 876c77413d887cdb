//! While creations fail, one waiter at a time is woken to try again. When that waiter had no use
//! for its turn, the turn was lost, and the others slept until their deadlines.

mod support;

use std::task::Poll;

use support::*;

fn patient<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        acquire_timeout: Duration::from_secs(60),
        max_concurrent_creates: 1,
        ..h.config()
    }
}

/// Whether `hand` is served soon, polled only when it was woken.
fn served_soon<F: Future>(h: &OnManual, hand: &mut Hand<F>, mut woken: usize) -> bool {
    for _ in 0..200 {
        h.advance(millis(10));
        if hand.woken() > woken {
            woken = hand.woken();
            if hand.poll().is_ready() {
                return true;
            }
        }
    }
    false
}

async fn waiter_is_cancelled(h: OnManual) {
    let script = h.script();
    script.next(Callback::Create, [Act::Fail]);
    let pool = h.pool(&script, patient(&h));
    let mut first = Hand::new(pool.acquire_owned());
    let mut second = Hand::new(pool.acquire_owned());
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    h.run_until_idle();
    // Whatever they were woken for until now, they look again.
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    let (woken, before) = (second.woken(), first.woken());
    h.advance(millis(100));
    assert!(first.woken() > before, "the first one's turn to try again");
    drop(first);
    assert!(served_soon(&h, &mut second, woken));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_lost_probe_of_a_cancelled_waiter() {
    run(waiter_is_cancelled);
}

async fn waiter_is_served_otherwise(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h));
    let out = h.get(&pool).await.expect("an object");
    script.next(Callback::Create, [Act::Fail]);
    let mut first = Hand::new(pool.acquire_owned());
    let mut second = Hand::new(pool.acquire_owned());
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    h.run_until_idle();
    let woken = second.woken();
    h.advance(millis(100));
    drop(out);
    let Poll::Ready(served) = first.poll() else {
        panic!("an object came back");
    };
    assert!(served_soon(&h, &mut second, woken));
    drop(served);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_lost_probe_of_a_waiter_that_was_served() {
    run(waiter_is_served_otherwise);
}

/// With no permit for it, the one whose turn it was asked for another alarm in the past, and was
/// woken and polled without end; and the permit, once there was one, woke nobody.
async fn there_is_no_permit(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h));
    let out = h.get(&pool).await.expect("an object");
    script.next(Callback::Create, [Act::Fail]);
    let mut waiting = Hand::new(pool.acquire_owned());
    assert!(waiting.poll().is_pending());
    h.run_until_idle();
    pool.resize(1).expect("a valid size");
    h.advance(millis(100));
    for _ in 0..2 {
        assert!(waiting.poll().is_pending());
    }
    let woken = waiting.woken();
    assert!(waiting.poll().is_pending());
    assert_eq!(waiting.woken(), woken, "woken by its own poll");
    out.discard();
    assert!(served_soon(&h, &mut waiting, woken));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_lost_probe_without_a_permit() {
    run(there_is_no_permit);
}
