//! Bounds on the waiting line: who is refused early, and that the others are served.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::VecDeque;
use std::task::Poll;

use nebula_resource::{Bound, Overloaded};
use nebula_resource_core::CountedGuard;
use support::*;

const TARGET: Duration = millis(20);

fn bounded<H: Harness>(h: &H, max_waiting: Option<usize>, shed: bool) -> PoolConfig {
    PoolConfig {
        max_size: 1,
        acquire_timeout: Duration::from_secs(60),
        max_waiting,
        shed_after: shed.then_some(TARGET),
        ..h.config()
    }
}

fn overloaded(error: AcquireError) -> Overloaded {
    match error {
        AcquireError::Overloaded(told) => *told,
        other => panic!("{other}"),
    }
}

async fn full<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, bounded(&h, Some(2), false));
    let held = h.get(&pool).await.unwrap();
    let waiting: Vec<_> = (0..2).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.until("both", || pool.status().waiting == 2).await;
    let told = overloaded(h.acquire(&pool).await.unwrap_err());
    assert_eq!((told.bound, told.waited), (Bound::Full, Duration::ZERO));
    assert_eq!(told.status.waiting, 2);
    assert!(told.to_string().contains("max_waiting"), "{told}");
    assert_eq!(pool.stats().turned_away, 1);
    drop(held);
    for one in waiting {
        drop(one.await.expect("it had room"));
    }
    drop(h.acquire(&pool).await.expect("there is room again"));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(who_finds_no_room_is_refused_at_once: full);

async fn not_too_many<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, bounded(&h, Some(1), false));
    let first = h.get(&pool).await.expect("one who creates has room");
    drop(first);
    drop(h.acquire(&pool).await.expect("what is idle is taken"));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(a_bound_refuses_nobody_who_can_be_served: not_too_many);

/// Before the line has stood for 100 ms everybody waits; from then on nobody does so for longer than 20 ms.
async fn standing(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, bounded(&h, None, true));
    let held = h.get(&pool).await.unwrap();
    let mut early: Vec<_> = (0..3)
        .map(|_| Hand::new(pool.acquire_async_owned()))
        .collect();
    assert!(early.iter_mut().all(|hand| hand.poll().is_pending()));
    h.advance(millis(99));
    let mut burst = Hand::new(pool.acquire_async_owned());
    assert!(burst.poll().is_pending());
    assert_eq!(pool.stats().turned_away, 0, "a burst is waited for");
    h.advance(millis(1));
    let mut late = Hand::new(pool.acquire_async_owned());
    assert!(late.poll().is_pending());
    h.advance(Duration::ZERO);
    for hand in &mut early {
        let Poll::Ready(Err(error)) = hand.poll() else {
            panic!("it stands there for longer than anybody may");
        };
        let told = overloaded(error);
        assert_eq!((told.bound, told.waited), (Bound::Standing, millis(100)));
    }
    h.advance(millis(19));
    let Poll::Ready(Err(error)) = burst.poll() else {
        panic!("its time is up");
    };
    assert_eq!(overloaded(error).waited, TARGET);
    drop(held);
    assert!(matches!(late.poll(), Poll::Ready(Ok(_))));
    drop((early, burst, late));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn in_a_standing_line_nobody_waits_long() {
    run(standing);
}

/// A line that waits for objects to be made is not shed: refusing callers makes nothing any faster.
async fn slow_creation(h: OnManual) {
    let script = h.script();
    script.next(Callback::Create, [Act::Hang]);
    let config = PoolConfig {
        create_timeout: Duration::from_secs(50),
        ..bounded(&h, None, true)
    };
    let pool = h.pool(&script, config);
    let mut callers: Vec<_> = (0..3)
        .map(|_| Hand::new(pool.acquire_async_owned()))
        .collect();
    for _ in 0..10 {
        assert!(callers.iter_mut().all(|hand| hand.poll().is_pending()));
        h.advance(millis(200));
    }
    assert_eq!(pool.stats().turned_away, 0);
    drop(callers);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn who_waits_for_a_creation_is_not_shed() {
    run(slow_creation);
}

/// Objects, and how long each is held: 400 uses a second.
const OBJECTS: usize = 4;
const HELD: u32 = 10;
const SECONDS: u32 = 10;

/// What came of a load of so many callers each millisecond.
#[derive(Debug, Default)]
struct Load {
    waits: Vec<Duration>,
    refused: usize,
    late: usize,
}

impl Load {
    /// Of a hundred that were served, 99 waited no longer.
    fn p99(&mut self) -> Duration {
        self.waits.sort_unstable();
        self.waits[self.waits.len() * 99 / 100]
    }
}

async fn under_load(h: &OnManual, shed: bool, each_milli: usize) -> Load {
    let script = h.script();
    let config = PoolConfig {
        max_size: OBJECTS,
        acquire_timeout: Duration::from_secs(2),
        ..bounded(h, None, shed)
    };
    let pool = h.pool(&script, config);
    drop(pool.acquire_many(OBJECTS).await.unwrap());
    let mut load = Load::default();
    let mut waiting = Vec::new();
    let mut held: VecDeque<(u32, CountedGuard<_>)> = VecDeque::new();
    for now in 0..SECONDS * 1000 {
        while held.front().is_some_and(|(until, _)| *until <= now) {
            held.pop_front();
        }
        let come = (0..each_milli).map(|_| (now, Hand::new(pool.acquire_async_owned()), None));
        waiting.extend(come);
        waiting.retain_mut(|(since, hand, seen)| {
            if *seen == Some(hand.woken()) {
                return true;
            }
            *seen = Some(hand.woken());
            match hand.poll() {
                Poll::Pending => return true,
                Poll::Ready(Ok(guard)) => {
                    load.waits.push(millis(u64::from(now - *since)));
                    held.push_back((now + HELD, guard));
                }
                Poll::Ready(Err(error)) if error.is_overload() => load.refused += 1,
                Poll::Ready(Err(_)) => load.late += 1,
            }
            false
        });
        h.advance(millis(1));
    }
    drop((waiting, held));
    h.nothing_lost(&pool, &script).await;
    load
}

const CAPACITY: usize = (OBJECTS * 1000 * SECONDS as usize) / HELD as usize;

async fn ten_times_too_many(h: OnManual) {
    let mut load = under_load(&h, true, 4).await;
    let (served, p99) = (load.waits.len(), load.p99());
    assert!(served * 10 >= CAPACITY * 9, "{served} of {CAPACITY}");
    assert!(p99 <= TARGET, "{p99:?}");
    assert_eq!(load.late, 0, "nobody waits in vain until its deadline");
}

#[test]
fn at_ten_times_the_load_the_pool_goes_on_at_full_rate() {
    run(ten_times_too_many);
}

/// Without the bound: everybody is served in order, as late as that is.
async fn first_come(h: OnManual) {
    let mut load = under_load(&h, false, 4).await;
    let (served, p99) = (load.waits.len(), load.p99());
    assert!(load.refused == 0 && load.late > 0, "{load:?}");
    assert!(served * 10 >= CAPACITY * 9, "{served} of {CAPACITY}");
    assert!(p99 > TARGET * 50, "{p99:?}");
}

#[test]
fn without_a_bound_it_is_first_come_first_served() {
    run(first_come);
}

async fn live<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, bounded(&h, None, false));
    let held = h.get(&pool).await.unwrap();
    let waiting = h.spawn(h.acquire(&pool));
    h.until("one", || pool.status().waiting == 1).await;
    pool.reconfigure(|config| config.max_waiting = Some(1))
        .unwrap();
    let told = overloaded(h.acquire(&pool).await.unwrap_err());
    assert_eq!(told.bound, Bound::Full);
    pool.reconfigure(|config| config.max_waiting = Some(2))
        .unwrap();
    let second = h.spawn(h.acquire(&pool));
    h.until("two", || pool.status().waiting == 2).await;
    drop(held);
    drop(waiting.await.unwrap());
    drop(second.await.unwrap());
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(max_waiting_changed: live);

/// From when the bound was set the line has an interval to go down.
async fn shed_live(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, bounded(&h, None, false));
    let held = h.get(&pool).await.unwrap();
    let mut early = Hand::new(pool.acquire_async_owned());
    assert!(early.poll().is_pending());
    h.advance(Duration::from_secs(9));
    pool.reconfigure(|config| config.shed_after = Some(TARGET))
        .unwrap();
    let mut late = Hand::new(pool.acquire_async_owned());
    assert!(late.poll().is_pending());
    h.advance(millis(100));
    assert_eq!(early.woken(), 0, "as if the line were new");
    let mut last = Hand::new(pool.acquire_async_owned());
    assert!(last.poll().is_pending());
    h.advance(Duration::ZERO);
    assert!(early.poll().is_ready() && late.poll().is_ready());
    assert!(last.poll().is_pending());
    pool.reconfigure(|config| config.shed_after = None).unwrap();
    let mut patient = Hand::new(pool.acquire_async_owned());
    assert!(patient.poll().is_pending());
    h.advance(Duration::from_secs(1));
    assert!(last.poll().is_ready() && patient.poll().is_pending());
    drop((held, early, late, last));
    assert!(patient.poll().is_ready());
    drop(patient);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn shed_after_changed() {
    run(shed_live);
}
