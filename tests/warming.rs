//! What is made before anybody asks: by registration, so many at a time; kept while creations fail; and
//! replaced before its time is over. Time is moved by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures::executor::block_on;
use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{Manual, NoRuntime, Runtime};
use nebula_resource::{CreateContext, Manager, PoolConfig, Resource, RetireReason};

const SECOND: Duration = Duration::from_secs(1);

/// A server that takes a second to connect to.
#[derive(Clone)]
struct Server(Arc<State>);

struct State {
    clock: Clock,
    is_down: AtomicBool,
    tries: AtomicUsize,
    created: AtomicUsize,
    connecting: AtomicUsize,
    most: AtomicUsize,
    alive: AtomicUsize,
}

impl Server {
    fn on(runtime: &Manual) -> Self {
        Self(Arc::new(State {
            clock: runtime.clock(),
            is_down: AtomicBool::new(false),
            tries: AtomicUsize::new(0),
            created: AtomicUsize::new(0),
            connecting: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
        }))
    }

    fn created(&self) -> usize {
        self.0.created.load(SeqCst)
    }

    fn most_at_once(&self) -> usize {
        self.0.most.load(SeqCst)
    }
}

impl Resource for Server {
    type Config = ();
    type Instance = ();
    type Error = String;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), String> {
        let state = &self.0;
        state.tries.fetch_add(1, SeqCst);
        let now = state.connecting.fetch_add(1, SeqCst) + 1;
        state.most.fetch_max(now, SeqCst);
        state.clock.sleep(SECOND).await;
        state.connecting.fetch_sub(1, SeqCst);
        if state.is_down.load(SeqCst) {
            return Err("connection refused".to_owned());
        }
        state.created.fetch_add(1, SeqCst);
        state.alive.fetch_add(1, SeqCst);
        Ok(())
    }

    async fn cleanup(&self, (): (), _: RetireReason) {
        self.0.alive.fetch_sub(1, SeqCst);
    }
}

fn warm(min_idle: usize) -> PoolConfig {
    PoolConfig {
        max_size: 20,
        min_idle,
        max_concurrent_creates: 8,
        warm_on_register: true,
        ..PoolConfig::default()
    }
}

/// Warms up `min_idle` of it, `warm_concurrency` at a time.
fn warmed(min_idle: usize, warm_concurrency: usize) -> (usize, usize, Duration) {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::on(&runtime);
    let begun = runtime.clock().now();
    let pool = PoolConfig {
        warm_concurrency,
        ..warm(min_idle)
    };
    let registering = manager.register("db", server.clone(), ()).pool(pool);
    let handle = runtime.run(registering.into_future()).unwrap();
    let took = runtime.clock().now().since(begun);
    assert!(handle.status().idle >= min_idle, "{}", handle.status());
    assert_eq!(
        handle.pool_config().max_concurrent_creates,
        8,
        "as it was set"
    );
    assert!(!handle.pool_config().fail_fast);
    runtime.advance(60 * SECOND);
    assert_eq!(handle.status().idle, server.created(), "none was lost");
    (server.created(), server.most_at_once(), took)
}

#[test]
fn registration_warms_up_so_many_at_a_time() {
    assert_eq!(warmed(6, 2), (6, 2, 3 * SECOND));
    assert_eq!(warmed(6, 1), (6, 1, 6 * SECOND));
    assert_eq!(warmed(6, 20), (6, 6, SECOND), "no more than there shall be");
    assert_eq!(warmed(0, 2), (1, 1, SECOND), "one shows that it works");
}

#[test]
fn a_reload_warms_up_so_many_at_a_time_as_well() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::on(&runtime);
    let registering = manager.register("db", server.clone(), ());
    let handle = runtime.run(registering.into_future()).unwrap();
    let reloading = manager.reload_config("db", ()).pool(warm(6));
    runtime.run(reloading.into_future()).unwrap();
    assert_eq!((server.created(), server.most_at_once()), (6, 2));
    let config = handle.pool_config();
    assert_eq!(
        (config.max_concurrent_creates, config.fail_fast),
        (8, false)
    );

    server.0.is_down.store(true, SeqCst);
    let begun = runtime.clock().now();
    let reloading = manager.reload_config("db", ()).pool(warm(6));
    let refused = runtime
        .run(reloading.into_future())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("connection refused"), "{refused}");
    let took = runtime.clock().now().since(begun);
    assert_eq!(took, SECOND, "the first failure is the answer");
}

#[test]
fn a_registration_that_cannot_be_warmed_up_says_so_in_time_and_stops_trying() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::on(&runtime);
    server.0.is_down.store(true, SeqCst);
    let begun = runtime.clock().now();
    let registering = manager.register("db", server.clone(), ()).pool(warm(6));
    let refused = runtime
        .run(registering.into_future())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("connection refused"), "{refused}");
    assert_eq!(
        runtime.clock().now().since(begun),
        30 * SECOND,
        "acquire_timeout, for all"
    );
    let tries = server.0.tries.load(SeqCst);
    assert!(tries <= 40 && server.most_at_once() <= 2, "{tries}");
    runtime.advance(600 * SECOND);
    assert!(
        server.0.tries.load(SeqCst) <= tries + 1,
        "nobody wants it any more"
    );
}

#[test]
fn the_stock_comes_back_after_an_outage_without_a_storm() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::on(&runtime);
    let pool = PoolConfig {
        max_lifetime: Some(120 * SECOND),
        lifetime_jitter: 0.0,
        ..warm(6)
    };
    let registering = manager.register("db", server.clone(), ()).pool(pool);
    let handle = runtime.run(registering.into_future()).unwrap();
    server.0.is_down.store(true, SeqCst);
    let before = server.0.tries.load(SeqCst);
    runtime.advance(600 * SECOND);
    assert_eq!(handle.status().size, 0, "none is kept beyond its lifetime");
    let tries = server.0.tries.load(SeqCst) - before;
    assert!(
        (20..=90).contains(&tries),
        "one probe at a time, at most 10 s apart: {tries}"
    );
    server.0.is_down.store(false, SeqCst);
    let before = server.0.tries.load(SeqCst);
    runtime.advance(20 * SECOND);
    assert_eq!(
        handle.status().idle,
        6,
        "within one backoff and three connections"
    );
    assert!(server.0.tries.load(SeqCst) - before <= 7);
}

#[test]
fn what_ages_is_replaced_before_it_goes() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::on(&runtime);
    let pool = PoolConfig {
        max_lifetime: Some(120 * SECOND),
        ..warm(6)
    };
    let registering = manager.register("db", server.clone(), ()).pool(pool);
    let handle = runtime.run(registering.into_future()).unwrap();
    let least = AtomicUsize::new(usize::MAX);
    for _ in 0..3600 {
        runtime.advance(SECOND);
        least.fetch_min(handle.status().idle, SeqCst);
    }
    assert_eq!(least.load(SeqCst), 6, "at every moment of the hour");
    let made = server.created();
    assert!(
        (6 * 30..6 * 60).contains(&made),
        "each lived for its time: {made}"
    );
    assert_eq!(handle.status().size, server.0.alive.load(SeqCst));
}

#[test]
fn where_there_is_no_room_for_both_one_is_missing_at_most() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::on(&runtime);
    let pool = PoolConfig {
        max_size: 6,
        max_lifetime: Some(120 * SECOND),
        ..warm(6)
    };
    let registering = manager.register("db", server.clone(), ()).pool(pool);
    let handle = runtime.run(registering.into_future()).unwrap();
    for _ in 0..3600 {
        runtime.advance(SECOND);
        let status = handle.status();
        assert!(status.idle >= 5 && status.size <= 6, "{status}");
    }
    assert!(server.created() >= 6 * 30);
}

#[test]
fn without_a_background_the_stock_is_brought_up_by_hand() {
    let hand = ManualClock::new();
    let manager = Manager::builder()
        .runtime(NoRuntime)
        .clock(Clock::manual(&hand))
        .build();
    let pool = PoolConfig {
        min_idle: 4,
        max_lifetime: Some(600 * SECOND),
        ..PoolConfig::default()
    };
    let handle = manager.register("db", Quick, ()).pool(pool).wait().unwrap();
    hand.advance(3600 * SECOND);
    assert_eq!(handle.status().size, 0);
    block_on(manager.run_maintenance());
    assert_eq!(handle.status().idle, 4);
    hand.advance(601 * SECOND);
    block_on(manager.run_maintenance());
    assert_eq!((handle.status().idle, handle.stats().created), (4, 8));
}

/// Made at once.
struct Quick;

impl Resource for Quick {
    type Config = ();
    type Instance = ();
    type Error = String;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), String> {
        Ok(())
    }
}
