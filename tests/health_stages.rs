//! What is looked at besides the instance, resources that block, and that an idle policy costs an acquire
//! nothing that can be counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "health/server.rs"]
mod server;

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use nebula_resource::health::{
    BlockingHealthCheckable, Dependencies, Examination, Examining, HealthPolicy, HealthState,
    Performance, Stage, Utilization,
};
use nebula_resource::runtime::Runtime;
use nebula_resource::{BlockingResource, CreateContext, Manager, ResourceError, Scope};
use server::{MINUTE, SECOND, Server, everybody, policy, pool, register, world};

/// A stage that does as it is told.
#[derive(Clone)]
struct Own(Arc<AtomicUsize>, Habit);

#[derive(Clone, Copy)]
enum Habit {
    Finds(fn() -> HealthState),
    Panics,
    Hangs,
}

impl Stage for Own {
    fn name(&self) -> &str {
        "own"
    }

    fn examine<'a>(&'a self, resource: &'a Examination) -> Examining<'a> {
        assert_eq!(resource.key().as_str(), "db");
        self.0.fetch_add(1, SeqCst);
        match self.1 {
            Habit::Finds(state) => Box::pin(async move { state() }),
            Habit::Panics => panic!("I never saw such a thing"),
            Habit::Hangs => Box::pin(pending()),
        }
    }
}

fn own(habit: Habit) -> (Own, Arc<AtomicUsize>) {
    let looked = Arc::default();
    (Own(Arc::clone(&looked), habit), looked)
}

#[test]
fn own_stages_are_looked_at_in_their_order() {
    let ill = || HealthState::unhealthy("I do not like it");
    let (first, looked_first) = own(Habit::Finds(ill));
    let (second, looked_second) = own(Habit::Finds(|| HealthState::Healthy));
    let world = world(policy().stage(first).stage(second), 2);
    world.until(|world| !world.state().is_served());
    assert_eq!(
        (looked_first.load(SeqCst), looked_second.load(SeqCst)),
        (3, 0)
    );
    assert_eq!(&*world.health().hold.unwrap().why, "I do not like it");
}

#[test]
fn a_stage_that_panics_or_hangs_is_named() {
    for (habit, expected) in [
        (
            Habit::Panics,
            "own: check panicked: I never saw such a thing",
        ),
        (Habit::Hangs, "own: it did not end within 5s"),
    ] {
        let (stage, _) = own(habit);
        let world = world(policy().stage(stage), 2);
        world.until(|world| !world.state().is_served());
        assert_eq!(&*world.health().hold.unwrap().why, expected);
        world.is_balanced();
    }
}

#[test]
fn what_needs_something_unwell_is_degraded_and_served() {
    let mut world = world(policy(), 2);
    let cache = Server::default();
    let registration = world.manager.register("cache", cache.clone(), ());
    let registration = registration
        .depends_on(["db"])
        .health(policy().stage(Dependencies));
    let cache = registration.health_check().wait().unwrap();
    let state = |world: &server::World| {
        let health = world.manager.health();
        health.get("cache", &Scope::GLOBAL).unwrap().state.clone()
    };
    world.pass(MINUTE);
    assert_eq!(state(&world), HealthState::Healthy);
    world.server.goes_down();
    world.pass(MINUTE + 5 * SECOND);
    assert!(
        state(&world)
            .to_string()
            .starts_with("degraded by 50 %: \"db\" is unhealthy: ")
    );
    assert!(world.runtime.run(cache.acquire()).is_ok());
    world.server.comes_up();
    world.pass(2 * MINUTE);
    assert_eq!(state(&world), HealthState::Healthy);
    let cascade = world
        .told()
        .into_iter()
        .filter(|told| told.contains("degraded"))
        .count();
    assert_eq!(cascade, 2, "there, and back");
}

#[test]
fn a_pool_that_is_all_in_use_is_degraded_and_not_quarantined() {
    let crowded = Utilization::above(0.9).unwrap();
    let world = world(policy().stage(crowded), 1);
    let guard = world.runtime.run(world.db.acquire()).unwrap();
    let checks = world.server.checks();
    world.pass(10 * MINUTE);
    assert_eq!(world.server.checks(), checks, "nobody could be asked");
    let state = world.state().to_string();
    assert!(
        state.starts_with("degraded by 0 %: nearly all is in use"),
        "{state}"
    );
    drop(guard);
    world.pass(MINUTE);
    assert_eq!(world.state(), HealthState::Healthy);
}

#[test]
fn a_crowd_that_cannot_grow_is_degraded_and_served() {
    let mut world = world(policy(), 4);
    world.pass(MINUTE);
    world.server.takes_no_more();
    world.told();
    // One session for thirty who each have it for a second: longer than a check waits in line.
    for _ in 0..30 {
        let (db, clock) = (world.db.clone(), world.runtime.clock());
        let job = async move {
            for _ in 0..20 {
                let session = db.acquire().await;
                clock.sleep(SECOND).await;
                drop(session);
            }
        };
        let long = |pool: &mut nebula_resource::PoolConfig| pool.acquire_timeout = 10 * MINUTE;
        world.db.reconfigure_pool(long).unwrap();
        assert!(world.runtime.spawn(Box::pin(job)).is_ok());
    }
    world.pass(2 * MINUTE);
    let state = world.state().to_string();
    assert!(
        state.starts_with("degraded by 50 %: could not create"),
        "{state}"
    );
    assert_eq!(world.told(), ["healthy to degraded"]);
    assert!(world.server.attempts() < 500, "{}", world.server.attempts());
    world.pass(20 * MINUTE);
    assert_eq!(world.state(), HealthState::Healthy);
}

#[test]
fn a_fast_answer_is_no_worse_for_being_measured() {
    let world = world(policy().stage(Performance::slower_than(Duration::ZERO)), 1);
    world.pass(MINUTE);
    // By the clock that stands still, an answer takes no time.
    assert_eq!(world.state(), HealthState::Healthy);
}

/// A resource that blocks.
#[derive(Clone, Default)]
struct Disk(Arc<Platters>);

#[derive(Default)]
struct Platters {
    is_stuck: AtomicBool,
    asked: AtomicUsize,
    asked_on: Mutex<Option<ThreadId>>,
}

impl BlockingResource for Disk {
    type Config = ();
    type Instance = ();
    type Error = std::io::Error;

    fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<()> {
        Ok(())
    }
}

impl BlockingHealthCheckable for Disk {
    fn health_check(&self, (): &mut ()) -> std::io::Result<HealthState> {
        self.0.asked.fetch_add(1, SeqCst);
        *self.0.asked_on.lock().unwrap() = Some(std::thread::current().id());
        while self.0.is_stuck.load(SeqCst) {
            std::thread::yield_now();
        }
        Ok(HealthState::Healthy)
    }

    fn check_interval(&self) -> Duration {
        20 * Duration::from_millis(1)
    }

    fn check_timeout(&self) -> Duration {
        20 * Duration::from_millis(1)
    }
}

#[track_caller]
fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + MINUTE;
    while !done() {
        assert!(Instant::now() < end, "it does not come to that");
        std::thread::yield_now();
    }
}

#[test]
fn what_blocks_is_asked_on_a_helper_thread_and_one_at_a_time() {
    let manager = Manager::new();
    let disk = Disk::default();
    let registration = manager.register("disk", disk.clone(), ()).pool(pool(4));
    let handle = registration.health_check().wait().unwrap();
    let health = || {
        manager
            .health()
            .get("disk", &Scope::GLOBAL)
            .unwrap()
            .clone()
    };
    until(|| health().state == HealthState::Healthy);
    assert_ne!(
        *disk.0.asked_on.lock().unwrap(),
        Some(std::thread::current().id())
    );

    disk.0.is_stuck.store(true, SeqCst);
    until(|| health().hold.is_some());
    let asked = disk.0.asked.load(SeqCst);
    until(|| {
        health()
            .history
            .first()
            .is_some_and(|last| last.state.to_string().contains("still hangs"))
    });
    assert!(
        disk.0.asked.load(SeqCst) <= asked + 1,
        "no thread besides the one that hangs"
    );
    assert!(matches!(
        handle.acquire_blocking(),
        Err(ResourceError::Quarantined { .. })
    ));

    disk.0.is_stuck.store(false, SeqCst);
    until(|| handle.acquire_blocking().is_ok());
    until(|| handle.status().in_use == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_tokio_it_comes_and_goes() {
    let manager = Manager::new();
    let server = Server::default();
    let often = HealthPolicy::new().interval(20 * Duration::from_millis(1));
    let quick = nebula_resource::quarantine::Doubling::new(SECOND / 50, SECOND / 50, 100_000);
    let quick = nebula_resource::quarantine::QuarantinePolicy::new().strategy(quick.unwrap());
    let db = register(
        &manager,
        "db",
        &server,
        often.quarantine(quick.ramp(Duration::ZERO)),
        4,
    );
    for _ in 0..3 {
        assert!(db.acquire().await.is_ok());
        server.goes_down();
        let waited = Instant::now();
        while !matches!(db.acquire().await, Err(ResourceError::Quarantined { .. })) {
            assert!(waited.elapsed() < MINUTE, "it does not come to that");
            tokio::task::yield_now().await;
        }
        server.comes_up();
        while db.acquire().await.is_err() {
            assert!(waited.elapsed() < MINUTE, "it does not come to that");
            tokio::task::yield_now().await;
        }
    }
    assert!(manager.shutdown().await.is_clean());
    assert_eq!(server.made(), server.gone());
}

#[test]
fn while_it_is_well_its_callers_allocate_nothing() {
    let world = world(policy(), 2);
    world.pass(MINUTE);
    let server::World {
        manager,
        db,
        events,
        ..
    } = world;
    drop(events);
    let ctx = everybody();
    let once = || {
        let mut acquiring = pin!(manager.acquire::<Server>("db", &ctx));
        let mut cx = Task::from_waker(Waker::noop());
        let Poll::Ready(Ok(session)) = acquiring.as_mut().poll(&mut cx) else {
            panic!("it waits");
        };
        drop(session);
        drop(manager.acquire_blocking::<Server>("db", &ctx).unwrap());
        drop(db.acquire_blocking().unwrap());
    };
    once();
    let spent = allocation_counter::measure(|| (0..100).for_each(|_| once()));
    assert_eq!(spent.count_total, 0);
}
