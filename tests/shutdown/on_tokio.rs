//! What lives on tokio ends there; and tokio may end first.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use nebula_resource::runtime::Tokio;
use nebula_resource::{CreateContext, Manager, Resource, RetireReason};

use crate::world::{NOBODY, QUICK, Thing, World};

/// Says goodbye only inside tokio.
struct Bound;

impl Resource for Bound {
    type Config = ();
    type Instance = ();
    type Error = Infallible;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), Infallible> {
        Ok(())
    }

    async fn cleanup(&self, (): (), _: RetireReason) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A manager that found its runtime by itself is shut down by a thread that has none.
#[test]
fn what_lives_on_a_runtime_says_goodbye_there() {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let manager = Manager::new();
    tokio.block_on(async {
        manager.register("bound", Bound, ()).await.unwrap();
        drop(manager.acquire::<Bound>("bound", &NOBODY).await);
    });
    let report = manager.shutdown().wait();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), 1);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The runtime goes away in the middle: who waits is told.
#[test]
fn a_runtime_that_ends_first_is_told_of() {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let world = World::new();
    let (manager, guard) = tokio.block_on(async {
        let manager = Manager::builder()
            .runtime(Tokio::current().unwrap())
            .build();
        let thing = world.thing("main_db", QUICK);
        manager.register("main_db", thing, ()).await.unwrap();
        let guard = manager.acquire::<Thing>("main_db", &NOBODY).await.unwrap();
        (manager, guard)
    });
    let (mut shutting_down, woken) = (manager.shutdown(), Arc::new(Woken::default()));
    let waker = Waker::from(Arc::clone(&woken));
    let mut look = Context::from_waker(&waker);
    assert!(Pin::new(&mut shutting_down).poll(&mut look).is_pending());
    drop(tokio);
    assert!(woken.0.load(Ordering::SeqCst), "nobody is left to end it");
    let Poll::Ready(report) = Pin::new(&mut shutting_down).poll(&mut look) else {
        panic!("woken for nothing");
    };
    assert!(report.interrupted, "{report}");
    assert_eq!(report.guards_out().count(), 1);
    drop(guard);
}
