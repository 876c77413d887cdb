//! What it costs that somebody listens: hooks, subscribers and a recorder, against a managed acquire and
//! release of which nobody is told; and how many events a subscriber hears in a second.
//!
//! The bars: with nobody there, no measurable cost; over a million events a second to one subscriber.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use metrics_exporter_prometheus::PrometheusBuilder;
use nebula_resource::events::{DEFAULT_BACKLOG, Subscription};
use nebula_resource::hooks::{Attachment, Hook, Operation};
use nebula_resource::metrics::Metrics;
use nebula_resource::{Context, Filter, Handle, Manager, Scope};
use nebula_resource_benches::Numbers;

/// Does nothing, whenever it is called.
struct Idle;

impl Hook for Idle {}

/// A manager with one resource, and how to ask for that.
fn numbers() -> Option<(Manager, Handle<Numbers>)> {
    let manager = Manager::new();
    let handle = manager.register_blocking("numbers", Numbers, ()).ok()?;
    Some((manager, handle))
}

/// Times an acquire and its release while whoever `attach` brings along is there.
fn with<L>(criterion: &mut Criterion, name: &str, attach: impl FnOnce(&Manager) -> L) {
    let Some((manager, _handle)) = numbers() else {
        return;
    };
    let ctx = Context::new(Scope::GLOBAL);
    let listener = attach(&manager);
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let acquired = manager.acquire_blocking::<Numbers>("numbers", &ctx);
            drop(black_box(acquired));
        });
    });
    drop(listener);
}

fn subscribers(manager: &Manager, count: usize) -> Vec<Subscription> {
    (0..count).map(|_| manager.events().subscribe()).collect()
}

fn listeners(criterion: &mut Criterion) {
    with(criterion, "nobody", |_| ());
    with(criterion, "one hook", |manager| {
        manager.hooks().attach(Idle)
    });
    with(criterion, "one hook, for something else", |manager| {
        manager
            .hooks()
            .attach(Attachment::new(Idle).on([Operation::Cleanup]))
    });
    with(criterion, "one subscriber", |manager| {
        subscribers(manager, 1)
    });
    with(criterion, "eight subscribers", |manager| {
        subscribers(manager, 8)
    });
    with(criterion, "one subscriber, to something else", |manager| {
        let elsewhere = Scope::tenant("elsewhere").unwrap_or(Scope::GLOBAL);
        let filter = Filter::all().within(elsewhere);
        manager.events().subscribe_to(filter, DEFAULT_BACKLOG)
    });
    with(criterion, "a recorder", |manager| {
        Metrics::attach_to(manager, PrometheusBuilder::new().build_recorder())
    });
}

/// Counts what it hears until it is told to stop.
fn hear(mut subscription: Subscription, stop: &AtomicBool) -> u64 {
    let mut told = 0;
    while !stop.load(Ordering::Relaxed) {
        told += u64::from(subscription.try_recv().is_ok());
    }
    told
}

/// One thread causes two events with each round; others hear them.
fn heard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(2));
    for count in [0, 1, 8] {
        let Some((manager, handle)) = numbers() else {
            return;
        };
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for subscription in subscribers(&manager, count) {
                scope.spawn(|| black_box(hear(subscription, &stop)));
            }
            group.bench_function(format!("heard by {count}"), |bencher| {
                bencher.iter(|| drop(black_box(handle.acquire_blocking())));
            });
            stop.store(true, Ordering::Relaxed);
        });
    }
    group.finish();
}

/// One thread that causes events and hears them itself: both sides of the work, and nothing is lost.
fn told_and_heard(criterion: &mut Criterion) {
    let Some((manager, handle)) = numbers() else {
        return;
    };
    let mut subscription = manager.events().subscribe();
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(2));
    group.bench_function("told and heard", |bencher| {
        bencher.iter_custom(|rounds| {
            let started = Instant::now();
            for _ in 0..rounds {
                drop(black_box(handle.acquire_blocking()));
                while let Ok(event) = subscription.try_recv() {
                    drop(black_box(event));
                }
            }
            started.elapsed()
        });
    });
    group.finish();
}

criterion_group!(listening, listeners, heard, told_and_heard);
criterion_main!(listening);
