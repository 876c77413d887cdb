//! User code ran under the line's lock, or in the middle of the books: the drop of what a creation
//! failed with, and the drop of a waker. The one dead-locked when it looked at its pool, the other
//! lost a waiter's objects when it panicked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use nebula_resource::runtime::Manual;
use nebula_resource::{Factory, Pool};

type Where = Arc<OnceLock<Pool<Failing>>>;

/// Never makes anything.
struct Failing(Where);

/// An error that looks at its pool when it is dropped.
#[derive(Debug)]
struct Nosy(Where);

impl Factory for Failing {
    type Object = ();
    type Error = Nosy;

    async fn create(&self) -> Result<(), Nosy> {
        Err(Nosy(Arc::clone(&self.0)))
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no luck")
    }
}

impl std::error::Error for Nosy {}

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(pool) = self.0.get() {
            let _status = pool.status();
        }
    }
}

#[test]
fn bug_cause_dropped_under_the_lock() {
    let (tell, told) = mpsc::channel();
    // On a thread of its own, so that a dead-lock fails the test.
    thread::spawn(move || {
        let (runtime, place) = (Manual::new(), Where::default());
        let builder = Pool::builder(Failing(Arc::clone(&place)));
        let pool = builder.runtime(runtime.clone()).build().unwrap();
        place.set(pool.clone()).unwrap();
        let refused = runtime.run(pool.acquire_timeout(Duration::from_secs(5)));
        tell.send(refused.is_err()).unwrap();
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(true));
}

struct Units;

impl Factory for Units {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A waker that may be called, but not dropped.
struct Grenade;

impl Wake for Grenade {
    fn wake(self: Arc<Self>) {
        std::mem::forget(self);
    }
}

impl Drop for Grenade {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("from a waker's destructor");
        }
    }
}

fn pool_of_two() -> (Manual, Pool<Units>) {
    let runtime = Manual::new();
    let builder = Pool::builder(Units).max_size(2).runtime(runtime.clone());
    (runtime, builder.build().unwrap())
}

#[test]
fn bug_waker_panics_when_its_waiter_leaves() {
    let (runtime, pool) = pool_of_two();
    let mut held = runtime.run(pool.acquire_many(2)).unwrap();
    let mut many = Box::pin(pool.acquire_many(2));
    let waker = Waker::from(Arc::new(Grenade));
    let mut cx = Context::from_waker(&waker);
    assert!(many.as_mut().poll(&mut cx).is_pending());
    // From now on the waiter has the only one; and then one of two objects.
    drop(waker);
    held.pop();
    let _may_panic = catch_unwind(AssertUnwindSafe(|| drop(many)));
    drop(held);
    let audit = pool.audit();
    assert!(audit.balanced() && audit.idle == 2, "{audit:?}");
}

#[test]
fn bug_waker_panics_when_it_is_replaced() {
    let (runtime, pool) = pool_of_two();
    let held = runtime.run(pool.acquire_many(2)).unwrap();
    let mut waiter = Box::pin(pool.acquire_timeout(Duration::from_secs(1)));
    let waker = Waker::from(Arc::new(Grenade));
    let mut cx = Context::from_waker(&waker);
    assert!(waiter.as_mut().poll(&mut cx).is_pending());
    drop(waker);
    // Its deadline holds nevertheless: here it gets a waker that can be dropped.
    assert!(runtime.run(waiter).is_err());
    drop(held);
    let audit = pool.audit();
    assert!(audit.balanced() && audit.idle == 2, "{audit:?}");
}
