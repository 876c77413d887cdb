//! A runtime that refuses a creation gives it back, and the caller runs it. When an object came back
//! first and the creation was dropped, that counted as one that its runtime had lost: a failure, and
//! nobody else could create until the backoff was over. (Found by `shuttle-tests`, `turns`.)

mod support;

use std::task::Poll;

use nebula_resource::Pool;
use nebula_resource::clock::Clock;
use nebula_resource::runtime::{BlockingJob, Runtime};
use nebula_resource_core::Job;
use support::*;

/// Promises a background, and refuses all it is given.
struct Unwilling;

impl Runtime for Unwilling {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        Err(job)
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        Err(work)
    }
}

async fn overtaken(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 2,
        ..h.config()
    };
    let pool = Pool::builder(script.clone())
        .config(config)
        .runtime(Unwilling)
        .clock(Clock::manual(h.hand()))
        .build()
        .expect("a valid configuration");
    let guard = pool.acquire().await.expect("an object");
    script.always(Callback::Create, Act::Hang);
    let mut overtaken = Hand::new(pool.acquire());
    assert!(overtaken.poll().is_pending(), "its creation hangs");
    drop(guard);
    let Poll::Ready(Ok(guard)) = overtaken.poll() else {
        panic!("an object came back");
    };
    assert_eq!(pool.stats().create_failures, 0, "nothing failed");
    script.heal();
    let mut next = Hand::new(pool.acquire());
    assert!(next.poll().is_ready(), "no time has passed, and none need");
    drop(guard);
}

#[test]
fn bug_refused_creation_counts_as_lost() {
    run(overtaken);
}
