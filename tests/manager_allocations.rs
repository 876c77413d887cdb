//! What asking the manager costs in allocations, when an instance is idle: none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use nebula_resource::context::Cancellation;
use nebula_resource::{Context, Manager, Scope};
use world::{Db, DbConfig, File, everybody};

/// Polls a future that needs no waiting.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn manager() -> Manager {
    let manager = Manager::new();
    let acme = Scope::tenant("acme").unwrap();
    for (key, scope) in [
        ("db", Scope::GLOBAL),
        ("db", acme),
        ("other", Scope::GLOBAL),
    ] {
        let registration = manager.register(key, Db::new(), DbConfig::new("a"));
        registration.scope(scope).wait().unwrap();
    }
    manager
        .register_blocking("file", File::default(), ())
        .unwrap();
    manager
}

#[test]
fn acquiring_what_is_idle_allocates_nothing() {
    let manager = manager();
    let deep = Scope::tenant("acme").unwrap().workflow("w").unwrap();
    let deep = deep.execution("7").unwrap().action("send").unwrap();
    let callers = [
        everybody(),
        Context::new(deep),
        everybody()
            .with_cancellation(Cancellation::new())
            .with_deadline(Instant::now() + Duration::from_secs(600))
            .with_metadata("queue", "nightly"),
    ];
    for ctx in &callers {
        let once = || {
            drop(manager.acquire_blocking::<Db>("db", ctx).unwrap());
            drop(at_once(manager.acquire::<Db>("db", ctx)).unwrap());
            drop(manager.acquire_blocking::<File>("file", ctx).unwrap());
            drop(at_once(manager.acquire::<File>("file", ctx)).unwrap());
        };
        futures::executor::block_on(async {
            drop(manager.acquire::<Db>("db", ctx).await.unwrap());
            drop(manager.acquire::<File>("file", ctx).await.unwrap());
        });
        once();
        let counted = measure(|| (0..100).for_each(|_| once()));
        assert_eq!(counted.count_total, 0, "{ctx:?}");
    }
}

#[test]
fn a_handle_allocates_nothing_either() {
    let manager = manager();
    let ctx = everybody();
    let handle = manager.handle::<Db>("db", &ctx).unwrap();
    let once = || {
        drop(handle.acquire_blocking().unwrap());
        drop(at_once(handle.acquire()).unwrap());
        drop(handle.acquire_blocking_in(&ctx).unwrap());
        drop(at_once(handle.acquire_in(&ctx)).unwrap());
    };
    drop(futures::executor::block_on(handle.acquire()).unwrap());
    once();
    let counted = measure(|| (0..100).for_each(|_| once()));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(Box::new(7))));
    assert_eq!(counted.count_total, 1);
}
