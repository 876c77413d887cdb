//! The runtimes by themselves: does each do what [`Runtime`] promises, whoever calls?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use nebula_resource::runtime::{AnyRuntime, BlockingJob, Manual, NoRuntime, Threads};
use nebula_resource::{AcquireError, Factory, Pool, Runtime};
use nebula_resource_core::Job;

const LONG: Duration = Duration::from_secs(20);

/// On which threads a job and a piece of blocking work were run.
fn where_it_runs(runtime: &impl Runtime) -> [ThreadId; 2] {
    let (tell, told) = mpsc::channel();
    let job = tell.clone();
    let spawned = runtime.spawn(Box::pin(async move {
        job.send(thread::current().id()).unwrap();
    }));
    assert!(spawned.is_ok());
    let first = told.recv_timeout(LONG).unwrap();
    let work = move || tell.send(thread::current().id()).unwrap();
    assert!(runtime.spawn_blocking(Box::new(work)).is_ok());
    [first, told.recv_timeout(LONG).unwrap()]
}

fn runs_elsewhere(runtime: &impl Runtime) {
    assert!(runtime.can_spawn());
    assert!(!where_it_runs(runtime).contains(&thread::current().id()));
    let mut ran_on = None;
    let mut job = std::pin::pin!(async { ran_on = Some(thread::current().id()) });
    runtime.block_on(job.as_mut());
    assert_eq!(ran_on, Some(thread::current().id()));
}

#[test]
fn threads_run_everything_elsewhere() {
    runs_elsewhere(&Threads);
}

#[cfg(feature = "smol")]
#[test]
fn smol_runs_everything_elsewhere() {
    runs_elsewhere(&nebula_resource::runtime::Smol);
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_runs_everything_elsewhere() {
    use nebula_resource::runtime::Tokio;

    let refused = Tokio::current().unwrap_err().to_string();
    assert!(
        refused.starts_with("there is no tokio runtime here"),
        "{refused}"
    );
    let tokio = tokio::runtime::Runtime::new().unwrap();
    runs_elsewhere(&Tokio::from(tokio.handle().clone()));
    runs_elsewhere(&tokio.block_on(async { Tokio::current() }).unwrap());
}

/// What cannot be run comes back unharmed.
#[test]
fn no_runtime_gives_everything_back() {
    let (tell, told) = mpsc::channel();
    let job = tell.clone();
    assert!(!NoRuntime.can_spawn());
    let Err(job) = NoRuntime.spawn(Box::pin(async move { job.send("job").unwrap() })) else {
        panic!("there is nowhere to run it");
    };
    let Err(work) = NoRuntime.spawn_blocking(Box::new(move || tell.send("work").unwrap())) else {
        panic!("there is nowhere to run it");
    };
    assert!(told.try_recv().is_err());
    nebula_resource_core::park::block_on(job);
    work();
    assert_eq!(told.iter().collect::<Vec<_>>(), ["job", "work"]);
}

#[test]
fn sleep_goes_by_the_runtimes_clock() {
    let runtime = Manual::default();
    let begun = runtime.manual_clock().now();
    let mut nap = runtime.sleep(Duration::from_secs(3600));
    runtime.block_on(nap.as_mut());
    let slept = runtime.manual_clock().now().since(begun);
    assert_eq!(slept, Duration::from_secs(3600));
}

#[test]
fn manual_runs_what_it_is_given_when_it_is_told_to() {
    let runtime = Manual::new();
    let (tell, told) = mpsc::channel();
    let work = move || tell.send(thread::current().id()).unwrap();
    assert!(runtime.spawn_blocking(Box::new(work)).is_ok());
    assert!(told.try_recv().is_err(), "nothing happens by itself");
    runtime.run_until_idle();
    assert_eq!(told.try_recv(), Ok(thread::current().id()));
}

/// A job that has the runtime run the others does not make it lose count of them.
#[test]
fn manual_may_be_run_from_within() {
    let runtime = Manual::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (outer, first) = (runtime.clone(), Arc::clone(&order));
    let nested = Box::pin(async move {
        outer.run_until_idle();
        first.lock().unwrap().push("outer");
    });
    assert!(runtime.spawn(nested).is_ok());
    let second = Arc::clone(&order);
    let other = Box::pin(async move { second.lock().unwrap().push("inner") });
    assert!(runtime.spawn(other).is_ok());
    runtime.run_until_idle();
    assert_eq!(*order.lock().unwrap(), ["inner", "outer"]);
}

#[test]
#[should_panic(expected = "nothing would ever wake it")]
fn manual_does_not_wait_for_what_never_comes() {
    Manual::new().run(std::future::pending::<()>());
}

struct Unit;

impl Factory for Unit {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A runtime is not shown: it may hold what it likes.
#[test]
fn any_runtime_shows_nothing() {
    let runtime: AnyRuntime = Manual::new().into();
    assert_eq!(format!("{runtime:?}"), "AnyRuntime");
    let pool = Pool::builder(Unit).runtime(runtime).build().unwrap();
    assert!(pool.shared().driver().runtime().can_spawn());
}

/// Takes every job, and runs none of them.
#[derive(Clone, Default)]
struct Forgetful(Arc<Mutex<Vec<Job>>>);

impl Runtime for Forgetful {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        self.0.lock().unwrap().push(job);
        Ok(())
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        Err(work)
    }
}

/// Whoever waits for a creation that its runtime has dropped is told so; the place is free again.
#[test]
fn a_creation_that_its_runtime_drops_has_failed() {
    let runtime = Forgetful::default();
    let builder = Pool::builder(Unit).max_size(1).runtime(runtime.clone());
    let pool = builder.configure(|c| c.fail_fast = true).build().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut acquire = Box::pin(pool.acquire());
    assert!(acquire.as_mut().poll(&mut cx).is_pending());
    assert_eq!(pool.status().creating, 1);

    let jobs = std::mem::take(&mut *runtime.0.lock().unwrap());
    drop(jobs);
    let Poll::Ready(Err(AcquireError::CreateFailed(report))) = acquire.as_mut().poll(&mut cx)
    else {
        panic!("nobody makes it an object any more");
    };
    let why = report.to_string();
    assert!(why.contains("dropped by its runtime"), "{why}");
    assert_eq!(pool.status().creating, 0);
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}
