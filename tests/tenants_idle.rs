//! What puts idle tenants away: the runtime, whichever it is, and without one whoever drives the
//! manager.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures::executor::block_on;
use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{AnyRuntime, BlockingJob, NoRuntime, Runtime, Threads};
use nebula_resource::{Manager, PoolConfig};
use nebula_resource_core::Job;
use setting::MINUTE;
use world::{Db, DbConfig, small, tenant};

/// A template on that runtime, with a clock that is moved by hand; idle tenants go after ten minutes.
fn on(runtime: impl Into<AnyRuntime>, together: usize) -> (Arc<ManualClock>, Manager, Db) {
    let (hand, db) = (ManualClock::new(), Db::new());
    let manager = Manager::builder().runtime(runtime);
    let manager = manager.clock(Clock::manual(&hand)).build();
    let registering = manager.register_per_tenant("db", db.clone(), DbConfig::new);
    let registering = registering
        .at_most_together(together)
        .put_away_after(MINUTE * 10);
    // Nothing but that has an instance cleaned up.
    let pool = PoolConfig {
        idle_timeout: None,
        max_lifetime: None,
        ..small(2)
    };
    registering.pool(pool).wait().unwrap();
    (hand, manager, db)
}

fn ask(manager: &Manager, id: &str) {
    let got = manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap();
    assert_eq!(got.made_with, id);
}

fn tenants(manager: &Manager) -> usize {
    manager.status().resources.len()
}

/// A quarter of an hour, in steps that a sweep can keep up with.
fn a_quarter_goes_by(hand: &ManualClock, manager: &Manager) {
    for _ in 0..15 {
        hand.advance(MINUTE);
        ask(manager, "busy");
    }
}

fn by_itself(runtime: impl Into<AnyRuntime>) {
    let (hand, manager, _db) = on(runtime, 10);
    ask(&manager, "quiet");
    ask(&manager, "busy");
    let end = std::time::Instant::now() + MINUTE;
    while tenants(&manager) > 1 {
        assert!(std::time::Instant::now() < end, "nobody is put away");
        a_quarter_goes_by(&hand, &manager);
    }
    assert_eq!(
        manager.status().resources[0].scope,
        *tenant("busy").scope(),
        "who asks stays"
    );
}

#[test]
fn helper_threads_put_idle_tenants_away() {
    by_itself(Threads);
}

#[cfg(feature = "smol")]
#[test]
fn smol_puts_idle_tenants_away() {
    by_itself(nebula_resource::runtime::Smol);
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_puts_idle_tenants_away() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    by_itself(nebula_resource::runtime::Tokio::from(
        tokio.handle().clone(),
    ));
}

/// Helper threads that have none left, once.
struct BusyOnce(AtomicBool);

impl Runtime for BusyOnce {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        match self.0.swap(false, SeqCst) {
            true => Err(job),
            false => Threads.spawn(job),
        }
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        Threads.spawn_blocking(work)
    }
}

#[test]
fn a_runtime_that_refuses_once_is_asked_again() {
    let busy = Arc::new(BusyOnce(AtomicBool::new(false)));
    struct Shared(Arc<BusyOnce>);
    impl Runtime for Shared {
        fn spawn(&self, job: Job) -> Result<(), Job> {
            self.0.spawn(job)
        }
        fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
            self.0.spawn_blocking(work)
        }
    }
    let (hand, manager, _db) = on(Shared(Arc::clone(&busy)), 10);
    // Nothing is made, so that the first job is the sweep.
    drop(manager.handle::<Db>("db", &tenant("quiet")).unwrap());
    busy.0.store(true, SeqCst);
    hand.advance(MINUTE * 5);
    assert!(!busy.0.load(SeqCst), "it was asked");
    let end = std::time::Instant::now() + MINUTE;
    while tenants(&manager) > 0 {
        assert!(std::time::Instant::now() < end, "nobody is put away");
        hand.advance(MINUTE * 5);
        std::thread::yield_now();
    }
}

#[test]
fn with_nothing_in_the_background_maintenance_by_hand_puts_them_away() {
    let (hand, manager, db) = on(NoRuntime, 10);
    ask(&manager, "quiet");
    let held = manager.acquire_blocking::<Db>("db", &tenant("holder"));
    let held = held.unwrap();
    let drive = || block_on(manager.run_maintenance());
    drive();
    a_quarter_goes_by(&hand, &manager);
    assert_eq!(tenants(&manager), 3, "nobody has driven it");
    drive();
    let left = manager.status().resources;
    let left: Vec<_> = left.into_iter().map(|one| one.scope).collect();
    assert_eq!(left, [tenant("busy").scope().clone(), held.scope().clone()]);
    assert_eq!(db.cleaned_up(), 1, "and it said goodbye");
    drop(held);
    hand.advance(MINUTE * 15);
    drive();
    hand.advance(MINUTE * 15);
    drive();
    assert_eq!(tenants(&manager), 0);
    assert_eq!(db.created(), db.cleaned_up());
}

#[test]
fn with_nothing_in_the_background_who_needs_room_makes_it() {
    let (_hand, manager, db) = on(NoRuntime, 2);
    for id in ["a", "b", "c", "d"] {
        ask(&manager, id);
    }
    let alive = db.created() - db.cleaned_up();
    assert!(
        alive <= 2,
        "{alive} where there is room for two, without a goodbye"
    );
    assert!(manager.shutdown().wait().is_clean());
    assert_eq!(db.created(), db.cleaned_up());
}
