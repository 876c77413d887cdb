//! Row 14: the backend accepts and never answers, on the wire or because it stands still.
//!
//! Decides what holds: every step is bounded, whoever waits gets its error in time, no connection that
//! did not answer is handed out, and nothing is lost when it is over.

use std::time::{Duration, Instant};

use nebula_resource_async::{AcquireError, Pool, PoolConfig, RetireReason};

use super::{PATIENCE, Service, assert_nothing_lost, fill, pool, until};
use crate::{Mode, Proxy, Server};

const SIZE: usize = 4;
const CALLERS: usize = 8;
const ACQUIRE: Duration = Duration::from_millis(800);
const STEP: Duration = Duration::from_millis(200);

/// A machine that does other things may wake a caller late.
const LATE: Duration = Duration::from_secs(3);

fn bounds(config: &mut PoolConfig) {
    config.max_size = SIZE;
    config.acquire_timeout = ACQUIRE;
    config.create_timeout = STEP;
    config.validate_timeout = STEP;
    config.recycle_timeout = STEP;
    config.validate_after = Some(Duration::ZERO);
    config.max_concurrent_creates = 2;
}

/// Every caller gets its error, in time.
async fn none_is_served<S: Service>(pool: &Pool<S::Factory>) {
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|n| {
            let pool = pool.clone();
            let task = async move { pool.acquire().await.map(drop) };
            if n % 2 == 0 {
                return tokio::spawn(task);
            }
            let runtime = tokio::runtime::Handle::current();
            tokio::task::spawn_blocking(move || runtime.block_on(task))
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap().expect_err("nobody answers");
        let expected = matches!(
            error,
            AcquireError::TimedOut(_) | AcquireError::CreateFailed(_)
        );
        assert!(expected, "{error:?}");
    }
    assert!(start.elapsed() < ACQUIRE + LATE, "{:?}", start.elapsed());
}

async fn heals<S: Service>(pool: &Pool<S::Factory>) {
    let mut db = pool.acquire_timeout(PATIENCE).await.unwrap();
    S::query(&mut db).await.unwrap();
    drop(db);
    assert_nothing_lost::<S, _>(pool).await;
}

/// The hole is there when the first connection is made.
pub async fn new_connections_hang<S: Service>() {
    let server = S::start();
    let proxy = Proxy::to(server.address()).unwrap();
    proxy.set(Mode::BlackHole).unwrap();
    let pool = pool::<S>(&server.url_at(proxy.address()), bounds);
    none_is_served::<S>(&pool).await;
    assert!(proxy.peak() <= 2, "{} attempts at once", proxy.peak());
    let status = pool.status();
    assert_eq!(
        (status.size, status.in_use, status.waiting),
        (0, 0, 0),
        "{status:?}"
    );
    assert!(pool.stats().create_failures > 0);

    proxy.set(Mode::Pass).unwrap();
    heals::<S>(&pool).await;
    let size = pool.status().size;
    until("no connection is left over", || proxy.live() == size).await;
}

/// It opens under connections that are idle, and under one that is in use.
pub async fn open_connections_hang<S: Service>() {
    let server = S::start();
    let proxy = Proxy::to(server.address()).unwrap();
    let pool = pool::<S>(&server.url_at(proxy.address()), bounds);
    fill(&pool, SIZE).await;
    let mut in_use = pool.acquire().await.unwrap();
    proxy.set(Mode::BlackHole).unwrap();
    let query = tokio::time::timeout(STEP, S::query(&mut in_use)).await;
    assert!(query.is_err(), "{query:?}");
    drop(in_use);
    none_is_served::<S>(&pool).await;
    // Those that were found out are gone; the callers had no time for the rest.
    until("somebody was found out", || pool.stats().retired >= 1).await;
    assert_eq!(pool.stats().retired_for(RetireReason::Invalid), 0);
    assert_eq!(pool.status().in_use, 0);

    proxy.set(Mode::Pass).unwrap();
    heals::<S>(&pool).await;
    let size = pool.status().size;
    until("no connection is left over", || proxy.live() == size).await;
}

/// The server stands still: the kernel goes on accepting in its name.
pub async fn frozen<S: Service>() {
    let server: Server = S::start();
    let pool = pool::<S>(&server.url(), bounds);
    fill(&pool, SIZE).await;
    server.freeze().unwrap();
    none_is_served::<S>(&pool).await;
    until("somebody was found out", || pool.stats().retired >= 1).await;
    none_is_served::<S>(&pool).await; // with no connection left
    server.thaw().unwrap();
    heals::<S>(&pool).await;
}
