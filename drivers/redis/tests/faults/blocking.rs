//! The same for the blocking facade: no runtime anywhere near the pool, the driver is redis-rs'
//! blocking connection.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nebula_resource_core::{BlockingFactory, RetireReason};
use nebula_resource_fault_proxy::rows::{self, Caller, Failure, Load, Peak, QueryError, Served};
use nebula_resource_fault_proxy::{End, Mode, Proxy, Server};
use nebula_resource_redis::redis::Commands;
use nebula_resource_redis::{BlockingRedisConnection, ConnectionError, Redis};
use nebula_resource_sync::{AcquireError, Pool, PoolConfig};

use crate::RedisService;

const PATIENCE: Duration = Duration::from_secs(30);

/// Counts how many creations are under way at once.
struct Watched {
    factory: Redis,
    peak: Peak,
}

impl BlockingFactory for Watched {
    type Object = BlockingRedisConnection;
    type Error = ConnectionError;

    fn create(&self) -> Result<BlockingRedisConnection, ConnectionError> {
        let _counted = self.peak.count();
        BlockingFactory::create(&self.factory)
    }

    fn validate(&self, db: &mut BlockingRedisConnection) -> Result<(), ConnectionError> {
        BlockingFactory::validate(&self.factory, db)
    }

    fn recycle(&self, db: &mut BlockingRedisConnection) -> Result<(), ConnectionError> {
        BlockingFactory::recycle(&self.factory, db)
    }

    fn recycle_blocks(&self) -> bool {
        self.factory.recycle_blocks()
    }

    fn is_broken(&self, db: &BlockingRedisConnection) -> bool {
        BlockingFactory::is_broken(&self.factory, db)
    }
}

fn pool(url: &str, peak: &Peak, configure: impl FnOnce(&mut PoolConfig)) -> Pool<Watched> {
    let factory = Watched {
        factory: Redis::connect_to(url),
        peak: peak.clone(),
    };
    Pool::builder(factory).configure(configure).build().unwrap()
}

fn query(db: &mut BlockingRedisConnection) -> Result<(), QueryError> {
    let _: i64 = db.incr("counter", 1)?;
    Ok(())
}

fn call(pool: &Pool<Watched>, caller: Caller) -> JoinHandle<()> {
    let pool = pool.clone();
    let turn = move |patience| {
        let mut db = pool.acquire_timeout(patience).map_err(Failure::Acquire)?;
        let served = Served(Instant::now());
        query(&mut db).map_err(Failure::Query)?;
        Ok(served)
    };
    thread::spawn(move || caller.run(turn))
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn assert_nothing_lost(pool: &Pool<Watched>) {
    query(&mut pool.acquire_timeout(PATIENCE).unwrap()).unwrap();
    until("nothing is under way", || {
        let (status, totals) = (pool.status(), pool.stats());
        let quiet = status.in_use + status.checking + status.creating + status.waiting == 0;
        quiet && totals.created == status.size as u64 + totals.destroyed
    });
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_outage_under_load_of_64_retrying_threads_without_a_runtime() {
    let mut server = Server::redis().unwrap();
    let proxy = Proxy::to(server.address()).unwrap();
    let peak = Peak::default();
    let pool = pool(&server.url_at(proxy.address()), &peak, |config| {
        config.max_size = 8;
        config.max_concurrent_creates = 3;
    });
    // Slow at first, so that creations overlap if they may.
    proxy.set(Mode::Delay(Duration::from_millis(15))).unwrap();
    let (mut patient, mut impatient, began) = (Load::default(), Load::default(), Instant::now());
    let mut threads: Vec<_> = (0..32)
        .map(|_| call(&pool, patient.caller(PATIENCE)))
        .collect();
    let impatience = Duration::from_millis(250);
    threads.extend((0..32).map(|_| call(&pool, impatient.caller(impatience))));

    patient.all_served_since(began).await;
    proxy.set(Mode::Pass).unwrap();
    rows::outage::<RedisService>(&mut server, &proxy, &[&patient, &impatient])
        .await
        .check("redis, threads without a runtime", &[&patient, &impatient]);
    assert!(peak.most() <= 3, "{} creations at once", peak.most());
    assert_eq!(patient.failures().0, 0, "{:?}", patient.first_failure());
    patient.stop();
    impatient.stop();
    tokio::task::spawn_blocking(move || {
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_nothing_lost(&pool);
    })
    .await
    .unwrap();
}

#[test]
fn fault_13_restart_while_idle_connections_look_fine_to_threads() {
    let mut server = Server::redis().unwrap();
    let pool = pool(&server.url(), &Peak::default(), |config| {
        config.max_size = 6;
        config.validate_after = Some(Duration::ZERO);
    });
    drop(pool.acquire_many(6).unwrap());
    server.restart().unwrap();
    let threads: Vec<_> = (0..24)
        .map(|_| {
            let pool = pool.clone();
            thread::spawn(move || query(&mut pool.acquire().unwrap()).unwrap())
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    drop(pool.acquire_many(6).unwrap());
    let totals = pool.stats();
    assert_eq!(
        (totals.retired, totals.create_failures),
        (6, 0),
        "{totals:?}"
    );
    assert_nothing_lost(&pool);
}

#[test]
fn fault_14_black_hole_for_threads() {
    let server = Server::redis().unwrap();
    let proxy = Proxy::to(server.address()).unwrap();
    let step = Duration::from_millis(200);
    let pool = pool(
        &server.url_at(proxy.address()),
        &Peak::default(),
        |config| {
            config.max_size = 4;
            config.acquire_timeout = Duration::from_millis(800);
            config.create_timeout = step;
            config.validate_timeout = step;
            config.validate_after = Some(Duration::ZERO);
        },
    );
    drop(pool.acquire_many(4).unwrap());
    proxy.set(Mode::BlackHole).unwrap();
    for _ in 0..2 {
        let start = Instant::now();
        let error = pool.acquire().map(drop).unwrap_err();
        let expected = matches!(
            error,
            AcquireError::TimedOut(_) | AcquireError::CreateFailed(_)
        );
        assert!(expected, "{error:?}");
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
    }
    assert!(pool.stats().retired_for(RetireReason::TimedOut) >= 1);
    proxy.set(Mode::Pass).unwrap();
    assert_nothing_lost(&pool);
}

#[test]
fn fault_26_killed_and_cut_under_threads() {
    let mut server = Server::redis().unwrap();
    let proxy = Proxy::to(server.address()).unwrap();
    let pool = pool(
        &server.url_at(proxy.address()),
        &Peak::default(),
        |config| {
            config.max_size = 4;
        },
    );
    let mut load = Load::default();
    let threads: Vec<_> = (0..12)
        .map(|_| call(&pool, load.caller(PATIENCE)))
        .collect();
    let a_while = || {
        let now = Instant::now();
        until("everybody is served", || {
            load.served_since(now).iter().all(Option::is_some)
        });
    };
    a_while();
    server.kill().unwrap();
    thread::sleep(Duration::from_millis(300));
    server.start().unwrap();
    a_while();
    proxy.cut_all(End::Reset).unwrap();
    a_while();
    proxy.cut_all(End::Finish).unwrap();
    a_while();
    load.stop();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let (acquires, queries) = load.failures();
    assert_eq!(acquires, 0, "{:?}", load.first_failure());
    assert!(queries <= 3 * 4, "{queries}: {:?}", load.first_failure());
    assert_nothing_lost(&pool);
}
