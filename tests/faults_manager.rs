//! Rows 22, 23 and 25 of the fault matrix where a manager is asked, and subscribers that never read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use std::sync::Arc;
use std::time::Duration;

use nebula_resource::manager::{RegisterError, ReloadError, ResourceError};
use nebula_resource::provider::Resources;
use nebula_resource::{Context, Manager, PoolConfig, Scope};
use world::{Db, DbConfig, everybody, tenant};

/// What cannot work, each in one field.
const HOSTILE: [fn(&mut PoolConfig); 5] = [
    |pool| pool.max_size = 0,
    |pool| pool.max_size = usize::MAX,
    |pool| pool.min_idle = usize::MAX,
    |pool| pool.max_concurrent_creates = 0,
    |pool| pool.maintenance_every = Duration::ZERO,
];

fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

#[test]
fn fault_22_a_thousand_resources_of_one_manager_start_no_thread_each() {
    let Some(before) = threads() else {
        return;
    };
    let (manager, db) = (Manager::new(), Db::new());
    let nobody = everybody();
    for number in 0..1_000 {
        let key = format!("db-{number}");
        let registering = manager.register(&key, db.clone(), DbConfig::new("one"));
        registering.wait().unwrap();
    }
    let guards: Vec<_> = (0..1_000)
        .map(|number| manager.acquire_blocking::<Db>(&format!("db-{number}"), &nobody))
        .collect();
    assert!(guards.iter().all(Result::is_ok));
    let started = threads().unwrap().saturating_sub(before);
    assert!(started < 50, "{started} threads for a thousand resources");
}

#[test]
fn fault_23_hostile_configurations_register_nothing_and_replace_nothing() {
    let (manager, db) = (Manager::new(), Db::new());
    for hostile in HOSTILE {
        let registration = manager.register("db", db.clone(), DbConfig::new("one"));
        let refused = registration.configure_pool(hostile).wait().unwrap_err();
        assert!(
            matches!(refused, RegisterError::Invalid { .. }),
            "{refused}"
        );
    }
    let unnamed = manager.register("db", db.clone(), DbConfig::new("")).wait();
    assert!(matches!(unnamed, Err(RegisterError::Invalid { .. })));
    assert!(manager.status().resources.is_empty());

    manager
        .register("db", db.clone(), DbConfig::new("one"))
        .wait()
        .unwrap();
    let serves = || {
        let guard = manager.acquire_blocking::<Db>("db", &everybody()).unwrap();
        (guard.made_with.clone(), guard.generation())
    };
    assert_eq!(serves(), ("one".to_owned(), 1));
    for hostile in HOSTILE {
        let mut pool = PoolConfig::default();
        hostile(&mut pool);
        let reload = manager.reload_config("db", DbConfig::new("two")).pool(pool);
        let refused = reload.wait().unwrap_err();
        assert!(matches!(refused, ReloadError::Invalid { .. }), "{refused}");
        assert_eq!(serves(), ("one".to_owned(), 1));
    }
    for (name, is_invalid) in [("", true), ("bad", false)] {
        let refused = manager.reload_config("db", DbConfig::new(name)).wait();
        match refused.unwrap_err() {
            ReloadError::Invalid { .. } => assert!(is_invalid),
            ReloadError::Unproven { .. } => assert!(!is_invalid),
            other => panic!("{other}"),
        }
        assert_eq!(serves(), ("one".to_owned(), 1));
    }
    assert_eq!(db.created(), 1, "nothing came of what was refused");
}

/// By key, by name alone, through a handle that somebody handed on, and made by serde.
#[test]
fn fault_25_another_tenants_resource_is_refused_by_every_way_in() {
    let (manager, db) = (Manager::new(), Db::new());
    let acme = Scope::tenant("acme").unwrap();
    let registering = manager.register("db", db.clone(), DbConfig::new("one"));
    let handle = registering.scope(acme.clone()).wait().unwrap();
    let made_by_serde: Scope = serde_json::from_str(r#"{"tenant":"globex"}"#).unwrap();
    let mut intruders = vec![everybody(), tenant("globex"), Context::new(made_by_serde)];
    let globex = Scope::tenant("globex").unwrap();
    intruders.push(Context::new(globex.workflow("acme").unwrap()));
    let refused = |error: ResourceError| {
        assert!(matches!(error, ResourceError::OutOfScope { .. }), "{error}");
    };
    for intruder in intruders {
        refused(manager.acquire_blocking::<Db>("db", &intruder).unwrap_err());
        refused(manager.handle::<Db>("db", &intruder).unwrap_err());
        refused(handle.acquire_blocking_in(&intruder).unwrap_err());
        let provider = Resources::new(Arc::new(manager.clone()), intruder);
        let asked = futures::executor::block_on(provider.resource::<Db>("db"));
        refused(asked.err().unwrap());
    }
    assert_eq!(db.created(), 0);
    drop(
        manager
            .acquire_blocking::<Db>("db", &tenant("acme"))
            .unwrap(),
    );
}

#[test]
fn subscribers_that_never_read_keep_nobody_waiting() {
    let (manager, db) = (Manager::new(), Db::new());
    let deaf: Vec<_> = (0..4).map(|_| manager.events().subscribe()).collect();
    let registering = manager.register("db", db.clone(), DbConfig::new("one"));
    let handle = registering.wait().unwrap();
    for _ in 0..20_000 {
        drop(handle.acquire_blocking().unwrap());
    }
    assert_eq!(db.created(), 1);
    drop(deaf);
    assert!(manager.shutdown().wait().is_clean());
}
