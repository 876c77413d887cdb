//! Row 22 at the level of a pool: a thousand pools, ten thousand objects. No thread, no task and no
//! timer for each; and what each costs in memory, counted by the allocator and held.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::alloc::System;
use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use cap::Cap;
use nebula_resource::runtime::Manual;
use nebula_resource::{BlockingFactory, Factory, Pool, sync};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const POOLS: usize = 1000;
const OBJECTS: usize = 10;

/// What a pool of ten costs before its first use: its own fields and its configuration. The stores for idle
/// objects are made with the first object.
const EMPTY: usize = 1_500;
/// What the first use adds, without the stripes, of which there are two for each processor: how long its callers
/// waited, the ring's forty places, and an object.
const FIRST_USE: usize = 2_000;
/// What an object costs beyond itself: its metadata, and the record that others may read, a cache line each
/// (`docs/decisions/0022-a-line-each.md`).
const OBJECT: usize = 200;

struct Numbers;

impl Factory for Numbers {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
    }
}

impl BlockingFactory for Numbers {
    type Object = u64;
    type Error = Infallible;

    fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
    }
}

/// Bytes that `make` leaves allocated for each of `count` of what it makes.
fn bytes_each<T>(count: usize, make: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.allocated();
    let made = make();
    (made, (ALLOCATOR.allocated() - before) / count)
}

fn async_pools(runtime: &Manual) -> Vec<Pool<Numbers>> {
    let one = || {
        let builder = Pool::builder(Numbers).max_size(OBJECTS);
        builder.runtime(runtime.clone()).build().unwrap()
    };
    (0..POOLS).map(|_| one()).collect()
}

/// How many jobs the runtime has; it tells nobody else.
fn jobs(runtime: &Manual) -> String {
    format!("{runtime:?}")
}

/// One at a time, where they run in one process: they count what the process has.
static COUNTING: Mutex<()> = Mutex::new(());

#[test]
fn fault_22_a_thousand_pools_and_ten_thousand_objects() {
    let _alone = COUNTING.lock();
    let runtime = Manual::new();
    // Whatever the process needs once.
    let first = Manual::new();
    let used = async_pools(&first);
    drop(first.run(used[0].acquire_many(OBJECTS)).unwrap());
    drop(used);
    let no_jobs = jobs(&Manual::new());

    let (pools, per_pool) = bytes_each(POOLS, || async_pools(&runtime));
    println!("bytes for an empty pool: {per_pool}");
    assert_eq!(jobs(&runtime), no_jobs, "an unused pool has no task");
    let timers = runtime.manual_clock().pending_alarms();
    assert_eq!(timers, 0, "and no timer");

    // Used once, it knows how long its callers waited.
    let use_each = |count| {
        for pool in &pools {
            drop(runtime.run(pool.acquire_many(count)).unwrap());
        }
        runtime.run_until_idle();
    };
    let ((), first_use) = bytes_each(POOLS, || use_each(1));
    println!("bytes for its first use: {first_use}");
    let ((), per_object) = bytes_each(POOLS * (OBJECTS - 1), || use_each(OBJECTS));
    println!(
        "bytes for an idle object of {}: {per_object}",
        size_of::<u64>()
    );
    assert_eq!(jobs(&runtime), no_jobs, "a used pool has no task");
    let timers = runtime.manual_clock().pending_alarms();
    assert!(
        timers <= POOLS,
        "{timers} timers: one entry in a table for each pool"
    );

    // Rounds of maintenance come and go, and leave nothing behind.
    let before = ALLOCATOR.allocated();
    runtime.advance(Duration::from_secs(120));
    println!(
        "{} bytes for {POOLS} pools and their objects",
        ALLOCATOR.allocated()
    );
    assert_eq!(jobs(&runtime), no_jobs);
    assert!(runtime.manual_clock().pending_alarms() <= POOLS);
    let grown = ALLOCATOR.allocated().saturating_sub(before) / POOLS;
    assert!(
        grown < 64,
        "{grown} bytes more for each pool after four rounds"
    );

    assert!(per_pool <= EMPTY, "{per_pool} bytes for an empty pool");
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let stripes = (2 * processors).next_power_of_two().min(64);
    assert!(
        first_use <= FIRST_USE + 128 * stripes,
        "{first_use} bytes for its first use"
    );
    let beyond = per_object - size_of::<u64>();
    assert!(
        beyond <= OBJECT,
        "{beyond} bytes for an object beyond itself"
    );
}

/// Threads of this process, where the system tells.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

#[test]
fn fault_22_no_thread_for_each_pool() {
    let _alone = COUNTING.lock();
    let Some(before) = threads() else {
        return;
    };
    let one = || {
        sync::Pool::builder(Numbers)
            .max_size(OBJECTS)
            .build()
            .unwrap()
    };
    let pools: Vec<_> = (0..POOLS).map(|_| one()).collect();
    for pool in &pools {
        drop(pool.acquire_many(OBJECTS).unwrap());
    }
    let during = threads().unwrap();
    // The clock, and the helpers of a few pools that make four objects at a time; in both crews.
    assert!(
        during <= before + 64,
        "{before} threads before, {during} with {POOLS} pools"
    );
}
