//! What a program gets when it stops: everything is waited for that comes back, in an order that
//! hurts nobody, and no longer than was agreed; what stays behind is named.

#[path = "shutdown/any.rs"]
mod any;
#[path = "shutdown/leaked.rs"]
mod leaked;
#[path = "shutdown/load.rs"]
mod load;
#[cfg(feature = "tokio")]
#[path = "shutdown/on_tokio.rs"]
mod on_tokio;
#[path = "shutdown/race.rs"]
mod race;
#[path = "shutdown/world.rs"]
mod world;

use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::sync::{Arc, OnceLock};
use std::task::{Context as Look, Poll, Waker};
use std::time::Duration;

use nebula_resource::manager::ShutdownBudget;
use nebula_resource::{
    Context, CreateContext, Event, Manager, Observer, Resource, ResourceError, Scope,
};

use world::{Goodbye, NOBODY, QUICK, SECOND, Thing, World};

#[test]
fn with_nothing_out_no_time_passes() {
    let world = World::new();
    world.register("main_db", &[], QUICK);
    world.stock("main_db", 3);
    let report = world.runtime.run(world.manager.shutdown());
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), 3);
    assert_eq!(
        report.elapsed,
        Duration::ZERO,
        "a drain that sleeps would be seen here"
    );
}

#[test]
fn the_drain_ends_with_the_last_guard() {
    let world = World::new();
    world.register("main_db", &[], QUICK);
    let (first, last) = (world.acquire("main_db"), world.acquire("main_db"));
    let shutting_down = world.manager.shutdown();
    world.runtime.advance(SECOND);
    drop(first);
    world.runtime.advance(SECOND * 2);
    assert_eq!(
        world.log.count("main_db begins"),
        0,
        "its turn has not come"
    );
    drop(last);
    let report = world.runtime.run(shutting_down);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.draining, report.elapsed), (SECOND * 3, SECOND * 3));
}

#[test]
fn whoever_is_back_says_goodbye_while_others_are_waited_for() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.register(name, &[], Goodbye::Takes(SECOND * 3));
        world.stock(name, 1);
    }
    let kept = world.acquire("b");
    let shutting_down = world.manager.shutdown();
    world.runtime.advance(SECOND * 3);
    assert_eq!(
        world.log.count("a dropped") + world.log.count("c dropped"),
        2
    );
    assert_eq!(world.log.count("b begins"), 0);
    drop(kept);
    let report = world.runtime.run(shutting_down);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.draining, report.elapsed), (SECOND * 3, SECOND * 6));
}

#[test]
fn nobody_is_admitted_once_it_has_begun() {
    let world = World::new();
    let handle = world.register("main_db", &[], QUICK);
    let kept = world.acquire("main_db");
    drop(world.manager.shutdown());
    let expected = "\"main_db\" is not handed out any more: the manager is shutting down";
    let refused = world
        .runtime
        .run(world.manager.acquire::<Thing>("main_db", &NOBODY));
    assert_eq!(refused.unwrap_err().to_string(), expected);
    let refused = world.manager.acquire_blocking::<Thing>("main_db", &NOBODY);
    assert_eq!(refused.unwrap_err().to_string(), expected);
    let refused = world.runtime.run(handle.acquire());
    assert_eq!(refused.unwrap_err().to_string(), expected);
    let newcomer = world
        .manager
        .register("cache", world.thing("cache", QUICK), ());
    let refused = world.runtime.run(newcomer.into_future()).unwrap_err();
    let expected = "\"cache\" cannot be registered: the manager is shutting down";
    assert_eq!(refused.to_string(), expected);
    drop(kept);
}

#[test]
fn who_is_in_line_is_told_at_once() {
    let world = World::new();
    let full = world.register("main_db", &[], QUICK);
    full.reconfigure_pool(|pool| pool.max_size = 1).unwrap();
    let kept = world.acquire("main_db");
    let mut waiting = Box::pin(world.manager.acquire::<Thing>("main_db", &NOBODY));
    let mut look = Look::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut look).is_pending());
    drop(world.manager.shutdown());
    let Poll::Ready(Err(refused)) = waiting.as_mut().poll(&mut look) else {
        panic!("still waiting for what nobody gets");
    };
    assert!(
        matches!(refused, ResourceError::ShuttingDown { .. }),
        "{refused}"
    );
    drop(kept);
}

#[test]
fn a_guard_that_stays_out_is_named_with_the_place_where_it_was_taken() {
    let world = World::new();
    world.register("main_db", &[], QUICK);
    world.register("cache", &["main_db"], QUICK);
    world.stock("main_db", 2);
    let line = line!() + 1;
    let acquiring = world.manager.acquire::<Thing>("cache", &NOBODY);
    let kept = world.runtime.run(acquiring).unwrap();
    let report = world.runtime.run(world.manager.shutdown());
    assert_eq!(report.elapsed, SECOND * 15);
    assert_eq!(
        report.cleaned_up(),
        2,
        "the rest is not left behind: {report}"
    );
    let out: Vec<_> = report
        .guards_out()
        .map(|(of, guard)| (&*of.key, guard.taken_at))
        .collect();
    let [("cache", Some(at))] = out[..] else {
        panic!("{report}");
    };
    assert_eq!((at.file(), at.line()), (file!(), line));
    let told = report.to_string();
    assert!(
        told.contains(&format!("taken at {}:{line}:", file!())),
        "{told}"
    );
    // It stays usable, and is cleaned up when it comes back after all.
    assert_eq!(world.log.count("cache begins"), 0);
    drop(kept);
    world.runtime.advance(SECOND);
    assert_eq!(world.log.count("cache begins"), 1);
}

#[test]
fn what_comes_back_too_late_for_its_turn_may_still_end_in_time() {
    let world = World::new();
    world.register("main_db", &[], Goodbye::Takes(SECOND));
    world.register("cache", &["main_db"], Goodbye::Takes(SECOND));
    world.stock("main_db", 1);
    let late = world.acquire("cache");
    let shutting_down = world.manager.shutdown();
    let half = SECOND / 2;
    world.runtime.advance(SECOND * 15 + half); // the database is saying goodbye by now
    drop(late);
    let report = world.runtime.run(shutting_down);
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        report.forcing, half,
        "it ended half a second after the database"
    );
    assert_eq!(world.log.count("cache dropped"), 1);
}

/// Never done with recycling.
struct Sticky;

impl Resource for Sticky {
    type Config = ();
    type Instance = ();
    type Error = Infallible;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, (): &mut ()) -> Result<(), Infallible> {
        std::future::pending().await
    }
}

#[test]
fn what_is_neither_out_nor_gone_is_told_of() {
    let world = World::new();
    let registering = world.manager.register("sticky", Sticky, ());
    let sticky = world.runtime.run(registering.into_future()).unwrap();
    let guard = world.runtime.run(sticky.acquire()).unwrap();
    let mut releasing = Box::pin(guard.release());
    let mut look = Look::from_waker(Waker::noop());
    assert!(
        releasing.as_mut().poll(&mut look).is_pending(),
        "it is being recycled"
    );
    let report = world.runtime.run(world.manager.shutdown());
    assert_eq!(report.guards_out().count(), 0, "{report}");
    assert!(report.resources[0].busy && !report.is_clean());
    let force = ShutdownBudget::default().force;
    assert_eq!(
        (report.forcing, report.elapsed),
        (force, SECOND * 15 + force)
    );
    drop(releasing);
}

#[test]
fn guards_of_an_old_configuration_are_waited_for_too() {
    let world = World::new();
    world.register("main_db", &[], QUICK);
    let old = world.acquire("main_db");
    drop(
        world
            .runtime
            .run(world.manager.reload_config("main_db", ()).into_future())
            .unwrap(),
    );
    world.stock("main_db", 1);
    let report = world.runtime.run(world.manager.shutdown());
    let out: Vec<_> = report.guards_out().map(|(of, _)| of.generation).collect();
    assert_eq!(out, [1], "{report}");
    assert_eq!(report.resources.len(), 2);
    drop(old);
}

#[test]
fn the_end_of_a_scope_is_nobody_elses_end() -> Result<(), Box<dyn std::error::Error>> {
    let world = World::new();
    let acme = Scope::tenant("acme")?;
    let run = acme.workflow("billing")?.execution("4711")?;
    world.register("main_db", &[], QUICK);
    world.register_for(acme.clone(), "cache", &["main_db"], QUICK);
    world.register_for(run.clone(), "scratch", &["cache"], QUICK);
    let inside = Context::new(run);
    drop(world.acquire_for(&inside, "cache"));
    drop(world.acquire_for(&inside, "scratch"));
    world.stock("main_db", 1);

    let report = world.runtime.run(world.manager.end_scope(&acme));
    assert!(report.is_clean(), "{report}");
    let ended: Vec<_> = report.resources.iter().map(|of| &*of.key).collect();
    assert_eq!(ended, ["scratch", "cache"], "dependants first");
    let gone = world
        .runtime
        .run(world.manager.acquire::<Thing>("cache", &inside));
    assert!(matches!(gone, Err(ResourceError::UnknownKey { .. })));
    assert_eq!(world.log.count("main_db begins"), 0);
    drop(world.acquire_for(&inside, "main_db"));

    // Nothing depends on the rest any more, and all of it can go.
    let report = world.runtime.run(world.manager.shutdown());
    assert_eq!(report.cleaned_up(), 1, "{report}");
    Ok(())
}

#[test]
fn a_second_call_hurries_and_all_calls_answer_alike() {
    let world = World::new();
    world.register("main_db", &[], Goodbye::Takes(SECOND));
    world.stock("main_db", 1);
    let kept = world.acquire("main_db");
    let first = world.manager.shutdown();
    world.runtime.advance(SECOND * 5);
    let second = world.manager.clone().shutdown();
    let report = world.runtime.run(first);
    assert!(report.hurried);
    assert_eq!(report.draining, SECOND * 5);
    assert_eq!(report.guards_out().count(), 1, "{report}");
    assert!(report.elapsed <= SECOND * 5 + ShutdownBudget::default().force);
    assert!(Arc::ptr_eq(&report, &world.runtime.run(second)));
    let later = world.runtime.run(world.manager.shutdown());
    assert!(Arc::ptr_eq(&report, &later));
    drop(kept);
}

#[test]
fn it_goes_on_when_nobody_waits_for_it() {
    let world = World::new();
    world.register("main_db", &[], Goodbye::Takes(SECOND));
    world.stock("main_db", 1);
    drop(world.manager.shutdown());
    world.runtime.advance(SECOND);
    assert_eq!(
        world.log.lines(),
        ["main_db made", "main_db begins", "main_db dropped"]
    );
    let report = world.runtime.run(world.manager.shutdown());
    assert!(report.is_clean() && !report.hurried, "{report}");
    assert_eq!((report.cleaned_up(), report.elapsed), (1, SECOND));
}

#[test]
fn a_budget_of_ones_own_is_kept_to() {
    let world = World::new();
    world.register("main_db", &[], Goodbye::Hangs);
    let _kept = world.acquire("main_db");
    world.stock("main_db", 1);
    let other = world.acquire("main_db");
    drop(other);
    let budget = ShutdownBudget::within(SECOND * 5);
    let report = world.runtime.run(world.manager.shutdown_within(budget));
    let expected = budget.drain + budget.clean_up_each;
    assert_eq!(report.elapsed, expected, "{report}");
    assert_eq!(report.resources[0].abandoned, 1);
}

/// Shuts its manager down when a pool of it is closed.
struct Anxious(Arc<OnceLock<Manager>>);

impl Observer for Anxious {
    fn observe(&self, event: &Event<'_>) {
        if let (Event::Closed, Some(manager)) = (event, self.0.get()) {
            drop(manager.shutdown());
        }
    }
}

#[test]
fn an_observer_that_shuts_down_in_turn_does_no_harm() {
    let world = World::new();
    let place = Arc::new(OnceLock::new());
    let manager = Manager::builder()
        .runtime(world.runtime.clone())
        .observer(Anxious(Arc::clone(&place)))
        .build();
    let thing = world.thing("main_db", QUICK);
    world
        .runtime
        .run(manager.register("main_db", thing, ()).into_future())
        .unwrap();
    drop(
        world
            .runtime
            .run(manager.acquire::<Thing>("main_db", &NOBODY)),
    );
    assert!(place.set(manager.clone()).is_ok());
    let report = world.runtime.run(manager.shutdown());
    assert!(report.is_clean() && report.hurried, "{report}");
    assert_eq!(report.cleaned_up(), 1);
}

#[test]
fn a_manager_that_is_dropped_lets_everything_go() {
    let world = World::new();
    // Handles keep nothing open.
    let _handles = [
        world.register("main_db", &[], QUICK),
        world.register("cache", &["main_db"], QUICK),
    ];
    world.stock("main_db", 2);
    let guard = world.acquire("cache");
    let World {
        runtime,
        manager,
        log,
    } = world;
    drop(manager);
    runtime.run_until_idle();
    assert_eq!(log.count("main_db begins"), 2);
    assert_eq!(log.count("cache begins"), 0, "a guard stays valid");
    drop(guard);
    runtime.run_until_idle();
    assert_eq!(log.count("cache begins"), 1);
}
