//! Another configuration while everything runs: who gets what, and what is left of the old one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use futures::executor::block_on;
use nebula_resource::lifecycle::State;
use nebula_resource::manager::{ReloadError, ResourceError};
use nebula_resource::runtime::Manual;
use nebula_resource::{Handle, Manager, PoolConfig, Scope};
use world::{Db, DbConfig, everybody, small, tenant};

const SECOND: Duration = Duration::from_secs(1);

fn with_db(pool: PoolConfig) -> (Manager, Db, Handle<Db>) {
    let (manager, db) = (Manager::new(), Db::new());
    let registration = manager.register("db", db.clone(), DbConfig::new("one"));
    let handle = registration.pool(pool).wait().unwrap();
    (manager, db, handle)
}

/// What a caller gets at this moment.
fn served(manager: &Manager) -> String {
    let guard = manager.acquire_blocking::<Db>("db", &everybody()).unwrap();
    guard.made_with.clone()
}

#[test]
fn the_new_one_takes_the_place_of_the_old_one() {
    let (manager, db, handle) = with_db(small(1));
    let held = manager.acquire_blocking::<Db>("db", &everybody()).unwrap();
    let ctx = everybody();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    let mut by_handle = Box::pin(handle.acquire());
    assert!(world::poll(&mut waiting).is_pending());
    assert!(world::poll(&mut by_handle).is_pending());

    let reloaded = manager.reload_config("db", DbConfig::new("two")).wait();
    let reloaded = reloaded.unwrap();
    assert_eq!(reloaded.generation, 2);
    // Who stood in line for the only instance, which is still out, gets one of the new pool.
    let got = block_on(waiting).unwrap();
    assert_eq!((got.made_with.as_str(), got.generation()), ("two", 2));
    drop(got);
    assert_eq!(block_on(by_handle).unwrap().made_with, "two");
    assert_eq!(held.made_with, "one", "what was handed out stays valid");
    assert_eq!((held.generation(), manager.status().leaving), (1, 1));
    let status = manager.status().resources.remove(0);
    assert_eq!((status.generation, status.state), (2, State::Idle));

    assert_eq!(db.cleaned_up(), 0);
    drop(held);
    reloaded.old.wait();
    assert_eq!((db.created(), db.cleaned_up()), (2, 1));
    assert_eq!(manager.status().leaving, 0);
}

#[test]
fn handles_follow_and_their_clones_are_at_home_at_once() {
    let (manager, _db, handle) = with_db(small(2));
    handle.reconfigure_pool(|pool| pool.max_size = 3).unwrap();
    for name in ["two", "three"] {
        let reloading = manager.reload_config("db", DbConfig::new(name));
        block_on(reloading.into_future()).unwrap();
        assert_eq!(handle.acquire_blocking().unwrap().made_with, name);
        assert_eq!(block_on(handle.acquire()).unwrap().made_with, name);
        let clone = handle.clone();
        assert_eq!(clone.acquire_blocking().unwrap().made_with, name);
        assert_eq!(clone.status().max_size, 3, "what was changed live is kept");
        assert!(
            !clone.pool_config().fail_fast,
            "it was impatient only while it was tried"
        );
    }
    let pool = PoolConfig {
        max_size: 7,
        ..handle.pool_config()
    };
    let reloading = manager.reload_config("db", DbConfig::new("four"));
    reloading.pool(pool).wait().unwrap();
    assert_eq!(handle.pool_config().max_size, 7);
}

#[test]
fn what_is_refused_changes_nothing() {
    let (manager, db, _handle) = with_db(small(2));
    let before = served(&manager);
    let reload = |config| manager.reload_config("db", config);
    let pool = small(0);
    for (refused, says) in [
        (
            reload(DbConfig::new("")),
            r#"name must be not empty, got ""; the old configuration of "db" is still in force"#,
        ),
        (
            reload(DbConfig::new("two")).pool(pool),
            r#"max_size must be from 1 to 1048576, got 0; the old configuration of "db" is still in force"#,
        ),
        (
            manager.reload_config("db", ()),
            r#""db" is a reload::world::Db and configured with a reload::world::DbConfig"#,
        ),
        (
            manager.reload_config("bd", DbConfig::new("two")),
            r#"there is no "bd" registered for everybody; registered: db"#,
        ),
        (
            reload(DbConfig::new("two")).scope(Scope::tenant("acme").unwrap()),
            r#"there is no "db" registered for tenant acme; registered: db"#,
        ),
    ] {
        assert_eq!(refused.wait().unwrap_err().to_string(), says);
    }
    assert_eq!(db.created(), 1, "and nothing was made to find out");

    // That it cannot connect shows only when it is tried: once, whatever the pool's patience.
    let refused = reload(DbConfig::new("bad host")).wait().unwrap_err();
    assert!(matches!(refused, ReloadError::Unproven { .. }));
    let says = refused.to_string();
    assert!(says.contains("bad host does not work"), "{says}");
    assert!(
        says.ends_with(r#"the old configuration of "db" is still in force"#),
        "{says}"
    );

    assert_eq!(
        (served(&manager), before),
        ("one".to_owned(), "one".to_owned())
    );
    assert_eq!(
        (db.created(), db.cleaned_up()),
        (1, 0),
        "the instance is the same, too"
    );
    assert_eq!(manager.status().resources[0].generation, 1);
    reload(DbConfig::new("two")).wait().unwrap();
    assert_eq!(
        served(&manager),
        "two",
        "a refusal does not stand in the way of the next one"
    );
}

#[test]
fn of_two_that_reload_at_once_one_wins() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let db = Db::new();
    manager
        .register_blocking("db", db.clone(), DbConfig::new("one"))
        .unwrap();
    let gate = db.hangs();
    let reload = |name| {
        manager
            .reload_config("db", DbConfig::new(name))
            .into_future()
    };
    let (mut first, mut second) = (reload("two"), reload("three"));
    assert!(world::poll(&mut first).is_pending());
    assert!(world::poll(&mut second).is_pending());
    gate.open();
    let won = runtime.run(second).unwrap();
    assert_eq!(won.generation, 2);
    let lost = runtime.run(first).unwrap_err();
    assert!(matches!(lost, ReloadError::Superseded { .. }));
    assert_eq!(
        lost.to_string(),
        r#""db" has changed meanwhile: look at it again before reloading it"#
    );
    let ctx = everybody();
    let got = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    assert_eq!(got.made_with, "three");
    drop(got);
    runtime.run(won.old);
    runtime.run_until_idle();
    assert_eq!(
        (db.created(), db.cleaned_up()),
        (2, 1),
        "the loser's is cleaned up"
    );
}

#[test]
fn who_gives_up_a_reload_has_changed_nothing() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let db = Db::new();
    manager
        .register_blocking("db", db.clone(), DbConfig::new("one"))
        .unwrap();
    let gate = db.hangs();
    let mut reloading = manager
        .reload_config("db", DbConfig::new("two"))
        .into_future();
    assert!(world::poll(&mut reloading).is_pending());
    runtime.run_until_idle();
    drop(reloading);
    gate.open();
    runtime.run_until_idle();
    let ctx = everybody();
    let got = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap();
    assert_eq!((got.made_with.as_str(), got.generation()), ("one", 1));
}

#[test]
fn a_reload_gives_nobody_more_time() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let db = Db::new();
    let registration = manager.register("db", db.clone(), DbConfig::new("one"));
    let pool = PoolConfig {
        acquire_timeout: SECOND * 10,
        create_timeout: SECOND * 100,
        ..small(1)
    };
    let handle = registration.pool(pool).wait().unwrap();
    let _held = runtime.run(handle.acquire()).unwrap();
    let ctx = everybody();
    let mut waiting = Box::pin(manager.acquire::<Db>("db", &ctx));
    let mut by_handle = Box::pin(handle.acquire());
    assert!(world::poll(&mut waiting).is_pending());
    assert!(world::poll(&mut by_handle).is_pending());
    runtime.advance(SECOND * 6);
    let reloading = manager.reload_config("db", DbConfig::new("two"));
    runtime.run(reloading.into_future()).unwrap();
    // The only new instance is taken as well.
    let _taken = runtime.run(handle.acquire()).unwrap();
    assert!(world::poll(&mut waiting).is_pending());
    assert!(world::poll(&mut by_handle).is_pending());
    runtime.advance(SECOND * 3);
    assert!(world::poll(&mut waiting).is_pending());
    runtime.advance(SECOND * 2);
    for late in [
        world::poll(&mut waiting).map(|got| got.map(drop)),
        world::poll(&mut by_handle).map(|got| got.map(drop)),
    ] {
        let Poll::Ready(Err(late)) = late else {
            panic!("it has more time than it was given: {late:?}");
        };
        assert!(late.is_timeout(), "{late}");
    }
}

#[test]
fn one_scopes_reload_is_not_anothers() {
    let manager = Manager::new();
    for id in ["acme", "globex"] {
        let registration = manager.register("db", Db::new(), DbConfig::new("one"));
        registration
            .scope(Scope::tenant(id).unwrap())
            .wait()
            .unwrap();
    }
    let acme = Scope::tenant("acme").unwrap();
    let reloading = manager.reload_config("db", DbConfig::new("two"));
    reloading.scope(acme).wait().unwrap();
    for (id, expected) in [("acme", "two"), ("globex", "one")] {
        let got = manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap();
        assert_eq!(got.made_with, expected);
    }
}

#[test]
fn at_no_moment_does_a_caller_find_nothing() {
    let (manager, db, handle) = with_db(small(4));
    let (done, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let rounds = 150;
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let (manager, handle, done, served) = (&manager, &handle, &done, &served);
            scope.spawn(move || {
                let ctx = everybody();
                while !done.load(SeqCst) {
                    let by_manager = || manager.acquire_blocking::<Db>("db", &ctx).map(drop);
                    let by_task = || block_on(manager.acquire::<Db>("db", &ctx)).map(drop);
                    let by_handle = || handle.acquire_blocking().map(drop);
                    let doors: [&dyn Fn() -> Result<(), ResourceError>; 3] =
                        [&by_manager, &by_task, &by_handle];
                    doors[caller % 3]().unwrap();
                    served.fetch_add(1, SeqCst);
                }
            });
        }
        for round in 0..rounds {
            let before = served.load(SeqCst);
            let config = DbConfig::new(&format!("number {round}"));
            let reloaded = manager.reload_config("db", config).wait().unwrap();
            assert_eq!(reloaded.generation, round + 2);
            world::until(|| served.load(SeqCst) > before);
        }
        done.store(true, SeqCst);
    });
    let last = manager.reload_config("db", DbConfig::new("last")).wait();
    last.unwrap().old.wait();
    world::until(|| manager.status().leaving == 0);
    world::until(|| db.created() == db.cleaned_up() + 1);
}

#[test]
fn reloads_shutdown_and_callers_at_once() {
    for round in 0..50 {
        let (manager, db, handle) = with_db(small(2));
        let start = std::sync::Barrier::new(5);
        std::thread::scope(|scope| {
            for name in ["two", "three"] {
                let (manager, start) = (&manager, &start);
                scope.spawn(move || {
                    start.wait();
                    match manager.reload_config("db", DbConfig::new(name)).wait() {
                        Ok(_)
                        | Err(ReloadError::Superseded { .. } | ReloadError::ShuttingDown { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                });
            }
            for by_handle in [false, true] {
                let (manager, handle, start) = (&manager, &handle, &start);
                scope.spawn(move || {
                    let ctx = everybody();
                    start.wait();
                    let refused = loop {
                        let got = if by_handle {
                            handle.acquire_blocking().map(drop)
                        } else {
                            manager.acquire_blocking::<Db>("db", &ctx).map(drop)
                        };
                        if let Err(refused) = got {
                            break refused;
                        }
                    };
                    assert!(
                        matches!(refused, ResourceError::ShuttingDown { .. }),
                        "{refused}"
                    );
                });
            }
            start.wait();
            for _ in 0..round % 5 {
                std::thread::yield_now();
            }
            manager.shutdown().wait();
        });
        // A loser's pool is not the shutdown's: it cleans up by itself.
        world::until(|| db.created() == db.cleaned_up());
    }
}
