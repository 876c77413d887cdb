//! What callers see of a resource that does not work: an answer at once, nobody else disturbed, and the
//! resource itself soon after it works again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "health/server.rs"]
mod server;

use std::time::Duration;

use nebula_resource::lifecycle::State;
use nebula_resource::manager::QuarantineError;
use nebula_resource::quarantine::{Doubling, QuarantinePolicy};
use nebula_resource::runtime::Runtime;
use nebula_resource::{ResourceError, Scope};
use server::{MINUTE, Mood, SECOND, Server, World, policy, register, world};

const HERE: Scope = Scope::GLOBAL;

/// One that has just been quarantined.
fn outage(max_size: usize) -> World {
    let mut world = world(policy(), max_size);
    world.pass(MINUTE);
    world.server.goes_down();
    world.until(|world| !world.state().is_served());
    world.told();
    world
}

fn life(world: &World) -> State {
    world.manager.status().get("db", &HERE).unwrap().state
}

#[test]
fn callers_are_told_at_once_why_since_when_and_until_when() {
    let world = outage(4);
    world.pass(100 * Duration::from_millis(1));
    assert_eq!(life(&world), State::Quarantined);
    let began = world.runtime.clock().now();
    let refused = world.try_one().unwrap_err();
    assert_eq!(world.runtime.clock().now(), began, "it took no time");
    let ResourceError::Quarantined { key, hold } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(
        (key.as_str(), hold.attempts, hold.given_up),
        ("db", 0, false)
    );
    assert!(hold.why.contains("connection re"), "{}", hold.why);
    assert!(hold.next_attempt.is_some_and(|next| next <= SECOND));
    let says = refused.to_string();
    assert!(says.starts_with("\"db\" is in quarantine for 0."), "{says}");
    assert!(says.contains("; it is tried again in 0."), "{says}");
}

#[test]
fn those_in_line_are_told_too() {
    let mut world = world(policy(), 1);
    let guard = world.runtime.run(world.db.acquire()).unwrap();
    world
        .db
        .reconfigure_pool(|pool| pool.acquire_timeout = 10 * MINUTE)
        .unwrap();
    let (db, refused) = (world.db.clone(), std::sync::mpsc::channel());
    let waiting = async move {
        let waited = db.acquire().await.map(drop);
        refused.0.send(waited).unwrap();
    };
    assert!(world.runtime.spawn(Box::pin(waiting)).is_ok());
    world.pass(SECOND);
    assert!(refused.1.try_recv().is_err(), "it waits");
    world.manager.quarantine("db", &HERE, "for a test").unwrap();
    world.pass(Duration::ZERO);
    let refused = refused.1.try_recv().unwrap();
    assert!(
        matches!(refused, Err(ResourceError::Quarantined { .. })),
        "{refused:?}"
    );
    drop(guard);
    assert_eq!(world.db.status().waiting, 0);
    world.is_balanced();
    assert_eq!(world.told().len(), 2);
}

#[test]
fn attempts_are_those_of_the_schedule_however_many_ask() {
    let world = outage(4);
    let (before, began) = (world.server.attempts(), world.runtime.clock().now());
    let mut refused = 0;
    while world.runtime.clock().now().since(began) < 2 * MINUTE {
        for _ in 0..20 {
            refused += usize::from(world.try_one().is_err());
        }
        world.pass(Duration::from_millis(200));
    }
    assert_eq!(refused, 12_000);
    let attempts = world.server.attempts() - before;
    // 1, 2, 4, 8, 16, 32, 60 s: six or seven of them in two minutes, each with one connection.
    assert!((6..=8).contains(&attempts), "{attempts}");
    assert_eq!(world.server.most_at_once(), 1);
}

#[test]
fn stock_is_not_filled_up_meanwhile() {
    let world = world(policy(), 4);
    world.db.reconfigure_pool(|pool| pool.min_idle = 2).unwrap();
    world.pass(MINUTE);
    assert_eq!(world.db.status().idle, 2);
    world.server.goes_down();
    world.until(|world| !world.state().is_served());
    world.pass(MINUTE);
    let before = world.server.attempts();
    world.pass(5 * MINUTE);
    let attempts = world.server.attempts() - before;
    assert!(attempts <= 2 * 8, "{attempts}");
    world.server.comes_up();
    world.pass(2 * MINUTE);
    assert_eq!(world.db.status().idle, 2);
    world.is_balanced();
}

#[test]
fn others_never_notice() {
    let world = world(policy(), 4);
    let other = Server::default();
    let cache = register(&world.manager, "cache", &other, policy(), 4);
    world.pass(MINUTE);
    world.server.is_a_black_hole();
    for _ in 0..300 {
        let session = world.runtime.run(cache.acquire());
        assert!(session.is_ok());
        drop(session);
        world.pass(SECOND);
    }
    assert!(!world.state().is_served());
    let health = world.manager.health();
    let cache = health.get("cache", &HERE).unwrap();
    assert_eq!((cache.state.name(), cache.score), ("healthy", 1.0));
    assert_eq!(health.state.name(), "unhealthy", "the worst of all");
}

#[test]
fn it_is_back_with_the_first_attempt_that_succeeds() {
    let mut world = outage(4);
    world.pass(4 * SECOND);
    let next = world.health().hold.unwrap().next_attempt.unwrap();
    world.server.comes_up();
    let took = world.until(|world| world.try_one().is_ok());
    assert!(
        took <= next + SECOND,
        "{took:?}, and the attempt was due in {next:?}"
    );
    let told = world.told();
    let back = told.len() - 2;
    assert_eq!(told[..back], ["attempt 1 failed", "attempt 2 failed"]);
    assert_eq!(told[back..], ["recovered after 3", "unhealthy to healthy"]);
    assert_eq!(life(&world), State::Idle);
    let health = world.health();
    assert_eq!((health.strikes, health.hold), (1, None));
    world.pass(11 * MINUTE);
    assert_eq!(world.health().strikes, 0, "forgiven");
    world.is_balanced();
}

#[test]
fn given_up_it_is_looked_at_all_the_same() {
    let mut world = outage(4);
    world.pass(6 * MINUTE);
    let told = world.told();
    assert_eq!(
        told[..9],
        (1..10)
            .map(|n| format!("attempt {n} failed"))
            .collect::<Vec<_>>()
    );
    assert_eq!(told[9], "given up after 10");
    assert_eq!(life(&world), State::Failed);
    let refused = world.try_one().unwrap_err().to_string();
    assert!(refused.starts_with("\"db\" has failed for 3"), "{refused}");
    world.pass(10 * MINUTE);
    assert!(
        world.told().iter().all(|told| told.starts_with("attempt")),
        "nobody is woken twice"
    );

    world.server.comes_up();
    let took = world.until(|world| world.try_one().is_ok());
    assert!(took <= MINUTE + SECOND, "{took:?}");
    assert_eq!(life(&world), State::Idle);
    world.is_balanced();
}

#[test]
fn given_up_for_good_somebody_has_to_release_it() {
    let few = Doubling::new(SECOND, 2 * SECOND, 3).unwrap();
    let for_good = QuarantinePolicy::new()
        .strategy(few)
        .keep_looking(None)
        .ramp(Duration::ZERO);
    let world = world(policy().quarantine(for_good), 2);
    world.server.goes_down();
    world.pass(5 * MINUTE);
    let attempts = world.server.attempts();
    world.server.comes_up();
    world.pass(60 * MINUTE);
    assert_eq!(
        (world.server.attempts(), life(&world)),
        (attempts, State::Failed)
    );
    let refused = world.try_one().unwrap_err().to_string();
    assert!(
        refused.contains("it stays so until somebody releases or reloads it"),
        "{refused}"
    );
    world.manager.release("db", &HERE).unwrap();
    assert!(world.try_one().is_ok());
    assert_eq!(life(&world), State::Idle);
}

#[test]
fn beyond_recovery_it_has_failed_at_once() {
    let mut world = world(policy(), 2);
    world.pass(30 * SECOND);
    world.server.set(Mood::Dead);
    world.pass(30 * SECOND);
    assert_eq!(life(&world), State::Failed);
    assert_eq!(
        world.told()[1..],
        ["given up after 0", "healthy to unhealthy"]
    );
    assert_eq!(
        world.state().to_string(),
        "unhealthy for good: the data is gone"
    );
    assert_eq!(world.db.status().size, 0, "what was asked is cleaned up");
    world.server.set(Mood::Well);
    world.pass(MINUTE);
    assert!(world.try_one().is_ok(), "somebody looked");
    world.is_balanced();
}

#[test]
fn by_hand_it_stays_until_it_is_released() {
    let mut world = world(policy(), 2);
    world.pass(MINUTE);
    let checks = world.server.checks();
    world
        .manager
        .quarantine("db", &HERE, "moving house")
        .unwrap();
    let again = world.manager.quarantine("db", &HERE, "moving house");
    assert!(matches!(again, Err(QuarantineError::Already { .. })));
    let refused = world.try_one().unwrap_err().to_string();
    assert!(
        refused.contains("is quarantined by hand for 0.0 s: moving house"),
        "{refused}"
    );
    world.pass(60 * MINUTE);
    assert_eq!(
        (world.server.checks(), life(&world)),
        (checks, State::Quarantined)
    );

    world.manager.release("db", &HERE).unwrap();
    assert!(world.try_one().is_ok());
    let again = world.manager.release("db", &HERE);
    assert!(matches!(again, Err(QuarantineError::NotQuarantined { .. })));
    world.pass(2 * SECOND);
    assert_eq!(world.server.checks(), checks + 1, "it is looked at soon");
    let told = world.told();
    let all = [
        "unknown to healthy",
        "quarantined: moving house",
        "healthy to unhealthy",
    ];
    assert_eq!(told[..3], all);
    assert_eq!(
        told[3..],
        [
            "recovered after 0",
            "unhealthy to unknown",
            "unknown to healthy"
        ]
    );
    world.is_balanced();
}

#[test]
fn what_nobody_looks_after_cannot_be_quarantined() {
    let world = world(policy(), 2);
    world
        .manager
        .register("other", Server::default(), ())
        .wait()
        .unwrap();
    let refused = world.manager.quarantine("other", &HERE, "so").unwrap_err();
    assert!(matches!(refused, QuarantineError::NotLookedAfter { .. }));
    assert_eq!(
        refused.to_string(),
        "nobody looks after \"other\": register it with `health`"
    );
    let unknown = world.manager.release("nothing", &HERE).unwrap_err();
    assert!(matches!(unknown, QuarantineError::UnknownKey { .. }));
    assert_eq!(
        unknown.to_string(),
        "there is no \"nothing\" registered for everybody"
    );
    let acme = Scope::tenant("acme").unwrap();
    let elsewhere = world.manager.quarantine("db", &acme, "so").unwrap_err();
    assert!(matches!(elsewhere, QuarantineError::UnknownKey { .. }));
}

#[test]
fn a_reload_that_works_ends_it() {
    let world = outage(2);
    world.server.comes_up();
    world
        .runtime
        .run(async { world.manager.reload_config("db", ()).await })
        .unwrap();
    assert!(world.try_one().is_ok());
    assert_eq!(life(&world), State::Idle);
    assert_eq!(world.health().hold, None);
    world.is_balanced();
}

#[test]
fn a_reload_that_fails_does_not() {
    let world = outage(2);
    let reloaded = world
        .runtime
        .run(async { world.manager.reload_config("db", ()).await });
    assert!(reloaded.is_err());
    assert!(matches!(
        world.try_one(),
        Err(ResourceError::Quarantined { .. })
    ));
    world.is_balanced();
}

#[test]
fn guards_that_are_out_stay_valid() {
    let world = world(policy(), 2);
    let guard = world.runtime.run(world.db.acquire()).unwrap();
    world.server.goes_down();
    world.until(|world| !world.state().is_served());
    assert_eq!(guard.number, 0);
    drop(guard);
    world.is_balanced();
    world.server.comes_up();
    world.pass(10 * SECOND);
    assert!(world.try_one().is_ok());
}

#[test]
fn it_can_be_stopped_meanwhile() {
    for wait in [0, 1, 3, 400] {
        let world = outage(2);
        world.pass(wait * SECOND);
        let report = world.runtime.run(world.manager.shutdown());
        assert!(report.is_clean(), "{report}");
        assert_eq!(world.server.made(), world.server.gone());
    }
}

#[test]
fn a_clock_that_leaps_brings_one_attempt() {
    let world = outage(2);
    for _ in 0..5 {
        let before = world.server.attempts();
        world.runtime.manual_clock().leap(60 * MINUTE);
        world.runtime.run_until_idle();
        assert_eq!(world.server.attempts(), before + 1);
    }
    world.server.comes_up();
    world.runtime.manual_clock().leap(60 * MINUTE);
    world.runtime.run_until_idle();
    assert!(world.try_one().is_ok());
}
