//! Does a factory that recycles without waiting get what one that waits gets?
//!
//! The async facade runs a `recycle` that returns `std::future::Ready` on the spot, without a future that
//! is moved about; how often it is called, and what its errors do, must not differ.

use std::future::{Future, Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nebula_resource::runtime::Manual;
use nebula_resource::{Factory, Pool, PoolConfig, RetireReason};

#[derive(Default)]
struct Calls {
    made: AtomicUsize,
    recycled: AtomicUsize,
}

fn recycle(calls: &Calls, object: &mut usize) -> Result<(), String> {
    calls.recycled.fetch_add(1, Ordering::Relaxed);
    *object += 1;
    if *object == 3 {
        return Err("worn out".to_owned());
    }
    assert!(*object < 5, "a panic in recycle");
    Ok(())
}

/// Objects count how often they were recycled; the first made breaks at 3, others panic at 5.
fn make(calls: &Calls) -> usize {
    if calls.made.fetch_add(1, Ordering::Relaxed) == 0 {
        0
    } else {
        3
    }
}

#[derive(Clone, Default)]
struct AtOnce(Arc<Calls>);

impl Factory for AtOnce {
    type Object = usize;
    type Error = String;

    async fn create(&self) -> Result<usize, String> {
        Ok(make(&self.0))
    }

    #[expect(
        refining_impl_trait,
        reason = "the default's own type, as a user may name it"
    )]
    fn recycle(&self, object: &mut usize) -> Ready<Result<(), String>> {
        ready(recycle(&self.0, object))
    }
}

#[derive(Clone, Default)]
struct Awaiting(Arc<Calls>);

impl Factory for Awaiting {
    type Object = usize;
    type Error = String;

    async fn create(&self) -> Result<usize, String> {
        Ok(make(&self.0))
    }

    async fn recycle(&self, object: &mut usize) -> Result<(), String> {
        recycle(&self.0, object)
    }
}

/// Uses one object after the other; answers what the pool did with them.
async fn wear_out<F: Factory<Object = usize>>(runtime: Manual, factory: F) -> Vec<u64> {
    let config = PoolConfig {
        max_size: 1,
        ..PoolConfig::default()
    };
    let builder = Pool::builder(factory).runtime(runtime).config(config);
    let pool = builder.build().expect("a valid configuration");
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(*pool.acquire().await.expect("an object") as u64);
    }
    let totals = pool.stats();
    seen.push(totals.recycled);
    seen.push(totals.retired_for(RetireReason::RecycleFailed));
    seen.push(totals.retired_for(RetireReason::Panicked));
    seen
}

fn run<F: Factory<Object = usize>>(factory: F) -> Vec<u64> {
    let runtime = Manual::new();
    runtime.run(wear_out(runtime.clone(), factory))
}

fn recycled(calls: &Calls) -> usize {
    calls.recycled.load(Ordering::Relaxed)
}

#[test]
fn it_makes_no_difference_but_in_time() {
    let (at_once, awaiting) = (AtOnce::default(), Awaiting::default());
    let got = run(at_once.clone());
    // 0, 1, 2; its third recycling fails. 3, 4; its second one panics. 3, 4.
    assert_eq!(got, [0, 1, 2, 3, 4, 3, 4, 4, 1, 1]);
    assert_eq!(got, run(awaiting.clone()));
    assert_eq!(recycled(&at_once.0), 6, "once for each use but the last");
    assert_eq!(recycled(&awaiting.0), 6);
}

/// A `recycle` that is not ready is not called for the sake of finding out.
#[test]
fn what_is_not_ready_is_called_once() {
    struct Slow(Arc<Calls>);
    impl Factory for Slow {
        type Object = usize;
        type Error = String;

        async fn create(&self) -> Result<usize, String> {
            Ok(0)
        }

        fn recycle(&self, _: &mut usize) -> impl Future<Output = Result<(), String>> + Send {
            self.0.recycled.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        }
    }
    let calls = Arc::new(Calls::default());
    run(Slow(Arc::clone(&calls)));
    assert_eq!(calls.recycled.load(Ordering::Relaxed), 6);
}
