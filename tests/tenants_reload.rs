//! Another configuration for what every tenant has for itself: who gets it, and who keeps what it has.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/reloading.rs"]
mod reloading;
#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use futures::executor::block_on;
use nebula_resource::events::EventKind;
use nebula_resource::lifecycle::State;
use nebula_resource::manager::{ReloadError, ReloadedTenants};
use nebula_resource::{Handle, PoolConfig, Scope};
use reloading::{called, reload, scope, scopes, served};
use setting::{MINUTE, by_hand, template};
use world::{Db, DbConfig, small, tenant};

#[test]
fn each_tenant_gets_the_new_one_and_so_do_those_to_come() {
    let (manager, db) = template(1, 10);
    let acme = tenant("acme");
    let handle = manager.handle::<Db>("db", &acme).unwrap();
    let held = manager.acquire_blocking::<Db>("db", &acme).unwrap();
    served(&manager, "globex");
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &acme));
    assert!(world::poll(&mut waiting).is_pending());

    let report = reload(&manager, "new").unwrap();
    assert_eq!((report.key.as_str(), report.generation), ("db", 2));
    assert_eq!(scopes(&report.reloaded), [scope("acme"), scope("globex")]);
    assert!(report.refused.is_empty(), "{report}");
    let got = block_on(waiting).unwrap();
    assert_eq!((got.made_with.as_str(), got.generation()), ("new acme", 2));
    drop(got);
    assert_eq!(handle.acquire_blocking().unwrap().made_with, "new acme");
    for id in ["globex", "late"] {
        assert_eq!(served(&manager, id), format!("new {id}"));
    }
    let status = manager.status();
    assert!(status.resources.iter().all(|one| one.generation == 2));
    assert!(status.resources.iter().all(|one| one.state == State::Idle));

    assert_eq!((held.made_with.as_str(), held.generation()), ("acme", 1));
    world::until(|| db.cleaned_up() == 1);
    assert_eq!(
        (db.cleaned_up(), status.leaving),
        (1, 1),
        "but for the one that is out"
    );
    drop(held);
    report.reloaded.into_iter().for_each(|(_, old)| old.wait());
    assert_eq!((db.created(), db.cleaned_up()), (5, 2));
}

#[test]
fn who_cannot_have_it_keeps_what_it_has_and_is_named() {
    let (manager, db) = template(2, 10);
    for id in ["fine", "broken", "wrong"] {
        served(&manager, id);
    }
    let mut events = manager.events().subscribe();
    let some = |id: &str| match id {
        "broken" => DbConfig::new("bad host"),
        "wrong" => DbConfig::new(""),
        _ => DbConfig::new("new"),
    };
    let report = manager.reload_per_tenant("db", some).wait().unwrap();
    assert_eq!(scopes(&report.reloaded), [scope("fine")]);
    assert_eq!(scopes(&report.refused), [scope("broken"), scope("wrong")]);
    for (_, why) in &report.refused {
        let still = r#"the old configuration of "db" is still in force"#;
        assert!(why.to_string().ends_with(still), "{why}");
    }
    let says = report.to_string();
    for expected in [
        "1 tenants have configuration 2",
        "bad host does not work",
        "not empty",
    ] {
        assert!(says.contains(expected), "{says}");
    }
    let created = db.created();
    let all = ["fine", "broken", "wrong"].map(|id| served(&manager, id));
    assert_eq!(all, ["new", "broken", "wrong"]);
    assert_eq!(db.created(), created, "their instances are the same, too");
    assert_eq!(served(&manager, "late"), "new");

    let (mut refused, mut reloaded) = (Vec::new(), Vec::new());
    while let Ok(event) = events.try_recv() {
        match event.kind {
            EventKind::ReloadRefused { .. } => refused.push((event.scope.clone(), ())),
            EventKind::Reloaded { generation: 2 } => reloaded.push((event.scope.clone(), ())),
            _ => {}
        }
    }
    assert_eq!(scopes(&refused), [scope("broken"), scope("wrong")]);
    assert_eq!(scopes(&reloaded), [scope("fine")]);

    let report = reload(&manager, "newer").unwrap();
    assert_eq!((report.reloaded.len(), report.generation), (4, 3));
    assert_eq!(served(&manager, "broken"), "newer broken");
}

#[test]
fn what_nobody_can_have_changes_nothing() {
    let (manager, db) = template(2, 10);
    for id in ["acme", "globex"] {
        served(&manager, id);
    }
    let refused = reload(&manager, "bad").unwrap_err();
    assert!(matches!(&refused, ReloadError::RefusedByAll { tenants, .. } if tenants.len() == 2));
    let says = refused.to_string();
    let begins =
        r#"no tenant of "db" can have the new configuration, so it is not in force; tenant "#;
    assert!(
        says.starts_with(begins) && says.ends_with("; and 1 more"),
        "{says}"
    );
    for id in ["acme", "globex", "late"] {
        assert_eq!(served(&manager, id), id);
    }
    assert_eq!((db.created(), db.cleaned_up()), (3, 0));
    assert_eq!(reload(&manager, "new").unwrap().generation, 2);
}

#[test]
fn without_tenants_it_is_in_force_at_once() {
    let (manager, db) = template(2, 10);
    let report = reload(&manager, "new").unwrap();
    assert_eq!(
        (report.generation, report.reloaded.len(), db.created()),
        (2, 0, 0)
    );
    assert_eq!(served(&manager, "acme"), "new acme");
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do() {
    let (manager, _db) = template(2, 10);
    served(&manager, "acme");
    let plain = manager.register_blocking("plain", Db::new(), DbConfig::new("plain"));
    plain.unwrap();
    let says = |refused: Result<ReloadedTenants, ReloadError>| refused.unwrap_err().to_string();
    let new = |key| manager.reload_per_tenant(key, called("new"));
    let says_of = [
        (
            says(manager.reload_per_tenant("db", |_| ()).wait()),
            r#""db" is a tenants_reload::world::Db and configured with a tenants_reload::world::DbConfig"#,
        ),
        (
            says(new("db").pool(small(0)).wait()),
            r#"max_size must be from 1 to 1048576, got 0; the old configuration of "db" is still in force"#,
        ),
        (
            says(new("bd").wait()),
            r#"there is no "bd" registered for everybody; registered: db, plain"#,
        ),
        (
            says(new("plain").wait()),
            r#""plain" was not registered per tenant: reload it with reload_config"#,
        ),
    ];
    for (says, expected) in says_of {
        assert!(says.starts_with(expected), "{says}");
    }
    for whose in [Scope::GLOBAL, scope("acme")] {
        let reloading = manager.reload_config("db", DbConfig::new("new"));
        assert_eq!(
            reloading.scope(whose).wait().unwrap_err().to_string(),
            r#"each tenant has a "db" of its own, made from a template: reload it with reload_per_tenant"#,
        );
    }
    assert_eq!(served(&manager, "acme"), "acme");
    manager.shutdown().wait();
    assert!(matches!(
        reload(&manager, "new"),
        Err(ReloadError::ShuttingDown { .. })
    ));
}

#[test]
fn what_was_changed_live_is_kept_unless_it_is_said_otherwise() {
    let (manager, _db) = template(2, 10);
    let acme = manager.handle::<Db>("db", &tenant("acme")).unwrap();
    let live = |pool: &mut PoolConfig| pool.acquire_timeout = MINUTE;
    acme.reconfigure_pool(live).unwrap();
    reload(&manager, "new").unwrap();
    let of = |handle: &Handle<Db>| {
        let pool = handle.pool_config();
        (pool.max_size, pool.min_idle, pool.acquire_timeout == MINUTE)
    };
    assert_eq!(of(&acme), (2, 0, true));
    assert!(
        !acme.pool_config().fail_fast,
        "it was impatient only while it was tried"
    );

    let pool = PoolConfig {
        min_idle: 1,
        ..small(4)
    };
    let larger = manager.reload_per_tenant("db", |id| match id {
        "stuck" => DbConfig::new("bad"),
        _ => DbConfig::new("larger"),
    });
    let stuck = manager.handle::<Db>("db", &tenant("stuck")).unwrap();
    larger.pool(pool).wait().unwrap();
    assert_eq!(of(&acme), (4, 1, false));
    let late = manager.handle::<Db>("db", &tenant("late")).unwrap();
    // 10 for three: 3 each. One pool was never made for more than 2.
    assert_eq!((of(&late).0, of(&acme).0, of(&stuck).0), (3, 3, 2));
}

#[test]
fn one_that_keeps_a_smaller_pool_grows_back_to_that() {
    let (runtime, manager, _db) = by_hand(2, 10);
    let take = |id: &str| {
        let got = runtime.run(manager.acquire::<Db>("db", &tenant(id)));
        got.unwrap()
    };
    let _stuck = take("stuck");
    drop(take("acme"));
    let larger = manager.reload_per_tenant("db", |id| match id {
        "stuck" => DbConfig::new("bad"),
        _ => DbConfig::new("larger"),
    });
    let report = runtime.run(larger.pool(small(4)).into_future()).unwrap();
    assert_eq!(scopes(&report.refused), [scope("stuck")]);
    let _acme = take("acme");
    let limit = |id| {
        let status = manager.status();
        status.get("db", &scope(id)).unwrap().pool.max_size
    };
    assert_eq!((limit("acme"), limit("stuck")), (4, 2));
    let ids: Vec<_> = (0..8).map(|number| format!("tenant {number}")).collect();
    let others: Vec<_> = ids.iter().map(|id| take(id)).collect();
    assert_eq!((limit("acme"), limit("stuck")), (1, 1));
    drop(others);
    // All at once, so that its share leaps past what it may have.
    runtime.advance(MINUTE * 30);
    assert_eq!((limit("acme"), limit("stuck")), (4, 2));
}

#[test]
fn a_total_that_is_used_up_makes_room_for_the_proof() {
    let (runtime, manager, db) = by_hand(1, 2);
    for id in ["a", "b"] {
        drop(
            runtime
                .run(manager.acquire::<Db>("db", &tenant(id)))
                .unwrap(),
        );
    }
    let reload = |name| runtime.run(manager.reload_per_tenant("db", called(name)).into_future());
    assert_eq!(reload("new").unwrap().reloaded.len(), 2);
    runtime.run_until_idle();
    assert!(
        db.created() - db.cleaned_up() <= 2,
        "never more than the total"
    );

    let (a, b) = (tenant("a"), tenant("b"));
    let held = [&a, &b].map(|ctx| runtime.run(manager.acquire::<Db>("db", ctx)).unwrap());
    let why = reload("newer").unwrap_err().to_string();
    assert!(
        why.contains("all 2 instances that tenants may have together are taken"),
        "{why}"
    );
    assert!(held.iter().all(|held| held.made_with.starts_with("new ")));
    drop(held);
    assert_eq!(reload("newer").unwrap().reloaded.len(), 2);
}

#[test]
fn a_reload_is_no_use() {
    let (runtime, manager, db) = by_hand(2, 10);
    // As often as no proof does.
    for _ in 0..5 {
        let got = runtime.run(manager.acquire::<Db>("db", &tenant("acme")));
        drop(got.unwrap());
    }
    runtime.advance(MINUTE * 6);
    for round in ["one", "two", "three"] {
        let reloading = manager.reload_per_tenant("db", called(round));
        runtime.run(reloading.into_future()).unwrap();
        runtime.advance(MINUTE * 3);
    }
    runtime.advance(MINUTE);
    assert!(
        manager.status().resources.is_empty(),
        "nobody has asked for a quarter of an hour"
    );
    assert_eq!(db.created(), db.cleaned_up());
}
