//! A creation and a destruction of the blocking facade each took two helper threads, one of which
//! waited for the other: with as many under way as there may be threads, all waited, and none was left
//! to do what they waited for, until the bounds of the callbacks ended it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use nebula_resource::{BlockingFactory, PoolConfig, RetireReason, sync};

/// More than twice the 512 threads that one crew may have: the first half of a full crew finds the
/// other half to work for it, and once those are done the whole crew waits.
const MANY: usize = 1100;
/// So long a callback occupies its thread, for others to queue up behind it.
const WORK: Duration = Duration::from_millis(100);
/// What a test waits for: far more than the work takes, and less than [`BOUND`], so that it fails where
/// only a bound sets things going again.
const PATIENCE: Duration = Duration::from_secs(10);
const BOUND: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl BlockingFactory for Counted {
    type Object = ();
    type Error = String;

    fn create(&self) -> Result<(), String> {
        thread::sleep(WORK);
        Ok(())
    }

    fn destroy(&self, (): (), _: RetireReason) {
        thread::sleep(WORK);
        self.0.fetch_add(1, SeqCst);
    }
}

fn pool(factory: &Counted, max_concurrent_creates: usize) -> sync::Pool<Counted> {
    let config = PoolConfig {
        max_size: MANY,
        max_concurrent_creates,
        create_timeout: BOUND,
        destroy_timeout: BOUND,
        acquire_timeout: PATIENCE,
        ..PoolConfig::default()
    };
    let builder = sync::Pool::builder(factory.clone()).config(config);
    builder.build().unwrap()
}

#[test]
fn bug_helpers_creations_wait_for_each_other() {
    let pool = pool(&Counted::default(), MANY);
    let guards = pool.acquire_many(MANY).unwrap();
    assert_eq!(guards.len(), MANY);
    assert_eq!(pool.stats().create_failures, 0);
}

#[test]
fn bug_helpers_destructions_wait_for_each_other() {
    let destroyed = Counted::default();
    let pool = pool(&destroyed, 200);
    drop(pool.acquire_many(MANY).unwrap());
    assert!(pool.close().wait_timeout(PATIENCE), "{:?}", pool.stats());
    assert_eq!(destroyed.0.load(SeqCst), MANY);
}
