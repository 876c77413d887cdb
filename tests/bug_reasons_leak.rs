//! Why an object is dropped was noted on the thread, and stayed there when a callback's future panicked
//! while it was dropped: the next object that a caller gave up was retired for the wrong reason.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::pending;
use std::task::{Context, Waker};
use std::time::Duration;

use nebula_resource::runtime::Manual;
use nebula_resource::{Factory, Pool, RetireReason};

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("from a destructor in a callback");
        }
    }
}

/// Recycles for ever; the future that does may panic when it is dropped.
struct Hanging {
    panics: bool,
}

impl Factory for Hanging {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }

    async fn recycle(&self, (): &mut ()) -> Result<(), String> {
        let _bomb = self.panics.then(|| Bomb);
        pending().await
    }
}

fn used_once(runtime: &Manual, panics: bool) -> Pool<Hanging> {
    let builder = Pool::builder(Hanging { panics }).max_size(1);
    let pool = builder.runtime(runtime.clone()).build().unwrap();
    drop(runtime.run(pool.acquire()).unwrap());
    pool
}

#[test]
fn bug_reasons_leak() {
    let runtime = Manual::new();
    let (bad, good) = (used_once(&runtime, true), used_once(&runtime, false));
    let timed_out = runtime.run(bad.acquire_timeout(Duration::from_millis(10)));
    assert!(timed_out.is_err());
    let mut caller = Box::pin(good.acquire());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(caller.as_mut().poll(&mut cx).is_pending());
    drop(caller);
    let totals = good.stats();
    assert_eq!(totals.retired, 1, "{totals:?}");
    assert_eq!(totals.retired_for(RetireReason::Abandoned), 1, "{totals:?}");
}
