//! Row 18: a thread or a task that waits for an object while it holds one of the same pool may be
//! waiting for itself. It is told so, with both places, before it waits and when its time is up.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use nebula_resource::runtime::Manual;
use nebula_resource::{AcquireError, BlockingFactory, Event, Factory, Guard, Observer, Pool, sync};

use support::Hand;

type Place = &'static Location<'static>;

#[derive(Clone, Copy)]
struct Plain;

impl Factory for Plain {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

impl BlockingFactory for Plain {
    type Object = ();
    type Error = String;

    fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Remembers where somebody was about to wait, and where it had taken what it held.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<(Place, Place)>>>);

impl Observer for Warnings {
    fn observe(&self, event: &Event<'_>) {
        if let Event::NestedAcquire { at, holding_since } = event {
            self.0.lock().unwrap().push((at, holding_since));
        }
    }
}

impl Warnings {
    fn take(&self) -> Vec<(u32, u32)> {
        let warnings = std::mem::take(&mut *self.0.lock().unwrap());
        let here = |place: Place| {
            assert_eq!(place.file(), file!());
            place.line()
        };
        let lines = warnings.iter().map(|(at, since)| (here(at), here(since)));
        lines.collect()
    }
}

/// How long a caller waits for itself here.
const SHORT: Duration = Duration::from_millis(20);

/// The error says where the object was taken that the caller itself holds, also in words.
fn names(error: &AcquireError, line: u32) {
    let AcquireError::TimedOut(report) = error else {
        panic!("{error:?}");
    };
    let nested = report.nested.expect("it held one itself");
    assert_eq!((nested.file(), nested.line()), (file!(), line));
    let text = format!("holds an object itself, taken at {}:{line}", file!());
    assert!(error.to_string().contains(&text), "{error}");
}

fn names_nobody(error: &AcquireError) {
    let AcquireError::TimedOut(report) = error else {
        panic!("{error:?}");
    };
    assert_eq!(report.nested, None, "{error}");
    assert!(!error.to_string().contains("itself"), "{error}");
}

fn pool(warnings: &Warnings) -> Pool<Plain> {
    let builder = Pool::builder(Plain).observer(warnings.clone());
    builder.max_size(1).build().unwrap()
}

fn at_rest(pool: &Pool<Plain>) {
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
    assert!(pool.try_acquire().is_some());
}

/// The body of a task that waits for itself.
async fn nested_task(pool: Pool<Plain>, warnings: Warnings) {
    let (held, outer) = (pool.acquire().await.unwrap(), line!());
    let (inner, here) = (pool.acquire_timeout(SHORT), line!());
    let error = inner.await.unwrap_err();
    names(&error, outer);
    assert_eq!(warnings.take(), [(here, outer)]);
    drop(held);
    // Held no more, it is no reason for a warning.
    drop(pool.acquire().await.unwrap());
    assert_eq!(warnings.take(), []);
    at_rest(&pool);
}

/// Two tasks, of which one holds what the other waits for: nobody waits for itself.
async fn not_nested<'p>(pool: &'p Pool<Plain>, held: Guard<'p, Plain>, warnings: &Warnings) {
    let error = pool.acquire_timeout(SHORT).await.unwrap_err();
    names_nobody(&error);
    assert_eq!(warnings.take(), []);
    drop(held);
    at_rest(pool);
}

mod fault_18_nested_acquire_is_named {
    use super::*;

    #[cfg(feature = "tokio")]
    #[test]
    fn tokio() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let warnings = Warnings::default();
            let body = nested_task(pool(&warnings), warnings);
            tokio::spawn(body).await.unwrap();
            let warnings = Warnings::default();
            nested_task(pool(&warnings), warnings).await;
        });
    }

    #[cfg(feature = "smol")]
    #[test]
    fn smol() {
        let warnings = Warnings::default();
        smol::block_on(smol::spawn(nested_task(pool(&warnings), warnings)));
    }

    #[test]
    fn threads() {
        let warnings = Warnings::default();
        nebula_resource_core::park::block_on(nested_task(pool(&warnings), warnings));
    }

    #[test]
    fn manual() {
        let (runtime, warnings) = (Manual::new(), Warnings::default());
        let builder = Pool::builder(Plain).observer(warnings.clone());
        let builder = builder.runtime(runtime.clone()).max_size(1);
        runtime.run(nested_task(builder.build().unwrap(), warnings));
    }

    #[test]
    fn blocking_door_of_an_async_pool() {
        let warnings = Warnings::default();
        let pool = pool(&warnings);
        let (held, outer) = (pool.acquire_blocking().unwrap(), line!());
        let (error, here) = (pool.acquire_blocking_timeout(SHORT), line!());
        names(&error.unwrap_err(), outer);
        assert_eq!(warnings.take(), [(here, outer)]);
        drop(held);
        at_rest(&pool);
    }

    #[test]
    fn blocking() {
        let warnings = Warnings::default();
        let builder = sync::Pool::builder(Plain).observer(warnings.clone());
        let pool = builder.max_size(2).acquire_timeout(SHORT).build().unwrap();
        let other = thread::scope(|scope| scope.spawn(|| pool.acquire().unwrap()).join().unwrap());
        let (held, outer) = (pool.acquire().unwrap(), line!());
        let (error, here) = (pool.acquire_many(2), line!());
        names(&error.unwrap_err(), outer);
        assert_eq!(warnings.take(), [(here, outer)]);
        drop((held, other));
        assert!(pool.audit().balanced(), "{:?}", pool.audit());
        assert!(pool.acquire().is_ok());
    }
}

mod fault_18_others_are_not_accused {
    use super::*;

    #[cfg(feature = "tokio")]
    #[test]
    fn tokio() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let warnings = Warnings::default();
        let pool = pool(&warnings);
        let held = pool.acquire_blocking().unwrap();
        let body = tokio::task::LocalSet::new();
        body.block_on(&runtime, not_nested(&pool, held, &warnings));
    }

    #[test]
    fn threads() {
        let warnings = Warnings::default();
        let pool = pool(&warnings);
        let held = thread::scope(|scope| {
            let taker = scope.spawn(|| pool.acquire_blocking().unwrap());
            taker.join().unwrap()
        });
        let error = pool.acquire_blocking_timeout(SHORT).unwrap_err();
        names_nobody(&error);
        assert_eq!(warnings.take(), []);
        drop(held);
        at_rest(&pool);
    }

    #[test]
    fn manual() {
        let (runtime, warnings) = (Manual::new(), Warnings::default());
        let builder = Pool::builder(Plain).observer(warnings.clone());
        let pool = builder
            .runtime(runtime.clone())
            .max_size(1)
            .build()
            .unwrap();
        // The other task is still there, or its address could be taken for this one's.
        let mut other = Hand::new(pool.acquire());
        assert!(other.poll().is_pending());
        runtime.run_until_idle();
        let Poll::Ready(Ok(held)) = other.poll() else {
            panic!("it was made");
        };
        runtime.run(not_nested(&pool, held, &warnings));
    }
}
