//! When a tenant's pool goes, and what goes with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use std::sync::{Arc, OnceLock};

use futures::executor::block_on;
use nebula_resource::manager::{DeregisterError, ResourceError};
use nebula_resource::{Manager, Scope};
use setting::{MINUTE, by_hand, template};
use world::{Db, DbConfig, tenant};

#[test]
fn a_tenant_that_asks_for_nothing_is_put_away() {
    let (runtime, manager, db) = by_hand(2, 10);
    let (quiet, busy) = (tenant("quiet"), tenant("busy"));
    let ask = |ctx| drop(runtime.run(manager.acquire::<Db>("db", ctx)).unwrap());
    let held = runtime
        .run(manager.acquire::<Db>("db", &tenant("holder")))
        .unwrap();
    ask(&quiet);
    for _ in 0..15 {
        ask(&busy);
        runtime.advance(MINUTE);
    }
    let keys: Vec<_> = manager
        .status()
        .resources
        .into_iter()
        .map(|one| one.scope)
        .collect();
    assert_eq!(keys, [busy.scope().clone(), held.scope().clone()]);
    assert_eq!(db.cleaned_up(), 1);
    ask(&quiet);
    assert_eq!(
        manager.status().resources.len(),
        3,
        "and comes back when it asks again"
    );
    drop(held);
    runtime.advance(MINUTE * 30);
    assert!(manager.status().resources.is_empty());
    ask(&busy);
    runtime.advance(MINUTE * 30);
    assert!(manager.status().resources.is_empty(), "the watch goes on");
    assert_eq!(db.created(), db.cleaned_up());
}

#[test]
fn newcomers_do_not_wait_for_the_time_when_the_total_is_short() {
    let (manager, _db) = template(1, 3);
    let ask = |id: &str| drop(manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap());
    (0..40).for_each(|number| ask(&format!("tenant {number}")));
    let left = manager.status().resources.len();
    assert!(
        (1..=12).contains(&left),
        "{left} of 40 are left, where there is room for three"
    );
}

#[test]
fn a_scope_ends_with_its_tenant() {
    let (manager, db) = template(2, 10);
    for id in ["acme", "globex"] {
        drop(manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap());
    }
    let report = block_on(manager.end_scope(tenant("acme").scope()));
    assert!(report.is_clean(), "{report}");
    assert_eq!((db.cleaned_up(), manager.status().resources.len()), (1, 1));
    drop(
        manager
            .acquire_blocking::<Db>("db", &tenant("acme"))
            .unwrap(),
    );

    assert!(block_on(manager.end_scope(&Scope::GLOBAL)).is_clean());
    assert_eq!((db.created(), db.cleaned_up()), (3, 3));
    let gone = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .map(drop);
    assert!(matches!(
        gone.unwrap_err(),
        ResourceError::UnknownKey { .. }
    ));
}

#[test]
fn who_goes_leaves_its_part_to_the_others() {
    let (manager, _db) = template(4, 4);
    let held = ["a", "b"].map(|id| manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap());
    let limit = || manager.status().resources[0].pool.max_size;
    assert_eq!(limit(), 2);
    drop(held);
    assert!(block_on(manager.end_scope(tenant("b").scope())).is_clean());
    assert_eq!(limit(), 4);
}

#[test]
fn a_template_that_goes_takes_its_tenants_along() {
    let (manager, db) = template(2, 10);
    let acme = Scope::tenant("acme").unwrap();
    let cache = manager
        .register("cache", Db::new(), DbConfig::new("a"))
        .scope(acme.clone());
    cache.depends_on(["db"]).wait().unwrap();
    drop(
        manager
            .acquire_blocking::<Db>("db", &tenant("acme"))
            .unwrap(),
    );
    let needed = manager.deregister("db", &Scope::GLOBAL).unwrap_err();
    assert!(matches!(needed, DeregisterError::Needed(_)));
    manager.deregister("cache", &acme).unwrap().wait();
    let held = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .unwrap();
    let mut draining = Box::pin(manager.deregister("db", &Scope::GLOBAL).unwrap());
    assert!(world::poll(&mut draining).is_pending(), "one is out");
    drop(held);
    block_on(draining);
    assert_eq!((db.created(), db.cleaned_up()), (1, 1));
    assert!(
        manager
            .acquire_blocking::<Db>("db", &tenant("acme"))
            .is_err()
    );
    let again = manager.register_per_tenant("db", db, DbConfig::new);
    again.wait().unwrap();
}

#[test]
fn who_is_just_being_taken_in_when_all_ends_gets_nothing() {
    let there: Arc<OnceLock<Manager>> = Arc::default();
    let (db, inside) = (Db::new(), Arc::clone(&there));
    let manager = Manager::new();
    let registering = manager.register_per_tenant("db", db.clone(), move |id| {
        // While its pool is being made, the template goes.
        let manager = inside.get().unwrap();
        drop(manager.deregister("db", &Scope::GLOBAL).unwrap());
        DbConfig::new(id)
    });
    registering.wait().unwrap();
    there.set(manager.clone()).unwrap();
    let refused = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .map(drop);
    assert!(matches!(
        refused.unwrap_err(),
        ResourceError::UnknownKey { .. }
    ));
    assert_eq!(db.created(), 0);
}

#[test]
fn tenants_are_shut_down_with_the_rest() {
    let (manager, db) = template(2, 10);
    let held = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .unwrap();
    drop(
        manager
            .acquire_blocking::<Db>("db", &tenant("globex"))
            .unwrap(),
    );
    let shutdown = manager.shutdown();
    drop(held);
    let report = shutdown.wait();
    assert!(report.is_clean(), "{report}");
    assert_eq!((db.created(), db.cleaned_up()), (2, 2));
    let late = manager
        .acquire_blocking::<Db>("db", &tenant("new"))
        .map(drop);
    assert!(matches!(
        late.unwrap_err(),
        ResourceError::ShuttingDown { .. }
    ));
}

#[test]
fn the_watch_does_not_keep_a_manager_alive() {
    let (runtime, manager, db) = by_hand(2, 10);
    drop(
        runtime
            .run(manager.acquire::<Db>("db", &tenant("acme")))
            .unwrap(),
    );
    drop(manager);
    runtime.advance(MINUTE * 60);
    assert_eq!((db.created(), db.cleaned_up()), (1, 1));
    assert_eq!(db.holders(), 1, "only this test still has the resource");
}
