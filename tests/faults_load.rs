//! Row 15: more callers than objects, all with deadlines. Whoever has no time left is passed over
//! before anything is begun for it, and the pool comes out of it as fast as the load falls.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::{Arc, Mutex};
use std::task::Poll;

use nebula_resource::clock::Clock;
use support::*;

/// Four objects, each used for 5 ms and then made fit again, or made anew, for 7 ms: 333 uses a
/// second. Callers come every 1.5 ms, so that whoever has waited longest has less time left than that.
const OBJECTS: usize = 4;
const USE: Duration = millis(5);
const CARE: Duration = millis(7);
const CAPACITY: f64 = 333.0;
const PATIENCE: Duration = millis(100);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    offered: usize,
    served: usize,
}

/// What became of the callers that came within a span of time.
#[derive(Clone, Default)]
struct Tally(Arc<Mutex<Count>>);

impl Tally {
    fn count(&self) -> Count {
        *self.0.lock().unwrap()
    }
}

/// Somebody who comes, uses an object, and goes.
fn arrives(h: &OnManual, pool: &<OnManual as Harness>::Pool, tally: &Tally) {
    let (clock, pool, tally) = (Clock::manual(h.hand()), pool.clone(), tally.clone());
    tally.0.lock().unwrap().offered += 1;
    drop(h.spawn(async move {
        let Ok(guard) = pool.acquire_owned().await else {
            return;
        };
        tally.0.lock().unwrap().served += 1;
        clock.sleep(USE).await;
        drop(guard);
    }));
}

/// So many callers a second, evenly, for so long.
fn offer(
    h: &OnManual,
    pool: &<OnManual as Harness>::Pool,
    per_second: f64,
    span: Duration,
) -> Tally {
    let tally = Tally::default();
    let mut due = 0.0;
    for _ in 0..span.as_millis() {
        due += per_second / 1000.0;
        while due >= 1.0 {
            due -= 1.0;
            arrives(h, pool, &tally);
        }
        h.advance(millis(1));
    }
    tally
}

fn overloaded(h: &OnManual) -> PoolConfig {
    PoolConfig {
        max_size: OBJECTS,
        acquire_timeout: PATIENCE,
        create_timeout: Duration::from_secs(5),
        recycle_timeout: Duration::from_secs(1),
        validate_timeout: Duration::from_secs(1),
        ..h.config()
    }
}

/// Twice what it can do for five seconds, then half of it.
async fn overload(h: OnManual, slow: Callback, change: fn(&mut PoolConfig)) {
    let script = h.script();
    script.always(slow, Act::Slow(CARE));
    let mut config = overloaded(&h);
    change(&mut config);
    let pool = h.pool(&script, config);
    h.stock(&pool, OBJECTS).await;
    let (calls, before) = (script.calls(slow), script.retired_for().len());

    let flood = offer(&h, &pool, 2.0 * CAPACITY, Duration::from_secs(5)).count();
    let possible = 5.0 * CAPACITY;
    assert!(
        flood.served as f64 >= 0.9 * possible,
        "{flood:?}: most of the {possible} that could be done"
    );
    // What was done for nobody: begun, and not followed by a use.
    let begun = script.calls(slow) - calls;
    assert!(
        begun <= flood.served + flood.served / 50,
        "{begun} times begun for {flood:?}"
    );
    let lost = script.retired_for()[before..]
        .iter()
        .filter(|reason| **reason == RetireReason::TimedOut)
        .count();
    assert!(lost <= 5, "{lost} objects lost to callers who were late");

    // Those who came during the flood are gone within one deadline, and nobody is late after it.
    drop(offer(&h, &pool, 0.5 * CAPACITY, PATIENCE));
    let after = offer(&h, &pool, 0.5 * CAPACITY, Duration::from_secs(2));
    h.advance(PATIENCE);
    let after = after.count();
    assert_eq!(after.served, after.offered);
    h.nothing_lost(&pool, &script).await;
}

/// Served in time, but late to look: nothing is begun for it, and the next one has the object.
async fn late_to_look(h: OnManual) {
    let script = h.script();
    script.always(Callback::Recycle, Act::Slow(CARE));
    let pool = h.pool(
        &script,
        PoolConfig {
            max_size: 1,
            ..overloaded(&h)
        },
    );
    for _ in 0..2 {
        drop(h.get(&pool).await.unwrap());
    }
    let guard = h.get(&pool).await.unwrap();
    let mut late = Hand::new(pool.acquire_owned());
    assert!(late.poll().is_pending());
    drop(guard);
    assert_eq!(late.woken(), 1, "served");
    h.advance(PATIENCE);
    let recycled = script.calls(Callback::Recycle);
    let Poll::Ready(Err(error)) = late.poll() else {
        panic!("its time is up");
    };
    assert!(error.is_timeout(), "{error}");
    assert_eq!(script.calls(Callback::Recycle), recycled, "nothing begun");
    assert_eq!((pool.status().idle, script.made()), (1, 1));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_15_who_is_late_to_look_is_passed_over() {
    run(late_to_look);
}

#[test]
fn fault_15_overload_while_recycling_takes_time() {
    run(|h| overload(h, Callback::Recycle, |_| {}));
}

#[test]
fn fault_15_overload_while_validating_takes_time() {
    run(|h| {
        overload(h, Callback::Validate, |c| {
            c.validate_after = Some(Duration::ZERO);
        })
    });
}

#[test]
fn fault_15_overload_while_creating_takes_time() {
    run(|h| overload(h, Callback::Create, |c| c.max_uses = Some(1)));
}
