//! Are subscribers told of everything that becomes of a resource, and of nothing that is not theirs?

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/listen.rs"]
mod listen;
#[path = "manager/world.rs"]
mod world;

use std::time::Duration;

use listen::{heard, register, still};
use nebula_resource::events::{DEFAULT_BACKLOG, TryRecvError};
use nebula_resource::{Filter, Scope};
use world::{Db, DbConfig, everybody, poll, tenant};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_life_is_told_from_beginning_to_end() {
    let (runtime, manager) = still();
    let mut all = manager.events().subscribe();
    register(&manager, "db", Scope::GLOBAL);
    let acme = tenant("acme");
    let guard = runtime.run(manager.acquire::<Db>("db", &acme)).unwrap();
    runtime.advance(SECOND * 3);
    drop(guard);
    assert_eq!(
        heard(&mut all),
        [
            "db: created to initializing",
            "db: initializing to ready",
            "db: created 1",
            "db: tenant acme got 1 in 0ns",
            "db: tenant acme had 1 for 3s",
        ]
    );
    runtime.run(manager.shutdown());
    assert_eq!(
        heard(&mut all),
        [
            "db: closed",
            "db: ready to draining",
            "db: let 1 go: Closed",
            "db: draining to cleanup",
            "db: cleanup to terminated",
        ]
    );
    drop(manager);
    assert_eq!(all.try_recv().err(), Some(TryRecvError::Closed));
}

#[test]
fn waiting_in_vain_is_told() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    let ctx = everybody();
    let _held = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    let mut all = manager.events().subscribe();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(poll(&mut waiting).is_pending());
    runtime.advance(SECOND * 30);
    assert!(runtime.run(waiting).is_err_and(|error| error.is_timeout()));
    assert_eq!(heard(&mut all), ["db: exhausted for 30s"]);
}

#[test]
fn reloads_are_told_whether_they_succeed_or_not() {
    let (runtime, manager) = still();
    register(&manager, "db", Scope::GLOBAL);
    let mut all = manager.events().subscribe();
    for refused in ["", "bad news"] {
        let reload = manager.reload_config("db", DbConfig::new(refused));
        assert!(runtime.run(async { reload.await }).is_err());
    }
    let told = heard(&mut all);
    let refusals: Vec<_> = told
        .iter()
        .filter(|line| line.contains("not reloaded"))
        .collect();
    assert_eq!(refusals.len(), 2, "{told:#?}");
    assert!(refusals[0].contains("name must be not empty"), "{told:#?}");
    assert!(refusals[1].contains("bad news does not work"), "{told:#?}");

    let reload = manager.reload_config("db", DbConfig::new("other"));
    runtime.run(async { reload.await }).unwrap();
    let told = heard(&mut all);
    assert!(told.contains(&"db: reloaded as 2".to_owned()), "{told:#?}");
    assert!(
        told.contains(&"db: ready to draining".to_owned()),
        "the old one: {told:#?}"
    );
}

/// Row 25 of the fault matrix: not by way of an event either.
#[test]
fn fault_25_a_tenants_subscriber_hears_of_no_other_tenant() {
    let (runtime, manager) = still();
    let [acme, globex] = ["acme", "globex"].map(|id| Scope::tenant(id).unwrap());
    let of_acme = Filter::all().within(acme.clone());
    let mut theirs = manager.events().subscribe_to(of_acme, DEFAULT_BACKLOG);
    for scope in [Scope::GLOBAL, acme, globex] {
        register(&manager, "db", scope);
    }
    for caller in [everybody(), tenant("acme"), tenant("globex")] {
        drop(runtime.run(manager.acquire::<Db>("db", &caller)).unwrap());
    }
    let told = heard(&mut theirs);
    assert!(told.len() > 3);
    let is_theirs = |line: &String| line.starts_with("db of tenant acme: ");
    assert!(told.iter().all(is_theirs), "{told:#?}");
}
