//! Both facades or neither: is a pool the same pool whichever facade made it, and whichever of its
//! two doors a caller comes through?
//!
//! One body, run on both facades through both doors; and a reading of the sources, so that a method
//! which one facade or door gets and the other does not is noticed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::Threads;
use nebula_resource::{Fairness, Pool, sync};
use nebula_resource_core::park::block_on;
use nebula_resource_core::{BorrowedGuard, CountedGuard, Driver, Pool as Core};
use support::*;

#[derive(Clone, Copy, Debug)]
enum Door {
    Async,
    Blocking,
}

type Guards<'p, D> = Result<Vec<BorrowedGuard<'p, D>>, AcquireError>;

/// The five ways in, through either door.
impl Door {
    fn acquire<D: Driver>(self, pool: &Core<D>) -> Guards<'_, D> {
        let guard = match self {
            Self::Async => block_on(pool.acquire_async()),
            Self::Blocking => pool.acquire_blocking(),
        };
        guard.map(|guard| vec![guard])
    }

    fn timeout<D: Driver>(self, pool: &Core<D>, timeout: Duration) -> Guards<'_, D> {
        let guard = match self {
            Self::Async => block_on(pool.acquire_async_timeout(timeout)),
            Self::Blocking => pool.acquire_blocking_timeout(timeout),
        };
        guard.map(|guard| vec![guard])
    }

    fn deadline<D: Driver>(self, pool: &Core<D>, deadline: Instant) -> Guards<'_, D> {
        let guard = match self {
            Self::Async => block_on(pool.acquire_async_deadline(deadline)),
            Self::Blocking => pool.acquire_blocking_deadline(deadline),
        };
        guard.map(|guard| vec![guard])
    }

    fn many<D: Driver>(self, pool: &Core<D>, count: usize) -> Guards<'_, D> {
        match self {
            Self::Async => block_on(pool.acquire_async_many(count)),
            Self::Blocking => pool.acquire_blocking_many(count),
        }
    }

    fn owned<D: Driver>(self, pool: &Core<D>) -> Result<CountedGuard<D>, AcquireError> {
        match self {
            Self::Async => block_on(pool.acquire_async_owned()),
            Self::Blocking => pool.acquire_blocking_owned(),
        }
    }
}

/// What a caller is told, without what differs from run to run.
fn outcome<D: Driver<Object = Thing>>(guards: Guards<'_, D>) -> String {
    match guards {
        Ok(guards) => format!("{:?}", guards.iter().map(|g| g.id).collect::<Vec<_>>()),
        Err(AcquireError::TimedOut(report)) => format!("timed out {}", report.stage),
        Err(AcquireError::CreateFailed(report)) => format!("failed: {}", causes(&*report)),
        Err(error) => error.to_string(),
    }
}

const NOW: Duration = Duration::ZERO;

/// Everything that can be answered at once, in words.
fn answers<D: Driver<Object = Thing>>(door: Door, pool: &Core<D>, script: &Script) -> Vec<String> {
    let mut told = Vec::new();
    let both = door.many(pool, 2);
    told.push(outcome(door.timeout(pool, NOW)));
    told.push(outcome(door.deadline(pool, Instant::now())));
    told.push(format!("{:?}", pool.try_acquire().map(|guard| guard.id)));
    told.push(outcome(both));
    told.push(outcome(door.many(pool, 0)));
    told.push(outcome(door.many(pool, 3)));
    told.push(outcome(door.deadline(pool, Instant::now())));
    pool.pause();
    told.push(outcome(door.timeout(pool, NOW)));
    pool.resume();
    let mut guard = door.owned(pool).unwrap();
    guard.burden = Some(Box::new("mine"));
    told.push(format!("detached {}", guard.detach().id));
    door.owned(pool).unwrap().discard();
    block_on(door.owned(pool).unwrap().release());
    told.push(outcome(door.acquire(pool)));
    pool.clear();
    script.next(Callback::Create, [Act::Fail]);
    told.push(outcome(door.acquire(pool)));
    told.push(format!("{:?}", pool.stats().retired));
    pool.reconfigure(|c| c.max_size = 0).unwrap_err();
    drop(pool.close());
    told.push(outcome(door.acquire(pool)));
    told.push(outcome(door.many(pool, 2)));
    let audit = pool.audit();
    assert!(audit.balanced() && audit.permits == 0, "{audit:?}");
    told
}

const EXPECTED: [&str; 14] = [
    "timed out waiting",
    "timed out waiting",
    "None",
    "[1, 2]",
    "[]",
    "3 objects were asked for, but max_size is 2",
    "[1]",
    "the pool is paused (waited 0.0 ms); resume it to go on",
    "detached 2",
    "[3]",
    "failed: could not create an object (1 ",
    "2",
    "the pool is closed",
    "the pool is closed",
];

struct Setting {
    script: Script,
    hand: Arc<ManualClock>,
    config: PoolConfig,
}

impl Setting {
    fn new() -> Self {
        let hand = ManualClock::new();
        Self {
            script: Script::new(Clock::manual(&hand)),
            hand,
            config: PoolConfig {
                max_size: 2,
                fail_fast: true,
                // One after the other, so that their numbers say in which order they came.
                max_concurrent_creates: 1,
                strategy: nebula_resource::Strategy::Fifo,
                ..PoolConfig::default()
            },
        }
    }

    fn pool_async(&self) -> Pool<Script> {
        let builder = Pool::builder(self.script.clone()).config(self.config.clone());
        let builder = builder.runtime(Threads).clock(Clock::manual(&self.hand));
        builder.build().unwrap()
    }

    fn pool_sync(&self) -> sync::Pool<Script> {
        let builder = sync::Pool::builder(self.script.clone()).config(self.config.clone());
        builder.clock(Clock::manual(&self.hand)).build().unwrap()
    }
}

fn compare(answers: &[String]) {
    for (index, (answer, expected)) in answers.iter().zip(EXPECTED).enumerate() {
        assert!(answer.starts_with(expected), "{index}: {answers:#?}");
    }
    assert_eq!(answers.len(), EXPECTED.len(), "{answers:#?}");
}

#[test]
fn both_facades_answer_alike_through_both_doors() {
    for door in [Door::Async, Door::Blocking] {
        let setting = Setting::new();
        compare(&answers(door, &setting.pool_async(), &setting.script));
        let setting = Setting::new();
        compare(&answers(door, &setting.pool_sync(), &setting.script));
    }
}

/// Callers through both doors, in one line: served in the order in which they came.
fn one_line<D: Driver<Object = Thing>>(pool: &Core<D>) {
    pool.reconfigure(|c| c.fairness = Fairness::Strict).unwrap();
    pool.resize(1).unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let held = pool.acquire_blocking().unwrap();
    thread::scope(|scope| {
        for caller in 0..6 {
            let order = &order;
            scope.spawn(move || {
                let door = [Door::Async, Door::Blocking][caller % 2];
                let guard = door.acquire(pool).unwrap();
                order.lock().unwrap().push(caller);
                drop(guard);
            });
            while pool.status().waiting <= caller {
                thread::yield_now();
            }
        }
        drop(held);
    });
    assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}

#[test]
fn callers_of_both_doors_stand_in_one_line() {
    one_line(&Setting::new().pool_async());
    one_line(&Setting::new().pool_sync());
}

/// A guard is as good as its object, whatever became of the handles.
fn outlives<D: Driver<Object = Thing>>(guard: CountedGuard<D>, script: &Script) {
    assert_eq!(guard.id, 1);
    drop(guard);
    let begun = Instant::now();
    while script.alive() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "never destroyed");
        thread::yield_now();
    }
    assert_eq!(script.calls(Callback::Destroy), 1);
}

#[test]
fn a_guard_outlives_the_handles_of_both() {
    for door in [Door::Async, Door::Blocking] {
        let setting = Setting::new();
        let guard = door.owned(&setting.pool_async()).unwrap();
        outlives(guard, &setting.script);
        let setting = Setting::new();
        let guard = door.owned(&setting.pool_sync()).unwrap();
        outlives(guard, &setting.script);
    }
}

/// The public functions of a source, in its order.
fn functions(path: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(root.join(path)).unwrap();
    let names = source.lines().filter_map(|line| {
        let signature = line.trim_start().strip_prefix("pub ")?;
        let (qualifiers, rest) = signature.split_once("fn ")?;
        let plain = ["", "const ", "async "].contains(&qualifiers);
        let end = rest.find(['(', '<'])?;
        plain.then(|| rest[..end].to_owned())
    });
    names.collect()
}

#[test]
fn both_facades_have_the_same_methods() {
    let (asynchronous, blocking) = (
        functions("async/src/pool.rs"),
        functions("sync/src/pool.rs"),
    );
    assert!(asynchronous.len() >= 8, "{asynchronous:?}");
    assert_eq!(asynchronous, blocking);
}

#[test]
fn both_doors_have_the_same_methods() {
    let names = functions("core/src/doors.rs");
    let of = |door: &str| -> BTreeSet<String> {
        let names = names.iter().filter_map(|name| name.strip_prefix(door));
        names.map(str::to_owned).collect()
    };
    let (asynchronous, blocking) = (of("acquire_async"), of("acquire_blocking"));
    assert!(asynchronous.len() >= 5, "{names:?}");
    assert_eq!(asynchronous, blocking);
    // What a facade calls `acquire…` is what its own door calls so.
    let own: BTreeSet<String> = functions("async/src/pool.rs")
        .iter()
        .filter_map(|name| name.strip_prefix("acquire").map(str::to_owned))
        .collect();
    assert_eq!(own, asynchronous);
}
