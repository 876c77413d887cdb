//! What a program sees of health checks: that they come, what they may do, and what they may not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "health/server.rs"]
mod server;

use std::time::Duration;

use nebula_resource::health::{HealthPolicy, HealthState};
use nebula_resource::lifecycle::State;
use nebula_resource::manager::RegisterError;
use nebula_resource::quarantine::QuarantinePolicy;
use nebula_resource::runtime::{Manual, NoRuntime, Runtime};
use nebula_resource::{Manager, Scope};
use server::{MINUTE, Mood, SECOND, Server, policy, pool, register, world};

#[test]
fn nobody_looks_unless_asked_to() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::default();
    let _db = manager.register("db", server.clone(), ()).wait().unwrap();
    runtime.advance(MINUTE);
    assert_eq!((server.attempts(), server.checks()), (0, 0));
    assert!(manager.health().resources.is_empty());
    assert_eq!(
        runtime.manual_clock().pending_alarms(),
        0,
        "nothing is waited for"
    );
}

#[test]
fn it_is_checked_within_an_interval_and_again() {
    let mut world = world(policy(), 4);
    assert_eq!(world.state(), HealthState::Unknown);
    world.pass(30 * SECOND);
    assert_eq!(world.state(), HealthState::Healthy);
    assert_eq!(
        (world.server.made(), world.server.checks()),
        (1, 1),
        "one was made for it"
    );
    world.pass(30 * SECOND);
    assert!(
        (2..=3).contains(&world.server.checks()),
        "{}",
        world.server.checks()
    );
    assert_eq!(world.server.made(), 1, "it is used again");
    assert_eq!(world.told(), ["unknown to healthy"]);
    let health = world.health();
    assert_eq!((health.score, health.strikes), (1.0, 0));
    assert!(health.next_check.is_some_and(|next| next <= 27 * SECOND));
    world.is_balanced();
}

#[test]
fn without_a_check_of_its_own_validity_counts() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let server = Server::default();
    let registration = manager.register("db", server.clone(), ()).health(policy());
    let _db = registration.wait().unwrap();
    let state = || {
        manager
            .health()
            .get("db", &Scope::GLOBAL)
            .unwrap()
            .state
            .clone()
    };
    runtime.advance(30 * SECOND);
    assert_eq!((state(), server.checks()), (HealthState::Healthy, 0));
    server.goes_down();
    runtime.advance(30 * SECOND);
    assert_eq!(state().name(), "unhealthy");
}

#[test]
fn what_is_degraded_is_handed_out_with_a_warning() {
    let mut world = world(policy(), 4);
    world.pass(30 * SECOND);
    world.server.set(Mood::Degraded(0.25));
    world.pass(30 * SECOND);
    assert_eq!(world.state().to_string(), "degraded by 25 %: tired");
    assert_eq!(world.told(), ["unknown to healthy", "healthy to degraded"]);
    assert!(world.try_one().is_ok());
    world.pass(3 * MINUTE);
    let score = world.health().score;
    assert!((0.7..0.9).contains(&score), "{score}");

    world.server.set(Mood::Well);
    world.pass(MINUTE);
    assert_eq!(world.told(), ["degraded to healthy"]);
    assert!(
        world
            .manager
            .health()
            .to_string()
            .contains("db (global): healthy; score 0.")
    );
}

#[test]
fn a_check_that_flaps_changes_nothing() {
    let mut world = world(policy(), 4);
    world.pass(30 * SECOND);
    world.server.set(Mood::Flaps);
    world.told();
    // Ill at every other look; each time another instance is asked before a check has failed.
    world.pass(30 * MINUTE);
    assert_eq!(world.told(), [""; 0]);
    assert_eq!(world.state(), HealthState::Healthy);
    assert!(
        world.server.checks() < 200,
        "{} checks in half an hour",
        world.server.checks()
    );
    world.is_balanced();
}

#[test]
fn a_check_that_hangs_has_failed() {
    let mut world = world(policy(), 2);
    world.fill(2);
    world.server.is_a_black_hole();
    let took = world.until(|world| !world.state().is_served());
    // Three checks, 5 s each, and up to 30 s before the first.
    assert!(took <= 30 * SECOND + 3 * 6 * SECOND, "{took:?}");
    let why = world.health().hold.unwrap().why;
    assert!(
        why.contains("did not") || why.contains("timed out"),
        "{why}"
    );
    world.server.comes_up();
    world.until(|world| world.try_one().is_ok());
    world.is_balanced();
    assert!(world.server.gone() >= 2, "what hung was not used again");
    assert_eq!(world.told().last().unwrap(), "unhealthy to healthy");
}

#[test]
fn a_check_that_panics_has_failed() {
    let mut world = world(policy(), 2);
    world.fill(1);
    world.server.set(Mood::Panics);
    world.until(|world| !world.state().is_served());
    let why = "health_check panicked: the check is wrong";
    assert_eq!(&*world.health().hold.unwrap().why, why);
    assert_eq!(
        world.told(),
        [&format!("quarantined: {why}"), "unknown to unhealthy"]
    );
    world.server.set(Mood::Well);
    world.pass(10 * SECOND);
    assert!(world.try_one().is_ok());
    world.is_balanced();
}

#[test]
fn a_single_failing_instance_says_nothing_about_its_resource() {
    let at_once = QuarantinePolicy::new().after(1);
    let mut world = world(policy().quarantine(at_once), 4);
    world.fill(4);
    for number in [1, 3] {
        world.server.spoils(number);
    }
    world.pass(10 * MINUTE);
    assert_eq!(world.told(), ["unknown to healthy"]);
    // Those that were asked have been replaced; nobody was ever turned away.
    assert!(world.server.gone() >= 1);
    assert!(world.try_one().is_ok());
    world.is_balanced();
}

#[test]
fn a_wrong_check_cannot_take_away_everything() {
    let one_in_ten = policy().max_ejection_percent(10);
    let world = world(one_in_ten.interval(30 * SECOND), 10);
    world.fill(10);
    // It takes whatever was made before for broken.
    for number in 0..10 {
        world.server.spoils(number);
    }
    let mut gone = vec![0];
    for _ in 0..5 {
        world.pass(30 * SECOND);
        gone.push(world.server.gone());
    }
    let at_once: Vec<_> = gone.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        at_once.iter().all(|gone| *gone <= 2),
        "in any 30 s, of two windows: {at_once:?}"
    );
    assert!(gone[5] >= 2 && gone[5] <= 6, "{gone:?}");
    world.is_balanced();
}

#[test]
fn a_failing_backend_is_detected_within_an_interval() {
    for lateness in 0..20 {
        let world = world(policy(), 4);
        world.pass(60 * SECOND + lateness * SECOND);
        world.server.goes_down();
        let took = world.until(|world| !world.state().is_served());
        assert!(
            took <= 30 * SECOND,
            "{took:?}, {lateness} s after the last minute"
        );
    }
}

#[test]
fn a_check_that_lies_is_found_out_by_reports() {
    let mut world = world(policy(), 4);
    world.pass(30 * SECOND);
    world.told();
    let reset = std::io::Error::from(std::io::ErrorKind::TimedOut);
    for _ in 0..5 {
        world
            .runtime
            .run(world.db.acquire())
            .unwrap()
            .report(&reset);
    }
    // A look at once, although no check was due.
    world.pass(Duration::ZERO);
    assert_eq!(world.told(), ["healthy to degraded"]);
    assert!(
        world
            .state()
            .to_string()
            .contains("5 reports of errors in a row"),
        "{}",
        world.state()
    );
    assert!(world.try_one().is_ok(), "it is still handed out");
    world.runtime.run(world.db.acquire()).unwrap().report_ok();
    world.pass(30 * SECOND);
    assert_eq!(world.told(), ["degraded to healthy"]);
}

#[test]
fn callers_who_cannot_connect_call_for_a_check() {
    let world = world(policy(), 4);
    world.pass(30 * SECOND);
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let mut session = world.runtime.run(world.db.acquire()).unwrap();
    world.server.goes_down();
    session.report(&reset);
    drop(session);
    let took = world.until(|world| {
        let _refused = world.try_one();
        !world.state().is_served()
    });
    assert!(
        took <= 10 * SECOND,
        "long before the next check was due: {took:?}"
    );
}

#[test]
fn where_nothing_runs_by_itself_it_says_so_and_is_run_by_hand() {
    let manual = Manual::new();
    let clock = manual.clock();
    let manager = Manager::builder().runtime(NoRuntime).clock(clock).build();
    let server = Server::default();
    let _db = register(&manager, "db", &server, policy(), 2);
    manual.manual_clock().advance(MINUTE);
    let health = manager.health();
    assert!(!health.runs_by_itself && server.checks() == 0);
    assert!(
        health
            .to_string()
            .contains("nothing runs in the background")
    );
    futures::executor::block_on(manager.run_maintenance());
    assert_eq!(server.checks(), 1);
    assert_eq!(manager.health().state, HealthState::Healthy);
}

#[test]
fn a_clock_that_leaps_brings_one_check_and_not_a_herd() {
    let world = world(policy(), 2);
    world.pass(30 * SECOND);
    let before = world.server.checks();
    world.runtime.manual_clock().leap(24 * 60 * MINUTE);
    world.runtime.run_until_idle();
    assert_eq!(world.server.checks(), before + 1);
    assert_eq!(world.state(), HealthState::Healthy);
    assert!(
        world
            .health()
            .next_check
            .is_some_and(|next| next <= 27 * SECOND)
    );
}

#[test]
fn health_survives_a_reload() {
    let world = world(policy(), 2);
    world.pass(2 * MINUTE);
    let before = world.health().history.len();
    assert!(before >= 4);
    world
        .runtime
        .run(async { world.manager.reload_config("db", ()).await })
        .unwrap();
    world.pass(MINUTE);
    assert!(world.health().history.len() > before);
    assert_eq!(world.state(), HealthState::Healthy);
}

#[test]
fn whoever_goes_is_not_looked_at_any_more() {
    let world = world(policy(), 2);
    world.pass(MINUTE);
    let checks = world.server.checks();
    drop(world.manager.deregister("db", &Scope::GLOBAL).unwrap());
    world.pass(10 * MINUTE);
    assert_eq!(world.server.checks(), checks);
    assert!(world.manager.health().resources.is_empty());
    assert_eq!(world.server.gone(), world.server.made());
    world.runtime.run(async { world.manager.shutdown().await });
    world.pass(MINUTE);
    assert_eq!(world.runtime.manual_clock().pending_alarms(), 0);
}

#[test]
fn one_that_fails_while_it_is_being_stopped_is_left_alone() {
    let world = world(policy(), 2);
    let guard = world.runtime.run(world.db.acquire()).unwrap();
    world.server.goes_down();
    let stopping = world.manager.shutdown();
    world.pass(2 * SECOND);
    let status = world.manager.status();
    assert_eq!(
        status.get("db", &Scope::GLOBAL).unwrap().state,
        State::Draining
    );
    drop(guard);
    assert!(world.runtime.run(stopping).is_clean());
    world.pass(10 * MINUTE);
    assert_eq!(
        world.runtime.manual_clock().pending_alarms(),
        0,
        "nobody looks any more"
    );
}

#[test]
fn what_was_seen_before_a_reload_does_not_count() {
    let at_once = QuarantinePolicy::new().after(1);
    let world = world(policy().quarantine(at_once), 4);
    world.pass(MINUTE);
    world.server.set(Mood::Hangs);
    let checks = world.server.checks();
    world.until(|world| world.server.checks() > checks);
    world.server.set(Mood::Well);
    world
        .runtime
        .run(async { world.manager.reload_config("db", ()).await })
        .unwrap();
    world.pass(5 * SECOND);
    let last = world
        .health()
        .history
        .first()
        .map(|last| last.state.clone());
    assert_eq!(last, Some(HealthState::Unknown));
    assert_eq!(world.state(), HealthState::Healthy);
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let manager = Manager::new();
    let registration = manager.register("db", Server::default(), ());
    let refused = registration
        .pool(pool(2))
        .health(HealthPolicy::new().interval(Duration::ZERO));
    let refused = refused.wait().unwrap_err();
    assert!(matches!(refused, RegisterError::Invalid { .. }));
    assert!(
        refused
            .to_string()
            .contains("health.interval must be from 10 ms to a day"),
        "{refused}"
    );
    assert!(manager.status().resources.is_empty());
}
