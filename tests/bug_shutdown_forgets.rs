//! A shutdown said that nothing was left while instances were still being cleaned up, or made: it
//! knew nothing of what had left the registry, or was about to come into it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "shutdown/world.rs"]
mod world;

use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context as Look, Poll, Waker};
use std::time::Duration;

use nebula_resource::clock::Clock;
use nebula_resource::manager::ReloadError;
use nebula_resource::runtime::{Manual, Runtime};
use nebula_resource::{
    Context, CreateContext, Manager, Resource, ResourceConfig, RetireReason, Scope,
};
use serde::Deserialize;

use world::{Goodbye, NOBODY, SECOND, World};

fn with_one(scope: Scope) -> World {
    let world = World::new();
    world.register_for(scope.clone(), "db", &[], Goodbye::Takes(SECOND));
    drop(world.acquire_for(&Context::new(scope), "db"));
    world
}

#[test]
fn bug_shutdown_forgets_what_was_deregistered_and_says_goodbye() {
    let world = with_one(Scope::GLOBAL);
    drop(world.manager.deregister("db", &Scope::GLOBAL).unwrap());
    world.runtime.run_until_idle();
    assert_eq!(world.manager.status().leaving, 0, "nobody has it any more");
    let report = world.runtime.run(world.manager.shutdown());
    assert_eq!(world.log.count("db dropped"), 1, "{report}");
}

#[test]
fn bug_shutdown_forgets_a_scope_that_is_ending() {
    let acme = Scope::tenant("acme").unwrap();
    let world = with_one(acme.clone());
    let ending = world.manager.end_scope(&acme);
    let report = world.runtime.run(world.manager.shutdown());
    assert_eq!(world.log.count("db dropped"), 1, "{report}");
    assert!(world.runtime.run(ending).is_clean());
}

#[test]
fn bug_scope_ends_before_what_a_shutdown_cleans_up() {
    let world = with_one(Scope::GLOBAL);
    let shutting_down = world.manager.shutdown();
    let report = world.runtime.run(world.manager.end_scope(&Scope::GLOBAL));
    assert_eq!(world.log.count("db dropped"), 1, "{report}");
    assert!(world.runtime.run(shutting_down).is_clean());
}

#[test]
fn bug_scope_ends_before_what_it_had_deregistered() {
    let acme = Scope::tenant("acme").unwrap();
    let world = with_one(acme.clone());
    drop(world.manager.deregister("db", &acme).unwrap());
    let report = world.runtime.run(world.manager.end_scope(&acme));
    assert_eq!(world.log.count("db dropped"), 1, "{report}");
}

/// Takes as long to be made as it is configured.
struct Slow {
    clock: Clock,
    made: Arc<AtomicUsize>,
    gone: Arc<AtomicUsize>,
}

#[derive(Deserialize)]
struct Takes(Duration);

impl ResourceConfig for Takes {}

impl Resource for Slow {
    type Config = Takes;
    type Instance = ();
    type Error = String;

    async fn create(&self, takes: &Takes, _: &CreateContext) -> Result<(), String> {
        self.clock.sleep(takes.0).await;
        self.made.fetch_add(1, SeqCst);
        Ok(())
    }

    async fn cleanup(&self, (): (), _: RetireReason) {
        self.gone.fetch_add(1, SeqCst);
    }
}

#[test]
fn bug_shutdown_forgets_a_reload_under_way() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let (made, gone) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let slow = Slow {
        clock: runtime.clock(),
        made: Arc::clone(&made),
        gone: Arc::clone(&gone),
    };
    let at_once = Takes(Duration::ZERO);
    let registering = manager.register("slow", slow, at_once).into_future();
    drop(runtime.run(registering).unwrap());
    drop(
        runtime
            .run(manager.acquire::<Slow>("slow", &NOBODY))
            .unwrap(),
    );

    let mut reload = pin!(manager.reload_config("slow", Takes(SECOND)).into_future());
    let look = reload.as_mut().poll(&mut Look::from_waker(Waker::noop()));
    assert!(matches!(look, Poll::Pending));
    runtime.run_until_idle();
    let report = runtime.run(manager.shutdown());
    let at_the_end = made.load(SeqCst);
    assert_eq!(at_the_end, gone.load(SeqCst), "{report}");
    let refused = runtime.run(reload).unwrap_err();
    assert!(
        matches!(refused, ReloadError::ShuttingDown { .. }),
        "{refused}"
    );
    runtime.advance(SECOND * 10);
    assert_eq!(made.load(SeqCst), at_the_end, "made after the end");
}
