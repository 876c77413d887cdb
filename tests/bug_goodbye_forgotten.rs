//! When the last handle went, or the last guard after it, the idle objects were dropped without the
//! factory's `destroy`: nobody was left to be told that they waited for it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use nebula_resource::{BlockingFactory, Factory, Pool, RetireReason, runtime, sync};

#[derive(Clone, Default)]
struct Doors(Arc<AtomicUsize>);

impl Factory for Doors {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }

    async fn destroy(&self, (): (), _: RetireReason) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl BlockingFactory for Doors {
    type Object = ();
    type Error = String;

    fn create(&self) -> Result<(), String> {
        Ok(())
    }

    fn destroy(&self, (): (), _: RetireReason) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Doors {
    fn closed(&self, count: usize) {
        let start = Instant::now();
        while self.0.load(SeqCst) < count {
            assert!(start.elapsed() < Duration::from_secs(20), "no goodbye");
            std::thread::yield_now();
        }
        // The factory itself has gone with the pool: nothing holds it any more but the test.
        while Arc::strong_count(&self.0) > 1 {
            assert!(start.elapsed() < Duration::from_secs(20), "still held");
            std::thread::yield_now();
        }
        assert_eq!(self.0.load(SeqCst), count);
    }
}

#[test]
fn the_last_handle_says_goodbye_to_what_is_idle() {
    let doors = Doors::default();
    let builder = Pool::builder(doors.clone()).runtime(runtime::Threads);
    let pool = builder.build().unwrap();
    drop(pool.acquire_blocking_many(3).unwrap());
    drop(pool);
    doors.closed(3);
}

#[test]
fn the_last_guard_says_goodbye_to_its_object() {
    let doors = Doors::default();
    let builder = Pool::builder(doors.clone()).runtime(runtime::Threads);
    let pool = builder.build().unwrap();
    let guard = pool.acquire_blocking_owned().unwrap();
    drop(pool);
    drop(guard);
    doors.closed(1);
}

#[test]
fn a_blocking_pool_says_goodbye_too() {
    let doors = Doors::default();
    let pool = sync::Pool::new(doors.clone());
    let guard = pool.acquire_owned().unwrap();
    drop(pool.acquire().unwrap());
    drop(pool);
    drop(guard);
    doors.closed(2);
}
