//! Pools that tenants get when they first ask: whose they are, and how large they grow.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};

use futures::executor::block_on;
use nebula_resource::manager::{RegisterError, ResourceError};
use nebula_resource::runtime::Manual;
use nebula_resource::{AcquireError, Context, Manager, PoolConfig, Scope};
use setting::{MINUTE, by_hand, template};
use world::{Db, DbConfig, File, everybody, small, tenant};

fn limits(manager: &Manager) -> Vec<usize> {
    let resources = manager.status().resources;
    resources.iter().map(|one| one.pool.max_size).collect()
}

#[test]
fn each_tenant_has_its_own() {
    let (manager, db) = template(2, 10);
    assert!(manager.status().resources.is_empty(), "nobody has asked");
    for id in ["acme", "globex"] {
        let deep = Scope::tenant(id).unwrap().workflow("w").unwrap();
        for ctx in [tenant(id), Context::new(deep)] {
            let mut got = manager.acquire_blocking::<Db>("db", &ctx).unwrap();
            assert_eq!(
                (got.made_with.as_str(), got.scope()),
                (id, tenant(id).scope())
            );
            got.uses += 1;
        }
    }
    assert_eq!(db.created(), 2, "one for each, whatever is inside");
    assert_eq!(manager.status().resources.len(), 2);
    let handle = manager.handle::<Db>("db", &tenant("acme")).unwrap();
    assert_eq!(block_on(handle.acquire()).unwrap().uses, 2);
    assert!(handle.acquire_blocking_in(&tenant("globex")).is_err());
}

#[test]
fn who_is_no_tenants_is_refused() {
    let (manager, _db) = template(2, 10);
    let workflow = Context::new(Scope::GLOBAL.workflow("w").unwrap());
    for ctx in [everybody(), workflow] {
        let refused = manager
            .acquire_blocking::<Db>("db", &ctx)
            .map(drop)
            .unwrap_err();
        assert!(
            matches!(refused, ResourceError::NeedsTenant { .. }),
            "{refused}"
        );
    }
    let refused = manager.acquire_blocking::<Db>("db", &everybody()).map(drop);
    assert_eq!(
        refused.unwrap_err().to_string(),
        r#""db" is made for each tenant by itself; the caller is nobody's (its scope is global)"#
    );
    let wrong = manager
        .acquire_blocking::<File>("db", &tenant("acme"))
        .map(drop);
    assert!(matches!(
        wrong.unwrap_err(),
        ResourceError::WrongType { .. }
    ));
    let unknown = manager
        .acquire_blocking::<Db>("bd", &tenant("acme"))
        .map(drop);
    assert!(unknown.unwrap_err().to_string().ends_with("registered: db"));
    assert!(
        manager.status().resources.is_empty(),
        "none of them got a pool"
    );
}

#[test]
fn what_was_registered_for_a_tenant_is_preferred() {
    let (manager, _db) = template(2, 10);
    let acme = Scope::tenant("acme").unwrap();
    let special = manager.register("db", Db::new(), DbConfig::new("special"));
    special.scope(acme).wait().unwrap();
    let got = |id| {
        let guard = manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap();
        guard.made_with.clone()
    };
    assert_eq!(
        (got("acme"), got("globex")),
        ("special".to_owned(), "globex".to_owned())
    );
}

#[test]
fn templates_are_checked_and_so_are_tenants() {
    let manager = Manager::new();
    let register = || manager.register_per_tenant("db", Db::new(), |_| DbConfig::new(""));
    assert!(matches!(
        register().pool(small(0)).wait().unwrap_err(),
        RegisterError::Invalid { .. }
    ));
    assert_eq!(
        register()
            .at_most_together(0)
            .wait()
            .unwrap_err()
            .to_string(),
        r#""db" cannot be registered: at_most_together must be at least 1, got 0"#
    );
    let needy = register().depends_on(["queue"]).wait().unwrap_err();
    assert!(matches!(needy, RegisterError::Dependency(_)));
    register().wait().unwrap();
    assert!(matches!(
        register().wait().unwrap_err(),
        RegisterError::Taken { .. }
    ));
    let too = manager.register_blocking("db", Db::new(), DbConfig::new("a"));
    assert!(matches!(too.unwrap_err(), RegisterError::Taken { .. }));

    let refused = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .map(drop);
    assert_eq!(
        refused.unwrap_err().to_string(),
        r#""db" cannot be made for tenant acme: name must be not empty, got """#
    );
}

#[test]
fn a_total_that_is_short_is_shared_out() {
    let (manager, _db) = template(4, 8);
    let mut held = Vec::new();
    for (id, expected) in [
        ("a", [4].as_slice()),
        ("b", &[4, 4]),
        ("c", &[2, 2, 2]),
        ("d", &[2; 4]),
    ] {
        held.push(manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap());
        assert_eq!(limits(&manager), expected);
    }
    // Nobody is thrown out while in use, but who has left makes room for the next one.
    held.truncate(1);
    held.push(manager.acquire_blocking::<Db>("db", &tenant("e")).unwrap());
    held.push(manager.acquire_blocking::<Db>("db", &tenant("f")).unwrap());
    let left = manager.status().resources;
    assert!(
        held.iter()
            .all(|guard| left.iter().any(|one| one.scope == *guard.scope()))
    );
    assert!(left.len() < 6 && left.iter().map(|one| one.pool.max_size).sum::<usize>() <= 8);
}

#[test]
fn no_tenant_can_keep_another_from_its_part() {
    let (runtime, manager, db) = by_hand(4, 4);
    let (hog, late) = (tenant("hog"), tenant("late"));
    let mut held: Vec<_> = (0..4)
        .map(|_| runtime.run(manager.acquire::<Db>("db", &hog)).unwrap())
        .collect();
    // The hog wants more, and was there first.
    let mut more: Vec<_> = (0..3)
        .map(|_| Box::pin(manager.acquire::<Db>("db", &hog)))
        .collect();
    more.iter_mut()
        .for_each(|more| assert!(world::poll(more).is_pending()));
    let mut first = Box::pin(manager.acquire::<Db>("db", &late));
    assert!(world::poll(&mut first).is_pending());
    runtime.run_until_idle();
    assert_eq!(db.created(), 4, "never more than the total");

    drop(held.pop());
    let first = runtime.run(first).unwrap();
    assert_eq!(
        first.made_with, "late",
        "what came back went to whom it belongs"
    );
    let mut second = Box::pin(manager.acquire::<Db>("db", &late));
    assert!(world::poll(&mut second).is_pending());
    runtime.run_until_idle();
    drop(held.pop());
    let second = runtime.run(second).unwrap();
    assert_eq!(db.created() - db.cleaned_up(), 4);
    // Both have their part now: what the hog gives back, it gets again.
    drop(held.pop());
    let mine = runtime.run(more.remove(0)).unwrap();
    assert_eq!(mine.made_with, "hog");
    drop((first, second, mine, held, more));
}

#[test]
fn what_lies_idle_makes_room_for_who_needs_it() {
    let (runtime, manager, db) = by_hand(2, 2);
    // Two tenants keep one idle instance each: the total is used up.
    for id in ["a", "b"] {
        drop(
            runtime
                .run(manager.acquire::<Db>("db", &tenant(id)))
                .unwrap(),
        );
    }
    let got = runtime
        .run(manager.acquire::<Db>("db", &tenant("c")))
        .unwrap();
    assert_eq!(
        (got.made_with.as_str(), db.created() - db.cleaned_up()),
        ("c", 2)
    );
}

#[test]
fn what_becomes_idle_while_somebody_waits_makes_room_too() {
    let (runtime, manager, db) = by_hand(1, 1);
    let (a, b) = (tenant("a"), tenant("b"));
    let held = runtime.run(manager.acquire::<Db>("db", &a)).unwrap();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &b));
    assert!(world::poll(&mut waiting).is_pending());
    runtime.run_until_idle();
    let began = runtime.manual_clock().now();
    drop(held); // within its own share: it stays in its pool
    let got = runtime.run(waiting).unwrap();
    let waited = runtime.manual_clock().now().since(began);
    assert!(waited < MINUTE / 60, "{waited:?}");
    assert_eq!(
        (got.made_with.as_str(), db.created() - db.cleaned_up()),
        ("b", 1)
    );
}

#[test]
fn who_waits_in_vain_is_told_why() {
    let (runtime, manager, _db) = by_hand(1, 1);
    let _held = runtime
        .run(manager.acquire::<Db>("db", &tenant("a")))
        .unwrap();
    let refused = runtime
        .run(manager.acquire::<Db>("db", &tenant("b")))
        .map(drop);
    let refused = refused.unwrap_err();
    assert!(matches!(
        &refused,
        ResourceError::Pool {
            source: AcquireError::CreateFailed(_),
            ..
        }
    ));
    let says = refused.to_string();
    assert!(
        says.ends_with("all 1 instances that tenants may have together are taken"),
        "{says}"
    );
}

#[test]
fn of_two_pools_made_for_one_tenant_one_is_kept() {
    let there: Arc<OnceLock<Manager>> = Arc::default();
    let (db, asked, inside) = (Db::new(), AtomicUsize::new(0), Arc::clone(&there));
    let manager = Manager::new();
    let registering = manager.register_per_tenant("db", db.clone(), move |id| {
        // While the first is being made, somebody else is faster.
        if asked.fetch_add(1, SeqCst) == 0 {
            let manager = inside.get().unwrap();
            drop(manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap());
        }
        DbConfig::new(id)
    });
    registering.wait().unwrap();
    there.set(manager.clone()).unwrap();
    let mut got = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .unwrap();
    got.uses += 1;
    drop(got);
    let again = manager
        .acquire_blocking::<Db>("db", &tenant("acme"))
        .unwrap();
    assert_eq!((again.uses, db.created()), (1, 1));
}

#[test]
fn one_that_was_made_for_a_larger_part_gets_no_more_than_the_others() {
    let there: Arc<OnceLock<Manager>> = Arc::default();
    let (held, inside) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(&there));
    let (manager, keep) = (Manager::new(), Arc::clone(&held));
    let registering = manager.register_per_tenant("db", Db::new(), move |id| {
        // While the first is being made, for all there is, three others come.
        for other in ["b", "c", "d"].iter().filter(|_| id == "a") {
            let manager = inside.get().unwrap();
            let got = manager.acquire_blocking::<Db>("db", &tenant(other));
            keep.lock().unwrap().push(got.unwrap());
        }
        DbConfig::new(id)
    });
    let registering = registering.pool(small(4)).at_most_together(8);
    registering.wait().unwrap();
    there.set(manager.clone()).unwrap();
    drop(manager.acquire_blocking::<Db>("db", &tenant("a")).unwrap());
    assert_eq!(limits(&manager), [2; 4]);
    held.lock().unwrap().clear();
}

#[test]
fn many_threads_first_ask_at_once() {
    for _ in 0..20 {
        let (manager, db) = template(1, 100);
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    for id in ["a", "b", "c"] {
                        let got = manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap();
                        assert_eq!(got.made_with, id);
                    }
                });
            }
        });
        assert_eq!((db.created(), manager.status().resources.len()), (3, 3));
    }
}

#[test]
fn warm_stock_fits_into_the_share() {
    let (runtime, db) = (Manual::new(), Db::new());
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let registering = manager.register_per_tenant("db", db.clone(), DbConfig::new);
    let stock = PoolConfig {
        min_idle: 2,
        ..small(4)
    };
    registering.pool(stock).at_most_together(3).wait().unwrap();
    for id in ["a", "b", "c"] {
        drop(
            runtime
                .run(manager.acquire::<Db>("db", &tenant(id)))
                .unwrap(),
        );
        runtime.advance(MINUTE);
        assert!(db.created() - db.cleaned_up() <= 3);
    }
    assert!(limits(&manager).iter().sum::<usize>() <= 3);
}
