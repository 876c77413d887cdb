//! Who left the line with something kept it from the others: a part of what it had asked for, until it was
//! polled again; and who was served and is not polled any more kept a pool from closing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

fn patient<H: Harness>(h: &H, max_size: usize) -> PoolConfig {
    PoolConfig {
        max_size,
        acquire_timeout: Duration::from_secs(60),
        ..h.config()
    }
}

/// One collects, has one of two, and is not polled any more. Its time is up.
async fn expired_with_a_part(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h, 2));
    let (one, two) = (h.get(&pool).await.unwrap(), h.get(&pool).await.unwrap());
    let mut many = Hand::new(pool.acquire_many(2));
    assert!(many.poll().is_pending());
    h.advance(Duration::from_secs(1));
    let mut other = Hand::new(pool.acquire_owned());
    assert!(other.poll().is_pending());
    drop(one);
    h.advance(Duration::from_secs(59));
    assert!(many.woken() > 0, "its time is up");
    assert!(other.poll().is_ready(), "{:?}", pool.status());
    drop((many, other, two));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_expired_with_a_part() {
    run(expired_with_a_part);
}

/// Served, and not polled any more: whoever closes the pool waits for it.
async fn closed_beside_one_who_was_served(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h, 1));
    let held = h.get(&pool).await.unwrap();
    let mut served = Hand::new(pool.acquire_owned());
    assert!(served.poll().is_pending());
    drop(held);
    let mut closing = Hand::new(pool.close());
    assert!(closing.poll().is_pending());
    h.run_until_idle();
    assert!(closing.poll().is_ready(), "{:?}", pool.status());
    assert!(matches!(
        served.poll(),
        std::task::Poll::Ready(Err(AcquireError::Closed))
    ));
}

#[test]
fn bug_closed_beside_one_who_was_served() {
    run(closed_beside_one_who_was_served);
}

/// Served and not polled any more, while another one's alarm rings first: that of its own deadline rings too.
async fn taken_back_at_its_own_deadline(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h, 1));
    let held = h.get(&pool).await.unwrap();
    let mut served = Hand::new(pool.acquire_timeout(Duration::from_secs(5)));
    assert!(served.poll().is_pending());
    let mut hasty = Hand::new(pool.acquire_timeout(Duration::from_secs(1)));
    assert!(hasty.poll().is_pending());
    let mut last = Hand::new(pool.acquire_timeout(Duration::from_secs(1000)));
    assert!(last.poll().is_pending());
    drop(held);
    h.advance(Duration::from_secs(1));
    assert_eq!((hasty.woken(), last.woken()), (1, 0));
    h.advance(Duration::from_secs(4));
    assert!(last.poll().is_ready(), "asleep: {:?}", pool.status());
    drop((served, hasty, last));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_taken_back_at_its_own_deadline() {
    run(taken_back_at_its_own_deadline);
}

/// Five threads were woken for five objects, and their time is up before they look; five more stand behind.
async fn five_at_once(h: OnManual) {
    let script = h.script();
    let pool = h.pool(
        &script,
        PoolConfig {
            acquire_timeout: Duration::from_secs(7),
            ..patient(&h, 5)
        },
    );
    let mut held = Vec::new();
    for _ in 0..5 {
        // Without `get`, which moves time: no other alarm is to ring before theirs.
        let mut caller = Hand::new(pool.acquire_owned());
        assert!(caller.poll().is_pending());
        h.run_until_idle();
        let std::task::Poll::Ready(Ok(made)) = caller.poll() else {
            panic!("an object was made");
        };
        held.push(made);
    }
    let mut first: Vec<_> = (0..5).map(|_| Hand::new(parked(&pool))).collect();
    assert!(first.iter_mut().all(|hand| hand.poll().is_pending()));
    h.advance(Duration::from_secs(1));
    let mut second: Vec<_> = (0..5).map(|_| Hand::new(parked(&pool))).collect();
    assert!(second.iter_mut().all(|hand| hand.poll().is_pending()));
    held.clear();
    assert!(first.iter().all(|hand| hand.woken() == 1), "to race");
    h.advance(Duration::from_secs(6));
    let woken = second.iter().filter(|hand| hand.woken() > 0).count();
    assert_eq!(
        woken,
        5,
        "asleep beside an idle object: {:?}",
        pool.status()
    );
    drop((first, second));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_five_at_once() {
    run(five_at_once);
}

/// Told of a free permit, then served, and not polled any more.
async fn told_and_served(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h, 2));
    let (one, two) = (h.get(&pool).await.unwrap(), h.get(&pool).await.unwrap());
    let mut first = Hand::new(pool.acquire_owned());
    let mut second = Hand::new(pool.acquire_owned());
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    one.discard();
    assert_eq!(first.woken(), 1, "told to create");
    drop(two);
    assert!(second.woken() > 0, "asleep beside a free permit");
    drop((first, second));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_told_and_served() {
    run(told_and_served);
}

/// A future of a creation that panics when it is dropped.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped on command");
        }
    }
}

struct Makes(std::sync::atomic::AtomicBool);

impl nebula_resource::Factory for Makes {
    type Object = u8;
    type Error = std::io::Error;

    async fn create(&self) -> Result<u8, std::io::Error> {
        if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
            let _bomb = PanicsWhenDropped;
            std::future::pending::<()>().await;
        }
        Ok(7)
    }
}

/// An inline creation is overtaken by an object that comes back, and panics when it is dropped.
#[test]
fn bug_overtaken_creation_panics_when_dropped() {
    let hand = nebula_resource::clock::ManualClock::new();
    let pool = nebula_resource::Pool::builder(Makes(Default::default()))
        .max_size(2)
        .runtime(nebula_resource::runtime::NoRuntime)
        .clock(nebula_resource::clock::Clock::manual(&hand))
        .build()
        .unwrap();
    let mut first = Hand::new(pool.acquire_owned());
    let std::task::Poll::Ready(Ok(held)) = first.poll() else {
        panic!("made at once");
    };
    let mut creator = Hand::new(pool.acquire_owned());
    assert!(creator.poll().is_pending());
    drop(held);
    let polled =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| creator.poll().is_ready()));
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(
        || drop(creator),
    )));
    let audit = pool.audit();
    assert!(audit.balanced(), "{polled:?} {audit:?}");
    assert_eq!(audit.permits, 1, "{polled:?} {audit:?}");
}
