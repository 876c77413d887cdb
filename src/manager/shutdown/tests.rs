//! The phases by a clock moved by hand: what comes before what, and how long at most.

use std::future::pending;
use std::sync::Mutex;
use std::task::Waker;
use std::time::Duration;

use nebula_resource_async::runtime::{AnyRuntime, Manual, NoRuntime, Runtime};
use nebula_resource_core::{AcquireError, CountedGuard, Driver, Pool, PoolConfig, RetireReason};

use super::*;
use crate::lifecycle::State;
use crate::manager::driver::ResourceDriver;
use crate::manager::erased::{About, Entry};
use crate::manager::setup::Setup;
use crate::resource::{CreateContext, Resource};
use crate::scope::Scope;

const SECOND: Duration = Duration::from_secs(1);

type Guard = CountedGuard<ResourceDriver<Thing>>;
type Log = Arc<Mutex<Vec<String>>>;

/// How a thing says goodbye.
#[derive(Clone, Copy)]
enum Goodbye {
    Takes(Duration),
    Hangs,
    Panics,
}

struct Thing {
    name: &'static str,
    goodbye: Goodbye,
    clock: Clock,
    log: Log,
    /// Each instance holds a guard of this one.
    holds: Option<Pool<ResourceDriver<Self>>>,
}

struct Instance {
    name: &'static str,
    log: Log,
    _held: Option<Guard>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.log
            .lock()
            .unwrap()
            .push(format!("{} dropped", self.name));
    }
}

impl Resource for Thing {
    type Config = ();
    type Instance = Instance;
    type Error = AcquireError;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<Instance, AcquireError> {
        let held = match &self.holds {
            Some(pool) => Some(pool.acquire_async_owned().await?),
            None => None,
        };
        Ok(Instance {
            name: self.name,
            log: Arc::clone(&self.log),
            _held: held,
        })
    }

    async fn cleanup(&self, instance: Instance, _: RetireReason) {
        self.log
            .lock()
            .unwrap()
            .push(format!("{} begins", self.name));
        match self.goodbye {
            Goodbye::Takes(span) => self.clock.sleep(span).await,
            Goodbye::Hangs => pending().await,
            Goodbye::Panics => panic!("{} is stuck", self.name),
        }
        drop(instance);
    }
}

/// Resources, with a clock moved by hand.
struct World {
    runtime: Manual,
    /// Where its resources live.
    home: AnyRuntime,
    resources: Vec<Registered>,
    graph: Graph<Key>,
    log: Log,
    shutdown: Shutdown,
}

impl World {
    fn new() -> Self {
        let runtime = Manual::new();
        Self {
            home: runtime.clone().into(),
            runtime,
            resources: Vec::new(),
            graph: Graph::new(),
            log: Log::default(),
            shutdown: Shutdown::new(),
        }
    }

    fn without_background() -> Self {
        Self {
            home: NoRuntime.into(),
            ..Self::new()
        }
    }

    fn add(&mut self, name: &'static str, needs: &[&str], goodbye: Goodbye) -> Arc<Entry<Thing>> {
        self.add_holding(name, needs, goodbye, None)
    }

    fn add_holding(
        &mut self,
        name: &'static str,
        needs: &[&str],
        goodbye: Goodbye,
        holds: Option<&Entry<Thing>>,
    ) -> Arc<Entry<Thing>> {
        let key = Key::new(name).unwrap();
        let needs: Vec<Key> = needs.iter().map(|need| Key::new(need).unwrap()).collect();
        self.graph.add(&[(key.clone(), needs.clone())]).unwrap();
        let thing = Thing {
            name,
            goodbye,
            clock: self.runtime.clock(),
            log: Arc::clone(&self.log),
            holds: holds.map(|entry| entry.pool.clone()),
        };
        let entry = Arc::new(self.entry(key, needs, thing));
        self.resources.push(Registered::new(Arc::clone(&entry)));
        entry
    }

    fn entry(&self, key: Key, needs: Vec<Key>, thing: Thing) -> Entry<Thing> {
        let about = About::new::<Thing>(key, Scope::GLOBAL, needs);
        about.life.to(State::Initializing).unwrap();
        about.life.to(State::Ready).unwrap();
        let setup = Setup {
            pool: PoolConfig::default(),
            runtime: Some(self.home.clone()),
            clock: Some(self.runtime.clock()),
            ..Setup::default()
        };
        Entry::new(about, Arc::new(thing), (), setup).unwrap()
    }

    /// A guard of each of so many instances.
    fn take<D: Driver>(&self, pool: &Pool<D>, count: usize) -> Vec<CountedGuard<D>> {
        let guards = (0..count).map(|_| self.runtime.run(pool.acquire_async_owned()).unwrap());
        guards.collect()
    }

    fn begin(&self) -> ShuttingDown {
        let runtime = Chosen::new(Some(self.home.clone()));
        let resources = self.resources.iter().cloned();
        let clock = self.runtime.clock();
        let budget = ShutdownBudget::default();
        let plan = || Plan::new(resources, &self.graph, runtime, budget).clock(clock);
        self.shutdown.begin(plan)
    }

    fn stop(&self) -> Arc<ShutdownReport> {
        self.runtime.run(self.begin())
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

const QUICK: Goodbye = Goodbye::Takes(Duration::ZERO);
const SLOW: Goodbye = Goodbye::Takes(SECOND);

#[test]
fn dependants_are_gone_before_what_they_need_and_a_level_goes_side_by_side() {
    let mut world = World::new();
    let db = world.add("db", &[], SLOW);
    let cache = world.add("cache", &["db"], SLOW);
    let queue = world.add("queue", &[], SLOW);
    let orders = world.add("orders", &["cache", "queue"], SLOW);
    for entry in [&db, &cache, &queue, &orders] {
        drop(world.take(&entry.pool, 2));
    }
    let report = world.stop();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), 8);
    assert_eq!(report.elapsed, SECOND * 3, "three levels, a second each");
    let at = |line: &str| {
        world
            .log()
            .iter()
            .position(|logged| logged == line)
            .unwrap()
    };
    for (dependant, need) in [("orders", "cache"), ("orders", "queue"), ("cache", "db")] {
        assert!(at(&format!("{dependant} dropped")) < at(&format!("{need} begins")));
    }
}

#[test]
fn guards_are_waited_for_and_nobody_else_is_admitted() {
    let mut world = World::new();
    let db = world.add("db", &[], QUICK);
    let guards = world.take(&db.pool, 2);
    let shutting_down = world.begin();
    let refused = world.runtime.run(db.pool.acquire_async_owned()).err();
    assert!(matches!(refused, Some(AcquireError::Closed)));
    world.runtime.advance(SECOND * 3);
    assert_eq!(world.log(), Vec::<String>::new());
    assert_eq!(db.about.life.state(), State::Draining);
    drop(guards);
    let report = world.runtime.run(shutting_down);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.draining, report.elapsed), (SECOND * 3, SECOND * 3));
    assert_eq!(report.cleaned_up(), 2);
    assert_eq!(db.about.life.state(), State::Terminated);
}

#[test]
fn a_guard_that_stays_out_is_named_and_the_rest_is_cleaned_up() {
    let mut world = World::new();
    let db = world.add("db", &[], QUICK);
    let cache = world.add("cache", &["db"], QUICK);
    drop(world.take(&db.pool, 1));
    let mut guards = world.take(&cache.pool, 2);
    let (kept, line) = (guards.pop().unwrap(), line!());
    drop(guards);
    let report = world.stop();
    assert_eq!(report.elapsed, SECOND * 15);
    assert_eq!(report.cleaned_up(), 2);
    let out: Vec<_> = report.guards_out().collect();
    let [(resource, guard)] = out[..] else {
        panic!("{report}");
    };
    assert_eq!((&*resource.key, guard.object), ("cache", kept.info().id));
    assert_eq!(guard.held_for, SECOND * 15);
    let taken_at = guard.taken_at.unwrap();
    assert_eq!(taken_at.file(), file!());
    assert!(taken_at.line() < line);
    // It comes back in the end, and is not forgotten.
    drop(kept);
    world.runtime.advance(SECOND);
    assert_eq!(
        world
            .log()
            .iter()
            .filter(|line| *line == "cache dropped")
            .count(),
        2
    );
}

#[test]
fn a_goodbye_that_hangs_or_panics_is_told_and_delays_the_others_no_further() {
    let mut world = World::new();
    let panicking = world.add("panicking", &[], Goodbye::Panics);
    let hanging = world.add("hanging", &["panicking"], Goodbye::Hangs);
    drop(world.take(&hanging.pool, 1));
    drop(world.take(&panicking.pool, 1));
    let report = world.stop();
    assert_eq!(report.elapsed, ShutdownBudget::default().clean_up_each);
    let [first, second] = &report.resources[..] else {
        panic!("{report}");
    };
    assert_eq!(
        (&*first.key, first.abandoned, first.cleaned_up),
        ("hanging", 1, 0)
    );
    assert_eq!((&*second.key, second.failed), ("panicking", 1));
    let failure = second.first_failure.as_deref();
    assert_eq!(failure, Some("cleanup panicked: panicking is stuck"));
    let expected = [
        "hanging begins",
        "hanging dropped",
        "panicking begins",
        "panicking dropped",
    ];
    assert_eq!(world.log(), expected);
}

#[test]
fn objects_that_hold_guards_of_what_they_need_give_them_back_in_time() {
    let mut world = World::new();
    let db = world.add("db", &[], QUICK);
    let cache = world.add_holding("cache", &["db"], QUICK, Some(&db));
    drop(world.take(&cache.pool, 1));
    assert_eq!(db.pool.status().in_use, 1);
    let report = world.stop();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.elapsed, report.cleaned_up()), (Duration::ZERO, 2));
}

#[test]
fn the_worst_of_all_ends_within_the_budget() {
    let mut world = World::new();
    let names = ["a", "b", "c", "d", "e"];
    let mut kept = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let needs = &names[at.saturating_sub(1)..at];
        let entry = world.add(name, needs, Goodbye::Hangs);
        let mut guards = world.take(&entry.pool, 2);
        kept.extend(guards.pop());
    }
    let report = world.stop();
    assert_eq!(report.elapsed, SECOND * (15 + 8), "{report}");
    assert_eq!(report.guards_out().count(), 5);
    assert_eq!(
        report
            .resources
            .iter()
            .map(|resource| resource.abandoned)
            .sum::<usize>(),
        5
    );
}

#[test]
fn a_second_call_hurries_and_a_third_has_the_same_report() {
    let mut world = World::new();
    let db = world.add("db", &[], SLOW);
    let cache = world.add("cache", &["db"], Goodbye::Hangs);
    drop(world.take(&db.pool, 1));
    let mut guards = world.take(&cache.pool, 2);
    let _kept = guards.pop();
    drop(guards);
    let first = world.begin();
    world.runtime.advance(SECOND);
    let second = world.begin();
    let report = world.runtime.run(second);
    assert!(report.hurried);
    assert_eq!(
        (report.draining, report.elapsed),
        (SECOND, SECOND * 3),
        "{report}"
    );
    assert_eq!(report.guards_out().count(), 1);
    assert!(Arc::ptr_eq(&report, &world.runtime.run(first)));
    assert!(Arc::ptr_eq(&report, &world.stop()));
}

#[test]
fn without_a_background_whoever_waits_does_the_work() {
    let mut world = World::without_background();
    let db = world.add("db", &[], SLOW);
    drop(world.take(&db.pool, 1));
    let mut shutting_down = world.begin();
    let mut look = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut shutting_down).poll(&mut look).is_pending());
    assert_eq!(db.about.life.state(), State::Cleanup);
    // Dropped, it is over.
    drop(shutting_down);
    let report = world.begin().wait();
    assert!(report.interrupted && !report.is_clean());
    assert_eq!(report.resources[0].abandoned, 1);
    assert_eq!(world.log(), ["db begins", "db dropped"]);
}

#[test]
fn interrupted_before_their_turn_they_are_gone_too() {
    let mut world = World::without_background();
    let db = world.add("db", &[], SLOW);
    let cache = world.add("cache", &["db"], SLOW);
    drop(world.take(&db.pool, 1));
    let kept = world.take(&cache.pool, 1);
    let mut shutting_down = world.begin();
    let mut look = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut shutting_down).poll(&mut look).is_pending());
    drop(shutting_down);
    assert_eq!(db.about.life.state(), State::Terminated);
    let report = world.begin().wait();
    assert_eq!(report.guards_out().count(), 1, "{report}");
    drop(kept);
}

#[test]
fn without_a_background_it_comes_to_its_end_all_the_same() {
    let mut world = World::without_background();
    let db = world.add("db", &[], SLOW);
    drop(world.take(&db.pool, 3));
    let report = world.stop();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.cleaned_up(), report.elapsed), (3, SECOND));
}
