//! A creation and a destruction of the blocking facade each took two helper threads, one of which
//! waited for the other: with as many under way as there may be threads, all waited, and none was left
//! to do what they waited for, until the bounds of the callbacks ended it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use nebula_resource::{BlockingFactory, PoolConfig, RetireReason, sync};

/// More than the 512 threads that one crew may have.
const MANY: usize = 600;
const LONG: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl BlockingFactory for Counted {
    type Object = ();
    type Error = String;

    fn create(&self) -> Result<(), String> {
        Ok(())
    }

    fn destroy(&self, (): (), _: RetireReason) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn bug_helpers_all_wait_for_each_other() {
    let destroyed = Counted::default();
    let config = PoolConfig {
        max_size: MANY,
        max_concurrent_creates: MANY,
        create_timeout: Duration::from_secs(5),
        acquire_timeout: LONG,
        ..PoolConfig::default()
    };
    let builder = sync::Pool::builder(destroyed.clone()).config(config);
    let pool = builder.build().unwrap();
    let guards = pool.acquire_many(MANY).unwrap();
    assert_eq!(pool.stats().create_failures, 0);
    drop(guards);
    assert!(pool.close().wait_timeout(LONG), "{:?}", pool.stats());
    // Where their time was up the pool did not wait for them.
    assert_eq!(destroyed.0.load(SeqCst), MANY);
}
