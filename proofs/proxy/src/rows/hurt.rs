//! Row 26: a real server is killed, frozen, started again, and cut off in the middle of an answer, while
//! tasks and threads use it.
//!
//! Decides what holds: the pool itself fails nobody, a query fails at most once for each connection
//! that the fault has killed, every caller is served afterwards, and nothing is lost.

use std::time::{Duration, Instant};

use nebula_resource_async::Pool;

use super::load::Load;
use super::outage::Running;
use super::{PATIENCE, Service, assert_nothing_lost, pool, until};
use crate::{End, Mode, Proxy};

const SIZE: usize = 4;
const TASKS: usize = 12;
const THREADS: usize = 6;

/// More than a socket's buffers hold, so that the end of it is still on its way when its start is read.
const LONG: usize = 2_000_000;

/// Lets the load run until everybody has had a turn.
async fn a_while(load: &Load) {
    load.all_served_since(Instant::now()).await;
}

fn start<S: Service>(pool: &Pool<S::Factory>, load: &mut Load) -> Running {
    let mut running = Running::default();
    for _ in 0..TASKS {
        running.task::<S, _>(pool, load.caller(PATIENCE));
    }
    for _ in 0..THREADS {
        running.thread::<S, _>(pool, load.caller(PATIENCE));
    }
    running
}

/// SIGKILL and a new start, twice.
pub async fn killed_under_load<S: Service>() {
    const TIMES: usize = 2;
    let mut server = S::start();
    let pool = pool::<S>(&server.url(), |config| config.max_size = SIZE);
    let mut load = Load::default();
    let running = start::<S>(&pool, &mut load);
    for _ in 0..TIMES {
        a_while(&load).await;
        server.kill().unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start().unwrap();
    }
    a_while(&load).await;
    load.stop();
    running.join().await;
    let (acquires, queries) = load.failures();
    println!("killed {TIMES} times: {queries} queries failed");
    assert_eq!(acquires, 0, "{:?}", load.first_failure());
    assert!(
        queries <= TIMES * SIZE,
        "{queries}: {:?}",
        load.first_failure()
    );
    assert_nothing_lost::<S, _>(&pool).await;
}

/// SIGSTOP, and SIGCONT a moment later: everybody waits, nobody fails.
pub async fn frozen_under_load<S: Service>() {
    let server = S::start();
    let pool = pool::<S>(&server.url(), |config| {
        config.max_size = SIZE;
        config.validate_timeout = PATIENCE;
    });
    let mut load = Load::default();
    let running = start::<S>(&pool, &mut load);
    for _ in 0..3 {
        a_while(&load).await;
        server.freeze().unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.thaw().unwrap();
    }
    a_while(&load).await;
    load.stop();
    running.join().await;
    assert_eq!(load.failures(), (0, 0), "{:?}", load.first_failure());
    assert_eq!(pool.stats().retired, 0);
    assert_nothing_lost::<S, _>(&pool).await;
}

/// The connection ends in the middle of an answer, both ways that one can end.
pub async fn cut_in_a_query<S: Service>() {
    let server = S::start();
    let proxy = Proxy::to(server.address()).unwrap();
    let pool = pool::<S>(&server.url_at(proxy.address()), |config| {
        config.max_size = SIZE;
    });
    let mut load = Load::default();
    let running = start::<S>(&pool, &mut load);
    for end in [End::Reset, End::Finish] {
        a_while(&load).await;
        let mut db = pool.acquire_timeout(PATIENCE).await.unwrap();
        S::long_query(&mut db, LONG).await.expect("all of it");
        let cut = Mode::CutAfter(LONG as u64 / 2, end);
        proxy.set(cut).unwrap();
        let error = S::long_query(&mut db, LONG).await;
        error.expect_err("half an answer never passes for a whole one");
        drop(db);
        proxy.set(Mode::Pass).unwrap();
        a_while(&load).await;
        proxy.cut_all(end).unwrap(); // and all the others, under load
    }
    a_while(&load).await;
    load.stop();
    running.join().await;
    let (acquires, queries) = load.failures();
    println!("cut in a query: {queries} queries failed");
    assert_eq!(acquires, 0, "{:?}", load.first_failure());
    assert!(queries <= 2 * SIZE, "{queries}: {:?}", load.first_failure());
    assert_nothing_lost::<S, _>(&pool).await;
    let size = pool.status().size;
    until("no connection is left over", || proxy.live() == size).await;
}
