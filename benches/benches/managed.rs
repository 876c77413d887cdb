//! What asking the manager costs beside asking its pool, when an instance is idle.
//!
//! One thread, nothing attached. The bars: a managed acquire and release at most twice the bare
//! pool's, a handle's at most 1.2 times, and neither grows with the number of keys.

use std::hint::black_box;
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use nebula_resource::{Context, Manager, Pool, PoolConfig, Scope};
use nebula_resource_benches::Numbers;

const KEYS: [usize; 2] = [1, 1_000];

fn small() -> PoolConfig {
    PoolConfig {
        max_size: 8,
        ..PoolConfig::default()
    }
}

fn manager(keys: usize) -> Manager {
    let manager = Manager::builder().pool(small()).build();
    for number in 0..keys {
        let registered = manager.register_blocking(format!("key {number}"), Numbers, ());
        drop(black_box(registered));
    }
    manager
}

/// Times `once` again and again on a current-thread runtime.
fn awaited<F: Future>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    once: impl Fn() -> F + Copy,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        return;
    };
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| {
            let started = Instant::now();
            runtime.block_on(async {
                for _ in 0..rounds {
                    drop(black_box(once().await));
                }
            });
            started.elapsed()
        });
    });
}

fn bare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bare");
    let Ok(pool) = Pool::builder(Numbers).config(small()).build() else {
        return;
    };
    group.bench_function("blocking", |bencher| {
        bencher.iter(|| drop(black_box(pool.acquire_blocking())));
    });
    group.bench_function("blocking owned", |bencher| {
        bencher.iter(|| drop(black_box(pool.acquire_blocking_owned())));
    });
    awaited(&mut group, "async", || pool.acquire());
    awaited(&mut group, "async owned", || pool.acquire_owned());
    group.finish();
}

fn managed(criterion: &mut Criterion) {
    for keys in KEYS {
        let mut group = criterion.benchmark_group(format!("{keys} keys"));
        let manager = manager(keys);
        let ctx = Context::new(Scope::GLOBAL);
        group.bench_function("blocking", |bencher| {
            bencher.iter(|| {
                drop(black_box(
                    manager.acquire_blocking::<Numbers>("key 0", &ctx),
                ));
            });
        });
        awaited(&mut group, "async", || {
            manager.acquire::<Numbers>("key 0", &ctx)
        });
        if let Ok(handle) = manager.handle::<Numbers>("key 0", &ctx) {
            group.bench_function("handle, blocking", |bencher| {
                bencher.iter(|| drop(black_box(handle.acquire_blocking())));
            });
            awaited(&mut group, "handle, async", || handle.acquire());
        }
        group.finish();
    }
}

/// A caller four levels inside a tenant, whose resource is everybody's, and one of 10 000 tenants
/// with a pool each.
fn scoped(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scoped");
    let manager = manager(1);
    let Ok(acme) = Scope::tenant("acme") else {
        return;
    };
    let special = manager.register("key 0", Numbers, ());
    drop(special.scope(acme).wait());
    let globex = Scope::tenant("globex").and_then(|scope| scope.workflow("w"));
    let deep = globex.and_then(|scope| scope.execution("7")?.action("a"));
    if let Ok(deep) = deep.map(Context::new) {
        group.bench_function("fallback from depth 5", |bencher| {
            bencher.iter(|| {
                drop(black_box(
                    manager.acquire_blocking::<Numbers>("key 0", &deep),
                ));
            });
        });
    }
    let tenants = manager.register_per_tenant("each", Numbers, |_| ());
    drop(tenants.at_most_together(100_000).wait());
    let contexts: Vec<_> = (0..10_000)
        .filter_map(|number| Scope::tenant(format!("tenant {number}")).ok())
        .map(Context::new)
        .collect();
    for ctx in &contexts {
        drop(manager.acquire_blocking::<Numbers>("each", ctx));
    }
    if let Some(ctx) = contexts.first() {
        group.bench_function("one of 10 000 tenants", |bencher| {
            bencher.iter(|| drop(black_box(manager.acquire_blocking::<Numbers>("each", ctx))));
        });
    }
    group.finish();
}

criterion_group!(asking, bare, managed, scoped);
criterion_main!(asking);
