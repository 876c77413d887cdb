//! Row 31: user code panics anywhere, for want of memory or otherwise, and no capacity is lost.
//!
//! Why it is not an allocator that panics: docs/decisions/0011-no-panicking-allocator.md.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use support::*;

/// User code of every kind that a pool ever runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    In(Callback),
    /// The destructor of an object.
    ItsDrop,
    /// A predicate of `retain`.
    Predicate,
    /// A closure of `reconfigure`.
    Change,
    /// Whoever holds a guard.
    Holder,
}

/// Where it happens, after how many calls that go well, and how.
#[derive(Clone, Copy, Debug)]
struct Blow {
    place: Place,
    after: usize,
    act: Act,
}

fn blows() -> impl Strategy<Value = Blow> {
    use Callback::{Create, Destroy, IsBroken, Recycle, Validate};
    let place = prop_oneof![
        5 => prop::sample::select(vec![Create, Validate, Recycle, IsBroken, Destroy]).prop_map(Place::In),
        2 => prop::sample::select(vec![Place::ItsDrop, Place::Predicate, Place::Change, Place::Holder]),
    ];
    let acts = vec![
        Act::Panic,
        Act::PanicEarly,
        Act::PanicLate,
        Act::OutOfMemory,
        Act::Bomb,
    ];
    (place, 0..12_usize, prop::sample::select(acts)).prop_map(|(place, after, act)| Blow {
        place,
        after,
        act,
    })
}

/// A fuse for what is not a callback of the factory.
struct Fuse {
    left: Option<usize>,
    act: Act,
}

impl Fuse {
    fn of(blow: Blow, place: Place) -> Self {
        Self {
            left: (blow.place == place).then_some(blow.after % 4),
            act: blow.act,
        }
    }

    fn burn(&mut self) {
        match &mut self.left {
            Some(0) => {
                self.left = None;
                match self.act {
                    Act::OutOfMemory => out_of_memory(),
                    Act::Bomb => bomb(),
                    _ => panic!("user code panics on command"),
                }
            }
            Some(left) => *left -= 1,
            None => {}
        }
    }
}

/// Dropped with an object.
struct Burden(Fuse);

impl Drop for Burden {
    fn drop(&mut self) {
        self.0.burn();
    }
}

/// Runs user code that may panic, as its owner would.
fn contained(code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
        std::mem::forget(payload);
    }
}

const SIZE: usize = 3;

/// Callers come and go, four times over; objects are kept, discarded, filtered and dropped; then all
/// there may be can still be had at once.
async fn shaken<H: Harness>(h: H, blow: Blow) {
    let script = h.script();
    if let Place::In(callback) = blow.place {
        script.next(callback, vec![Act::Good; blow.after]);
        script.next(callback, [blow.act]);
    }
    let config = PoolConfig {
        max_size: SIZE,
        validate_after: Some(Duration::ZERO),
        max_uses: Some(4),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let mut predicate = Fuse::of(blow, Place::Predicate);
    let mut holder = Fuse::of(blow, Place::Holder);
    for round in 0..4 {
        let mut callers = Vec::new();
        for _ in 0..SIZE + 1 {
            callers.push(h.spawn(h.acquire(&pool)));
        }
        for caller in callers {
            h.settle("a caller", || caller.is_done()).await;
            let Ok(mut guard) = caller.await else {
                continue;
            };
            if blow.place == Place::ItsDrop && guard.burden.is_none() {
                guard.burden = Some(Box::new(Burden(Fuse {
                    left: (round == blow.after % 4).then_some(0),
                    act: blow.act,
                })));
            }
            match round {
                1 => guard.discard(),
                _ => contained(|| {
                    let _guard = guard;
                    holder.burn();
                }),
            }
        }
        contained(|| {
            pool.retain(|_, info| {
                predicate.burn();
                info.id % 2 == 0
            });
        });
        let change = std::sync::Mutex::new(Fuse::of(blow, Place::Change));
        contained(|| {
            let changed = pool.reconfigure(|c| {
                change.lock().unwrap().burn();
                c.fail_fast = false;
            });
            drop(changed);
        });
    }
    h.nothing_lost(&pool, &script).await;
    let mut all = Vec::new();
    for _ in 0..SIZE {
        all.push(h.get(&pool).await.expect("as many as there may be"));
    }
    assert!(pool.try_acquire().is_none() && pool.status().size == SIZE);
    drop(all);
    h.nothing_lost(&pool, &script).await;
}

fn shake<H: Harness>(cases: u32) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(blow in blows())| {
        run(|h: H| shaken(h, blow));
    });
}

#[test]
fn fault_31_panics_anywhere_async() {
    shake::<OnManual>(400);
}

#[test]
fn fault_31_panics_anywhere_on_threads() {
    shake::<InThreads>(40);
}

#[test]
fn fault_31_panics_anywhere_blocking() {
    shake::<OnBlocking>(40);
}
