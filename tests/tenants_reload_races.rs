//! What happens to tenants, and to their template, while it is being reloaded.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/reloading.rs"]
mod reloading;
#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use nebula_resource::manager::ReloadError;
use nebula_resource::{Context, Manager, Scope};
use reloading::{called, reload, scope, scopes, served};
use setting::{by_hand, template};
use world::{Db, DbConfig, tenant};

#[test]
fn of_two_that_reload_at_once_one_wins() {
    let (runtime, manager, db) = by_hand(2, 10);
    let acme = tenant("acme");
    drop(runtime.run(manager.acquire::<Db>("db", &acme)).unwrap());
    let gate = db.hangs();
    let reload = |name| manager.reload_per_tenant("db", called(name)).into_future();
    let (mut first, mut second) = (reload("first"), reload("second"));
    assert!(world::poll(&mut first).is_pending());
    assert!(world::poll(&mut second).is_pending());
    gate.open();
    assert_eq!(runtime.run(second).unwrap().generation, 2);
    let lost = runtime.run(first).unwrap_err();
    assert!(matches!(lost, ReloadError::Superseded { .. }), "{lost}");
    let got = runtime.run(manager.acquire::<Db>("db", &acme)).unwrap();
    assert_eq!(got.made_with, "second acme");
    drop(got);
    runtime.run_until_idle();
    assert_eq!(
        (db.created(), db.cleaned_up()),
        (3, 2),
        "the loser's is cleaned up"
    );
}

#[test]
fn of_two_without_tenants_the_second_is_told() {
    let (manager, inside) = (Manager::new(), Arc::new(OnceLock::<Manager>::new()));
    let registering = manager.register_per_tenant("db", Db::new(), called("old"));
    registering.wait().unwrap();
    inside.set(manager.clone()).unwrap();
    served(&manager, "acme");
    // While its configuration is made for the first tenant, another is faster.
    let there = Arc::clone(&inside);
    let slow = manager.reload_per_tenant("db", move |id| {
        reload(there.get().unwrap(), "fast").unwrap();
        DbConfig::new(&format!("slow {id}"))
    });
    assert!(matches!(slow.wait(), Err(ReloadError::Superseded { .. })));
    assert_eq!(served(&manager, "acme"), "fast acme");
    assert_eq!(served(&manager, "late"), "fast late");
}

#[test]
fn who_comes_while_it_goes_on_has_it_in_the_end() {
    let (runtime, manager, db) = by_hand(2, 10);
    let (acme, late) = (tenant("acme"), tenant("late"));
    drop(runtime.run(manager.acquire::<Db>("db", &acme)).unwrap());
    let gate = db.hangs();
    let mut reloading = manager.reload_per_tenant("db", called("new")).into_future();
    assert!(world::poll(&mut reloading).is_pending());
    let handle = manager.handle::<Db>("db", &late).unwrap();
    let generation = || manager.status().get("db", late.scope()).unwrap().generation;
    assert_eq!(generation(), 1, "nobody has the new one yet");
    gate.open();
    let report = runtime.run(reloading).unwrap();
    assert_eq!(scopes(&report.reloaded), [scope("acme"), scope("late")]);
    assert_eq!(generation(), 2);
    assert_eq!(runtime.run(handle.acquire()).unwrap().made_with, "new late");
}

#[test]
fn who_is_just_being_taken_in_gets_the_new_one() {
    let (manager, inside) = (Manager::new(), Arc::new(OnceLock::<Manager>::new()));
    let (there, reloaded) = (Arc::clone(&inside), AtomicBool::new(false));
    let registering = manager.register_per_tenant("db", Db::new(), move |id| {
        // While its pool is being made, the template is reloaded.
        if !reloaded.swap(true, SeqCst) {
            reload(there.get().unwrap(), "new").unwrap();
        }
        DbConfig::new(&format!("old {id}"))
    });
    registering.wait().unwrap();
    inside.set(manager.clone()).unwrap();
    assert_eq!(served(&manager, "acme"), "new acme");
}

#[test]
fn who_goes_while_it_goes_on_is_left_alone() {
    let (runtime, manager, db) = by_hand(2, 10);
    for id in ["acme", "globex"] {
        drop(
            runtime
                .run(manager.acquire::<Db>("db", &tenant(id)))
                .unwrap(),
        );
    }
    let gate = db.hangs();
    let mut reloading = manager.reload_per_tenant("db", called("new")).into_future();
    assert!(world::poll(&mut reloading).is_pending());
    let ending = manager.end_scope(&scope("acme"));
    assert!(runtime.run(ending).is_clean());
    gate.open();
    let report = runtime.run(reloading).unwrap();
    assert_eq!(scopes(&report.reloaded), [scope("globex")]);
    assert!(report.refused.is_empty());
    runtime.run_until_idle();
    assert_eq!(db.created() - db.cleaned_up(), 1);

    let gate = db.hangs();
    let mut reloading = manager
        .reload_per_tenant("db", called("newer"))
        .into_future();
    assert!(world::poll(&mut reloading).is_pending());
    drop(manager.deregister("db", &Scope::GLOBAL).unwrap());
    gate.open();
    let gone = runtime.run(reloading).unwrap_err();
    assert!(matches!(gone, ReloadError::Superseded { .. }), "{gone}");
    runtime.run_until_idle();
    assert_eq!(db.created(), db.cleaned_up());
}

#[test]
fn at_no_moment_does_a_caller_find_nothing() {
    let (manager, db) = template(2, 100);
    let ids = ["a", "b", "c"];
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (manager, done, asked) = (&manager, &done, &asked);
            scope.spawn(move || {
                let ctx: [Context; 3] = ids.map(tenant);
                while !done.load(SeqCst) {
                    let ctx = &ctx[(asked.fetch_add(1, SeqCst) + number) % 3];
                    drop(manager.acquire_blocking::<Db>("db", ctx).unwrap());
                }
            });
        }
        for generation in 2..60 {
            let before = asked.load(SeqCst);
            assert_eq!(reload(&manager, "new").unwrap().generation, generation);
            world::until(|| asked.load(SeqCst) > before);
        }
        done.store(true, SeqCst);
    });
    assert!(manager.shutdown().wait().is_clean());
    world::until(|| db.created() == db.cleaned_up());
}
