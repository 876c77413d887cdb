//! Coming and going: what is asked of a newcomer, and what becomes of what leaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use futures::executor::block_on;
use nebula_resource::lifecycle::State;
use nebula_resource::manager::{DeregisterError, RegisterError, ResourceError};
use nebula_resource::{BlockingResource, CreateContext, Key, Manager, PoolConfig, Scope};
use world::{Db, DbConfig, everybody, small};

#[test]
fn everything_is_checked_before_anything_is_there() {
    let manager = Manager::new();
    let db = Db::new();
    let register = || manager.register("db", db.clone(), DbConfig::new("a"));

    let bad_key = manager.register(" db", db.clone(), DbConfig::new("a"));
    assert!(matches!(bad_key.wait().unwrap_err(), RegisterError::Key(_)));
    let bad_need = register().depends_on(["ok", ""]);
    assert!(matches!(
        bad_need.wait().unwrap_err(),
        RegisterError::Key(_)
    ));

    let bad_config = manager.register_blocking("db", db.clone(), DbConfig::new(""));
    let says = bad_config.unwrap_err().to_string();
    assert_eq!(
        says,
        r#""db" cannot be registered: name must be not empty, got """#
    );

    let bad_pool = register().pool(PoolConfig {
        max_size: 0,
        ..PoolConfig::default()
    });
    let refused = bad_pool.wait().unwrap_err();
    assert!(
        matches!(&refused, RegisterError::Invalid { source, .. } if source.field == "max_size")
    );

    let unknown = register().depends_on(["cache"]).wait().unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "db needs cache, which is not registered; nothing is yet"
    );
    assert!(manager.status().resources.is_empty());
    assert_eq!(db.created(), 0);

    register().wait().unwrap();
    let taken = register().wait().unwrap_err();
    assert_eq!(
        taken.to_string(),
        "\"db\" is registered already, for everybody (as a registration::world::Db); \
         deregister that first, or reload it with another configuration"
    );
    let elsewhere = register().scope(Scope::tenant("acme").unwrap());
    elsewhere.wait().unwrap();
}

#[test]
fn what_a_resource_needs_must_be_for_it() {
    let manager = Manager::new();
    let (acme, globex) = (
        Scope::tenant("acme").unwrap(),
        Scope::tenant("globex").unwrap(),
    );
    let register = |key: &str| manager.register(key, Db::new(), DbConfig::new("a"));
    register("db").scope(acme.clone()).wait().unwrap();
    let refused = register("cache").depends_on(["db"]).wait().unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#""cache" needs "db", which belongs to tenant acme; "cache" is registered for everybody"#
    );
    let stranger = register("cache").scope(globex).depends_on(["db"]).wait();
    assert!(matches!(
        stranger.unwrap_err(),
        RegisterError::DependencyOutOfScope { .. }
    ));
    let inside = acme.workflow("billing").unwrap();
    register("cache")
        .scope(inside.clone())
        .depends_on(["db"])
        .wait()
        .unwrap();

    let needed = manager.deregister("db", &acme).unwrap_err();
    assert!(matches!(needed, DeregisterError::Needed(_)));
    assert_eq!(
        needed.to_string(),
        "db is needed and has to stay until these are gone: cache"
    );
    assert!(manager.graph().contains(r#""cache" -> "db";"#));
    drop(manager.deregister("cache", &inside).unwrap());
    drop(manager.deregister("db", &acme).unwrap());
    assert!(manager.status().resources.is_empty());
}

#[test]
fn a_resource_says_itself_what_it_needs() {
    let manager = Manager::new();
    let needy = Db::needing("db");
    let refused = manager.register_blocking("cache", needy.clone(), DbConfig::new("a"));
    assert!(matches!(refused.unwrap_err(), RegisterError::Dependency(_)));
    manager
        .register_blocking("db", Db::new(), DbConfig::new("a"))
        .unwrap();
    let registration = manager.register("cache", needy, DbConfig::new("a"));
    registration.depends_on(["db"]).wait().unwrap();
    let status = manager.status();
    let cache = status.get("cache", &Scope::GLOBAL).unwrap();
    assert_eq!(
        cache.needs,
        [Key::new("db").unwrap()],
        "once, whoever says it"
    );
}

#[test]
fn a_registration_that_warms_up_waits_for_its_stock() {
    let manager = Manager::new();
    let warm = PoolConfig {
        min_idle: 3,
        warm_on_register: true,
        ..small(4)
    };
    let db = Db::new();
    let registration = manager.register("db", db.clone(), DbConfig::new("a"));
    let handle = registration.pool(warm.clone()).wait().unwrap();
    assert!(db.created() >= 3);
    assert_eq!(handle.status().in_use, 0);

    db.fails("no route to host");
    let failing = PoolConfig {
        fail_fast: true,
        ..warm
    };
    let registration = manager.register("other", db.clone(), DbConfig::new("a"));
    let refused = registration.pool(failing).wait().unwrap_err();
    assert!(matches!(refused, RegisterError::NotWarm { .. }));
    assert!(
        refused.to_string().contains("no route to host"),
        "{refused}"
    );
    let status = manager.status();
    assert!(
        status.get("other", &Scope::GLOBAL).is_none(),
        "no trace is left"
    );
}

#[test]
fn who_asks_while_it_warms_up_is_told_so() {
    let runtime = nebula_resource::runtime::Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let db = Db::new();
    let gate = db.hangs();
    let warm = PoolConfig {
        warm_on_register: true,
        ..small(1)
    };
    let registration = manager
        .register("db", db.clone(), DbConfig::new("a"))
        .pool(warm);
    let mut registering = Box::pin(registration.into_future());
    assert!(world::poll(&mut registering).is_pending());
    runtime.run_until_idle();
    let refused = manager
        .acquire_blocking::<Db>("db", &everybody())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#""db" is initializing; it will be handed out once it is ready"#
    );
    // Somebody else cannot take the key meanwhile.
    let taken = manager.register_blocking("db", Db::new(), DbConfig::new("b"));
    assert!(matches!(taken.unwrap_err(), RegisterError::Taken { .. }));

    // Given up, it leaves no trace; and the key is free again.
    drop(registering);
    assert!(manager.status().resources.is_empty());
    gate.open();
    let registration = manager.register("db", db, DbConfig::new("a"));
    let handle = runtime.run(registration.into_future()).unwrap();
    assert_eq!(manager.status().resources[0].state, State::Ready);
    let guard = runtime.run(handle.acquire()).unwrap();
    assert_eq!(manager.status().resources[0].state, State::InUse);
    drop(guard);
    assert_eq!(manager.status().resources[0].state, State::Idle);
}

#[test]
fn what_was_deregistered_is_gone_but_not_its_guards() {
    let manager = Manager::new();
    let db = Db::new();
    let handle = manager
        .register_blocking("db", db.clone(), DbConfig::new("a"))
        .unwrap();
    let ctx = everybody();
    let guard = manager.acquire_blocking::<Db>("db", &ctx).unwrap();
    let unknown = manager.deregister("cache", &Scope::GLOBAL).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        r#"there is no "cache" registered for everybody; registered: db"#
    );
    let draining = manager.deregister("db", &Scope::GLOBAL).unwrap();
    for refused in [
        manager
            .acquire_blocking::<Db>("db", &ctx)
            .map(drop)
            .unwrap_err(),
        handle.acquire_blocking().map(drop).unwrap_err(),
        block_on(handle.acquire()).map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(refused, ResourceError::UnknownKey { .. }),
            "{refused}"
        );
    }
    assert_eq!(
        (guard.made_with.as_str(), manager.status().leaving),
        ("a", 1)
    );
    drop(guard);
    draining.wait();
    assert_eq!((db.cleaned_up(), manager.status().leaving), (1, 0));
    drop(handle);
    // Nothing is kept of it; the job that cleaned up may just be ending.
    world::until(|| manager.status().leaving == 0 && db.holders() == 1);
}

#[test]
fn a_handle_does_not_turn_to_another_resource() {
    let manager = Manager::new();
    let acme = Scope::tenant("acme").unwrap();
    let register = || manager.register("db", Db::new(), DbConfig::new("a"));
    register().wait().unwrap();
    let handle = register().scope(acme.clone()).wait().unwrap();
    drop(manager.deregister("db", &acme).unwrap());
    for refused in [
        handle.acquire_blocking().map(drop),
        block_on(handle.acquire()).map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, ResourceError::UnknownKey { .. }),
            "{refused}"
        );
    }
    register().scope(acme).wait().unwrap();
    assert!(handle.acquire_blocking().is_ok(), "its own has come back");
}

#[test]
fn waiters_of_what_goes_are_turned_away() {
    let manager = Manager::new();
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let handle = registration.pool(small(1)).wait().unwrap();
    let held = handle.acquire_blocking().unwrap();
    let ctx = everybody();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(world::poll(&mut waiting).is_pending());
    drop(manager.deregister("db", &Scope::GLOBAL).unwrap());
    assert!(matches!(
        block_on(waiting),
        Err(ResourceError::UnknownKey { .. })
    ));
    drop(held);
}

/// A resource that asks its manager for something when it is dropped.
struct Nosy(Manager);

impl Drop for Nosy {
    fn drop(&mut self) {
        let _seen = self.0.status();
    }
}

impl BlockingResource for Nosy {
    type Config = ();
    type Instance = ();
    type Error = String;

    fn create(&self, (): &(), _: &CreateContext) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn no_foreign_code_runs_under_a_lock() {
    let manager = Manager::new();
    for round in 0..3 {
        let nosy = Nosy(manager.clone());
        drop(manager.register_blocking("nosy", nosy, ()).unwrap());
        let taken = manager.register_blocking("nosy", Nosy(manager.clone()), ());
        assert!(taken.is_err());
        manager.reload_config("nosy", ()).wait().unwrap();
        drop(
            manager
                .acquire_blocking::<Nosy>("nosy", &everybody())
                .unwrap(),
        );
        if round == 1 {
            block_on(manager.end_scope(&Scope::GLOBAL));
        } else {
            manager.deregister("nosy", &Scope::GLOBAL).unwrap().wait();
        }
        world::until(|| manager.status().leaving == 0);
    }
    assert!(manager.status().resources.is_empty());
}
