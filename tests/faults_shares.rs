//! Row 17, over a second: does everybody get the same share of the pool?
//!
//! The only tests here that need real time: the row asks what a second comes to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use nebula_resource::runtime::Threads;
use nebula_resource::{Factory, Pool};
use nebula_resource_core::park::block_on;

struct Plain;

impl Factory for Plain {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Four objects, and the fairness that pools have by default.
fn pool() -> Pool<Plain> {
    let builder = Pool::builder(Plain).runtime(Threads);
    builder.max_size(4).build().unwrap()
}

/// R. Jain's index: 1 when all got the same, 1/n when one got everything.
fn jain(shares: &[usize]) -> f64 {
    let sum: f64 = shares.iter().map(|share| *share as f64).sum();
    let squares: f64 = shares.iter().map(|share| (*share as f64).powi(2)).sum();
    sum * sum / (shares.len() as f64 * squares)
}

/// The row's own number, in a build that is meant to be measured. A debug build gets round a tenth as
/// often in a second, on a machine that it shares with all other tests: what chance does weighs more
/// then. (Unbounded overtaking gave 0.78 to 0.92 to tasks, 0.74 and more to threads.)
fn least(row: f64) -> f64 {
    if cfg!(debug_assertions) { 0.93 } else { row }
}

const A_SECOND: Duration = Duration::from_secs(1);

#[test]
fn fault_17_jain_index_async() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (pool, stop) = (pool(), Arc::new(AtomicBool::new(false)));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (pool, stop) = (pool.clone(), Arc::clone(&stop));
            runtime.spawn(async move {
                let mut share = 0;
                while !stop.load(SeqCst) {
                    let guard = pool.acquire().await.unwrap();
                    tokio::task::yield_now().await;
                    drop(guard);
                    share += 1;
                }
                share
            })
        })
        .collect();
    thread::sleep(A_SECOND);
    stop.store(true, SeqCst);
    let shares: Vec<usize> = tasks.into_iter().map(|t| block_on(t).unwrap()).collect();
    let index = jain(&shares);
    let least = least(0.999);
    assert!(index >= least, "{index} {shares:?}");
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}

#[test]
fn fault_17_jain_index_threads() {
    let (pool, stop) = (pool(), AtomicBool::new(false));
    let shares: Vec<AtomicUsize> = (0..16).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for share in &shares {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    let guard = pool.acquire_blocking().unwrap();
                    let begun = Instant::now();
                    while begun.elapsed() < Duration::from_micros(20) {
                        std::hint::spin_loop();
                    }
                    drop(guard);
                    share.fetch_add(1, SeqCst);
                }
            });
        }
        thread::sleep(A_SECOND);
        stop.store(true, SeqCst);
    });
    let shares: Vec<usize> = shares.iter().map(|share| share.load(SeqCst)).collect();
    let index = jain(&shares);
    let least = least(0.97);
    assert!(index >= least, "{index} {shares:?}");
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}
