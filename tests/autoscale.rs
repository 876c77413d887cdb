//! Pools that follow demand, through the manager: when, how far, who has the last word, and what it costs
//! when nobody asked for it. Time is moved by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "autoscale/elsewhere.rs"]
mod elsewhere;
#[path = "manager/listen.rs"]
mod listen;
#[path = "autoscale/operator.rs"]
mod operator;
#[path = "autoscale/stage.rs"]
mod stage;
#[path = "manager/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use nebula_resource::autoscale::{AutoscalePolicy, Autoscaler, Mode, Why};
use nebula_resource::clock::Clock;
use nebula_resource::manager::RegisterError;
use nebula_resource::runtime::{BlockingJob, Manual, Runtime};
use nebula_resource::{Handle, Manager, PoolConfig, Scope};
use nebula_resource_core::Job;
use stage::{HOUR, MINUTE, SECOND, Stage};
use world::{Db, DbConfig, everybody, poll, small};

#[test]
fn it_grows_under_demand_and_shrinks_without() {
    let mut stage = Stage::set(10, AutoscalePolicy::between(5, 14));
    let held = stage.take(8);
    stage.runtime.advance(31 * SECOND);
    assert_eq!((stage.limit(), stage.told().len()), (10, 0));
    stage.runtime.advance(4 * SECOND);
    assert_eq!(stage.limit(), 12);
    let why = "HighDemand { demand: Demand { wanted: 8, of: 10 }, watermark: 0.8, lasted: 30s }";
    assert_eq!(
        stage.told(),
        [format!("db: Scaled {{ from: 10, to: 12, why: {why} }}")]
    );
    stage.runtime.advance(HOUR);
    assert_eq!(stage.limit(), 12, "two thirds in use: that will do");
    assert_eq!(
        stage.says(),
        "stay at 12: demand (8 of 12) is neither high nor low"
    );

    drop(held);
    stage.runtime.advance(6 * MINUTE);
    assert_eq!(stage.limit(), 11);
    stage.runtime.advance(HOUR);
    assert_eq!((stage.limit(), stage.told().len()), (5, 7));
    let status = stage.manager.status().resources.remove(0);
    assert_eq!(status.scaling.unwrap().to_string(), stage.says());
}

#[test]
fn callers_in_line_are_demand_and_are_served_once_there_is_room() {
    let stage = Stage::set(1, AutoscalePolicy::between(1, 4));
    let held = stage.take(1);
    let ctx = everybody();
    let mut waiting = Box::pin(stage.manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    stage.runtime.advance(25 * SECOND);
    assert!(poll(&mut waiting).is_pending());
    drop(waiting);
    // A caller waits for 30 s at most, and so does its successor.
    let mut waiting = Box::pin(stage.manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    stage.runtime.advance(10 * SECOND);
    assert_eq!(stage.limit(), 3);
    drop(stage.runtime.run(waiting).unwrap());
    drop(held);
}

#[test]
fn in_an_outage_callers_queue_and_it_does_not_grow() {
    let mut stage = Stage::set(4, AutoscalePolicy::between(4, 40));
    stage.db.fails("the server is down");
    let ctx = everybody();
    let ask = || Box::pin(stage.manager.acquire::<Db>("db", &ctx));
    let mut waiting: Vec<_> = (0..50).map(|_| ask()).collect();
    let mut said = BTreeSet::new();
    for _ in 0..60 {
        for one in &mut waiting {
            if poll(one).is_ready() {
                *one = ask();
                assert!(poll(one).is_pending());
            }
        }
        stage.runtime.advance(5 * SECOND);
        said.insert(stage.says());
    }
    let why = "stay at 4: 50 callers wait although there are only 0 of 4 instances: \
               making them is what takes long";
    assert!(said.contains(why), "{said:?}");
    drop(waiting);
    assert_eq!((stage.limit(), stage.told().len()), (4, 0));
}

#[test]
fn advice_is_told_once_and_nothing_is_changed() {
    let only_say = AutoscalePolicy {
        mode: Mode::Advise,
        ..AutoscalePolicy::between(5, 40)
    };
    let mut stage = Stage::set(10, only_say);
    let held = stage.take(10);
    stage.runtime.advance(HOUR);
    assert_eq!(stage.limit(), 10);
    let told = stage.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("ScalingAdvised { from: 10, to: 12"),
        "{told:?}"
    );
    let scaler = stage.manager.autoscaler("db", &Scope::GLOBAL).unwrap();
    let advice = scaler.recommendation();
    assert_eq!((advice.from, advice.to), (10, 12));
    assert!(matches!(advice.why, Why::HighDemand { .. }));
    // Whoever follows it hears of the next step.
    stage
        .handle
        .reconfigure_pool(|pool| pool.max_size = 12)
        .unwrap();
    stage.runtime.advance(HOUR);
    let told = stage.told();
    assert!(
        told[0].contains("ScalingAdvised { from: 12, to: 14"),
        "{told:?}"
    );
    assert_eq!(told.len(), 1);
    // Once the reason is gone, so is the advice; when it comes back, it is told again.
    drop(held);
    stage.runtime.advance(MINUTE);
    assert!(!scaler.recommendation().is_change());
    let held = stage.take(12);
    stage.runtime.advance(MINUTE);
    assert_eq!(stage.told().len(), 1);
    drop(held);
}

#[test]
fn it_goes_on_through_reloads() {
    let stage = Stage::set(10, AutoscalePolicy::between(5, 14));
    let reload = |name| {
        let reloading = stage.manager.reload_config("db", DbConfig::new(name));
        drop(stage.runtime.run(reloading.into_future()).unwrap());
    };
    let held = stage.take(9);
    stage.runtime.advance(28 * SECOND);
    reload("two");
    let of_the_new_one = stage.take(9);
    stage.runtime.advance(20 * SECOND);
    assert_eq!(
        stage.limit(),
        10,
        "what was seen of the old one counts for nothing"
    );
    stage.runtime.advance(20 * SECOND);
    assert_eq!(stage.limit(), 12);
    reload("three");
    drop((held, of_the_new_one));
    assert_eq!(stage.limit(), 12, "the new pool is as large as the old one");
    let far = PoolConfig {
        max_size: 30,
        ..stage.handle.pool_config()
    };
    let reloading = stage.manager.reload_config("db", DbConfig::new("three"));
    drop(
        stage
            .runtime
            .run(reloading.pool(far).into_future())
            .unwrap(),
    );
    stage.runtime.advance(5 * SECOND);
    assert_eq!(
        stage.limit(),
        14,
        "within its limits, whatever it was made with"
    );
}

#[test]
fn what_makes_no_sense_is_refused_and_leaves_nothing() {
    let manager = Manager::new();
    let field = |size, ceiling: Option<usize>, stock, policy| {
        let pool = PoolConfig {
            min_idle: stock,
            ..small(size)
        };
        let mut registration = manager.register("db", Db::new(), DbConfig::new("one"));
        if let Some(ceiling) = ceiling {
            registration = registration.ceiling(ceiling);
        }
        match registration.pool(pool).autoscale(policy).wait().map(drop) {
            Err(RegisterError::Invalid { source, .. }) => Some(source.field),
            Err(other) => panic!("{other}"),
            Ok(()) => {
                drop(manager.deregister("db", &Scope::GLOBAL).unwrap());
                None
            }
        }
    };
    let between = AutoscalePolicy::between;
    assert_eq!(field(10, None, 0, between(5, 4)), Some("autoscale.max"));
    assert_eq!(field(10, None, 0, between(0, 20)), Some("autoscale.min"));
    let nan = AutoscalePolicy {
        high: f64::NAN,
        ..between(5, 20)
    };
    assert_eq!(field(10, None, 0, nan), Some("autoscale.high"));
    assert_eq!(
        field(10, Some(19), 0, between(5, 20)),
        Some("autoscale.max")
    );
    assert_eq!(field(10, None, 6, between(5, 20)), Some("autoscale.min"));
    assert_eq!(field(4, None, 0, between(5, 20)), Some("max_size"));
    assert_eq!(field(21, None, 0, between(5, 20)), Some("max_size"));
    assert!(manager.status().resources.is_empty());
    assert!(manager.autoscaler("db", &Scope::GLOBAL).is_none());
    assert_eq!(
        field(10, None, 5, between(5, 4000)),
        None,
        "the ceiling is raised to it"
    );
}

#[test]
fn a_pool_that_refuses_is_told_of_and_not_asked_all_the_time() {
    let mut stage = Stage::set(10, AutoscalePolicy::between(1, 10));
    // Made with another size, it has another ceiling than it was registered with.
    let manager = stage.manager.clone();
    manager
        .register("low", Db::new(), DbConfig::new("one"))
        .pool(small(10))
        .wait()
        .unwrap();
    let reloading = manager
        .reload_config("low", DbConfig::new("two"))
        .pool(small(2));
    drop(stage.runtime.run(reloading.into_future()).unwrap());
    let greedy = AutoscalePolicy {
        low: 0.01,
        step_up: 38,
        ..AutoscalePolicy::between(1, 40)
    };
    manager.autoscale("low", &Scope::GLOBAL, greedy).unwrap();
    let ctx = everybody();
    let held: Vec<_> = (0..2)
        .map(|_| {
            stage
                .runtime
                .run(manager.acquire::<Db>("low", &ctx))
                .unwrap()
        })
        .collect();
    stage.told();
    stage.runtime.advance(HOUR);
    let mut told = stage.told();
    told.retain(|line| line.starts_with("low:"));
    assert!((2..=10).contains(&told.len()), "{told:?}");
    let failed = "low: ScalingFailed { from: 2, to: 40, error: \"max_size must be at most 32";
    assert!(told.iter().all(|line| line.starts_with(failed)), "{told:?}");
    drop(held);
}

#[test]
fn a_leap_of_the_clock_changes_nothing() {
    let stage = Stage::set(10, AutoscalePolicy::between(5, 14));
    let held = stage.take(9);
    stage.runtime.advance(10 * SECOND);
    for _ in 0..5 {
        stage.runtime.manual_clock().leap(24 * HOUR);
        stage.runtime.run_until_idle();
        assert_eq!(stage.limit(), 10);
    }
    stage.runtime.advance(31 * SECOND);
    assert_eq!(stage.limit(), 12);
    drop(held);
}

/// Keeps what it is given until it is let go.
#[derive(Clone)]
struct Slow {
    runtime: Manual,
    kept: Arc<Mutex<Vec<Job>>>,
}

impl Runtime for Slow {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        self.kept.lock().unwrap().push(job);
        Ok(())
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        self.runtime.spawn_blocking(work)
    }

    fn clock(&self) -> Clock {
        self.runtime.clock()
    }
}

#[test]
fn what_was_decided_before_the_operator_spoke_is_not_done() {
    let stage = Stage::set(1, AutoscalePolicy::between(1, 5));
    let slow = Slow {
        runtime: stage.runtime.clone(),
        kept: Arc::default(),
    };
    let scaled = |act: fn(&Autoscaler, &Handle<Db>)| {
        let registration = stage
            .manager
            .register("slow", Db::new(), DbConfig::new("one"));
        let handle = registration
            .pool(small(9))
            .runtime(slow.clone())
            .autoscale(AutoscalePolicy::between(5, 9))
            .wait()
            .unwrap();
        stage.runtime.advance(6 * MINUTE);
        let jobs = std::mem::take(&mut *slow.kept.lock().unwrap());
        assert_eq!(
            (jobs.len(), handle.status().max_size),
            (1, 9),
            "decided, and not done yet"
        );
        act(
            &stage.manager.autoscaler("slow", &Scope::GLOBAL).unwrap(),
            &handle,
        );
        jobs.into_iter().for_each(|job| stage.runtime.run(job));
        let size = handle.status().max_size;
        drop(stage.manager.deregister("slow", &Scope::GLOBAL).unwrap());
        size
    };
    assert_eq!(scaled(|_, _| ()), 8);
    assert_eq!(scaled(|scaler, _| scaler.hold_at(9).unwrap()), 9);
    assert_eq!(scaled(|scaler, _| scaler.disable()), 9);
    let by_handle = scaled(|_, handle| handle.reconfigure_pool(|pool| pool.max_size = 7).unwrap());
    assert_eq!(by_handle, 7, "it is not what was measured");
}
