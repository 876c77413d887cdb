//! What an acquire and a release cost when an object is idle, beside a bare ring and a mutex.
//!
//! One thread: shows a change in our own code. How we compare with other pools, and under
//! contention, is another program's question.

use std::hint::black_box;
use std::sync::Mutex;

use criterion::{Criterion, criterion_group, criterion_main};
use crossbeam_queue::ArrayQueue;
use nebula_resource_benches::{STRATEGIES, async_pool, blocking_pool};

const OBJECTS: usize = 8;

fn floor(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    let ring = ArrayQueue::new(OBJECTS);
    let _full = ring.push(Box::new(0_u64));
    group.bench_function("ring", |bencher| {
        bencher.iter(|| {
            let object = ring.pop();
            if let Some(object) = black_box(object) {
                let _full = ring.push(object);
            }
        });
    });
    let stack = Mutex::new(vec![Box::new(0_u64)]);
    group.bench_function("mutex", |bencher| {
        bencher.iter(|| {
            let object = stack.lock().ok().and_then(|mut stack| stack.pop());
            if let (Some(object), Ok(mut stack)) = (black_box(object), stack.lock()) {
                stack.push(object);
            }
        });
    });
    group.finish();
}

fn doors(criterion: &mut Criterion) {
    for strategy in STRATEGIES {
        let mut group = criterion.benchmark_group(format!("{strategy:?}"));
        let pool = blocking_pool(strategy, OBJECTS);
        group.bench_function("blocking", |bencher| {
            bencher.iter(|| drop(black_box(pool.acquire())));
        });
        group.bench_function("blocking owned", |bencher| {
            bencher.iter(|| drop(black_box(pool.acquire_owned())));
        });
        group.bench_function("try", |bencher| {
            bencher.iter(|| drop(black_box(pool.try_acquire())));
        });
        let pool = async_pool(strategy, OBJECTS);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        if let Ok(runtime) = runtime {
            group.bench_function("async", |bencher| {
                bencher.iter_custom(|rounds| {
                    let started = std::time::Instant::now();
                    runtime.block_on(async {
                        for _ in 0..rounds {
                            drop(black_box(pool.acquire().await));
                        }
                    });
                    started.elapsed()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(uncontended, floor, doors);
criterion_main!(uncontended);
