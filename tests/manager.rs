//! What a program gets from its manager: what it declared, by key, if it may have it, and an answer
//! that helps if not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use std::time::{Duration, Instant};

use futures::executor::block_on;
use nebula_resource::context::Cancellation;
use nebula_resource::lifecycle::State;
use nebula_resource::manager::{RegisterError, ResourceError};
use nebula_resource::{AcquireError, Context, Key, Manager, PoolConfig, Scope};
use world::{Db, DbConfig, File, everybody, small, tenant};

#[test]
fn what_was_registered_can_be_had() {
    block_on(async {
        let manager = Manager::new();
        let db = Db::new();
        manager
            .register("main_db", db.clone(), DbConfig::new("a"))
            .await
            .unwrap();
        assert_eq!(db.created(), 0, "nothing is made before somebody asks");

        let ctx = everybody();
        let mut one = manager.acquire::<Db>("main_db", &ctx).await.unwrap();
        assert_eq!(one.made_with, "a");
        assert_eq!(
            (one.key(), one.generation()),
            (&Key::new("main_db").unwrap(), 1)
        );
        one.uses += 1;
        drop(one);
        let again = manager.acquire_blocking::<Db>("main_db", &ctx).unwrap();
        assert_eq!(
            (again.uses, db.created()),
            (1, 1),
            "it is the same instance"
        );
        assert_eq!(again.info().taken_at.map(|at| at.file()), Some(file!()));
    });
}

#[test]
fn threads_and_tasks_have_blocking_resources_alike() {
    let manager = Manager::new();
    let file = File::default();
    manager
        .register_blocking("journal", file.clone(), ())
        .unwrap();
    let ctx = everybody();
    let here = std::thread::current().id();
    let by_thread = manager.acquire_blocking::<File>("journal", &ctx).unwrap();
    assert_ne!(by_thread.made_on, here, "create runs on a helper thread");
    drop(by_thread);
    let by_task = block_on(manager.acquire::<File>("journal", &ctx)).unwrap();
    assert_eq!(
        by_task.recycled_on,
        Some(here),
        "recycle is cheap, and runs in place"
    );
    drop(by_task);
    block_on(manager.shutdown());
    assert_eq!(file.cleaned_up(), 1);
}

#[test]
fn what_may_block_is_recycled_elsewhere() {
    let manager = Manager::new();
    let file = File::that_recycles_slowly();
    let handle = manager.register_blocking("journal", file, ()).unwrap();
    drop(handle.acquire_blocking().unwrap());
    let here = std::thread::current().id();
    let elsewhere = |on: Option<std::thread::ThreadId>| on.is_some_and(|on| on != here);
    assert!(elsewhere(handle.acquire_blocking().unwrap().recycled_on));
    let by_task = block_on(handle.acquire()).unwrap();
    assert!(elsewhere(by_task.recycled_on));
}

#[test]
fn the_narrowest_that_the_caller_is_in() {
    block_on(async {
        let manager = Manager::new();
        let acme = Scope::tenant("acme").unwrap();
        let billing = acme.workflow("billing").unwrap();
        for (scope, name) in [
            (Scope::GLOBAL, "for all"),
            (acme.clone(), "for acme"),
            (billing.clone(), "for billing"),
        ] {
            let registration = manager.register("db", Db::new(), DbConfig::new(name));
            registration.scope(scope).await.unwrap();
        }
        let run = billing.execution("7").unwrap().action("send").unwrap();
        for (scope, expected) in [
            (Scope::GLOBAL, "for all"),
            (Scope::tenant("globex").unwrap(), "for all"),
            (acme.clone(), "for acme"),
            (acme.workflow("other").unwrap(), "for acme"),
            (billing.clone(), "for billing"),
            (run, "for billing"),
            // The same workflow id, but nobody's.
            (Scope::GLOBAL.workflow("billing").unwrap(), "for all"),
        ] {
            let ctx = Context::new(scope.clone());
            let got = manager.acquire::<Db>("db", &ctx).await.unwrap();
            assert_eq!(got.made_with, expected, "{scope}");
        }
    });
}

#[test]
fn another_tenants_is_refused_by_name() {
    let manager = Manager::new();
    let acme = Scope::tenant("acme").unwrap();
    manager
        .register("db", Db::new(), DbConfig::new("a"))
        .scope(acme.clone())
        .wait()
        .unwrap();
    let says = |ctx: &Context| {
        let refused = manager.acquire_blocking::<Db>("db", ctx).unwrap_err();
        assert!(matches!(refused, ResourceError::OutOfScope { .. }));
        let by_handle = manager.handle::<Db>("db", ctx).unwrap_err();
        assert_eq!(by_handle.to_string(), refused.to_string());
        refused.to_string()
    };
    assert_eq!(
        says(&tenant("globex")),
        r#""db" belongs to tenant acme; the caller is tenant globex"#
    );
    assert_eq!(
        says(&everybody()),
        r#""db" belongs to tenant acme; the caller is nobody's (its scope is global)"#
    );
    // A handle that went astray does not help either.
    let handle = manager.handle::<Db>("db", &tenant("acme")).unwrap();
    assert!(handle.acquire_blocking_in(&tenant("acme")).is_ok());
    for stranger in [tenant("globex"), everybody()] {
        let refused = handle.acquire_blocking_in(&stranger).unwrap_err();
        assert!(matches!(refused, ResourceError::OutOfScope { .. }));
        let refused = block_on(handle.acquire_in(&stranger)).unwrap_err();
        assert!(matches!(refused, ResourceError::OutOfScope { .. }));
    }
}

#[test]
fn an_unknown_key_is_answered_with_what_there_is() {
    let manager = Manager::new();
    let unknown = |key: &str, ctx: &Context| {
        let error = manager.acquire_blocking::<Db>(key, ctx).unwrap_err();
        assert!(matches!(error, ResourceError::UnknownKey { .. }));
        error.to_string()
    };
    assert_eq!(
        unknown("db", &everybody()),
        r#"there is no "db"; nothing is registered"#
    );
    for (key, scope) in [
        ("main_db", Scope::GLOBAL),
        ("queue", Scope::GLOBAL),
        ("secret", Scope::tenant("acme").unwrap()),
    ] {
        let registration = manager.register(key, Db::new(), DbConfig::new("a"));
        registration.scope(scope).wait().unwrap();
    }
    assert_eq!(
        unknown("main-db", &everybody()),
        r#"there is no "main-db"; did you mean "main_db"? registered: main_db, queue"#
    );
    assert_eq!(
        unknown("x", &tenant("acme")),
        r#"there is no "x"; registered: main_db, queue, secret"#
    );
    let globex = unknown("x", &tenant("globex"));
    assert!(
        !globex.contains("secret"),
        "what is not for it is not shown to it: {globex}"
    );
}

#[test]
fn another_type_is_refused_with_both_names() {
    let manager = Manager::new();
    manager
        .register_blocking("db", Db::new(), DbConfig::new("a"))
        .unwrap();
    let refused = manager.acquire_blocking::<File>("db", &everybody());
    let says = refused.unwrap_err().to_string();
    assert_eq!(
        says,
        r#""db" is a manager::world::Db, not a manager::world::File"#
    );
    assert!(manager.handle::<File>("db", &everybody()).is_err());
}

#[test]
fn cancelling_ends_the_wait_of_tasks_and_threads() {
    let manager = Manager::new();
    manager
        .register("db", Db::new(), DbConfig::new("a"))
        .pool(small(1))
        .wait()
        .unwrap();
    let held = manager.acquire_blocking::<Db>("db", &everybody()).unwrap();
    let cancellation = Cancellation::new();
    let ctx = everybody().with_cancellation(cancellation.clone());

    let mut task = Box::pin(manager.acquire::<Db>("db", &ctx));
    assert!(world::poll(&mut task).is_pending());
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| manager.acquire_blocking::<Db>("db", &ctx).map(drop));
        world::until(|| manager.status().resources[0].pool.waiting == 2);
        cancellation.cancel();
        let refused = thread.join().unwrap().unwrap_err();
        assert_eq!(
            refused.to_string(),
            r#"waiting for "db" was cancelled by the caller"#
        );
        assert!(matches!(
            block_on(task),
            Err(ResourceError::Cancelled { .. })
        ));
    });
    assert_eq!(
        manager.status().resources[0].pool.waiting,
        0,
        "both have left the line"
    );
    drop(held);
    let late = manager.acquire_blocking::<Db>("db", &ctx);
    assert!(
        late.is_err(),
        "who was cancelled gets nothing, though it is there"
    );
    assert!(manager.acquire_blocking::<Db>("db", &everybody()).is_ok());
}

#[test]
fn the_callers_deadline_and_the_pools_bound_each_other() {
    let runtime = nebula_resource::runtime::Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let pool = PoolConfig {
        acquire_timeout: Duration::from_secs(10),
        ..small(1)
    };
    let handle = runtime.run(registration.pool(pool).into_future()).unwrap();
    let _held = runtime.run(handle.acquire()).unwrap();
    for (seconds, expected) in [(2, 2), (100, 10)] {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let ctx = everybody().with_deadline(deadline);
        let refused = runtime.run(manager.acquire::<Db>("db", &ctx)).unwrap_err();
        assert!(refused.is_timeout());
        let ResourceError::Pool {
            source: AcquireError::TimedOut(report),
            ..
        } = refused
        else {
            panic!("{refused}");
        };
        // An instant is laid off from the present: the manual clock knows it to the moment it was told.
        assert_eq!(report.elapsed.as_secs_f64().round() as u64, expected);
        assert!(
            report
                .oldest_holder
                .is_some_and(|(at, _)| at.file() == file!())
        );
    }
}

#[test]
fn a_handle_hands_out_what_the_manager_does() {
    let manager = Manager::new();
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let handle = registration.pool(small(1)).wait().unwrap();
    let guard = block_on(handle.acquire()).unwrap();
    assert_eq!((guard.made_with.as_str(), handle.status().in_use), ("a", 1));
    assert_eq!(manager.status().resources[0].pool.in_use, 1);
    drop(guard);
    handle.reconfigure_pool(|pool| pool.max_size = 3).unwrap();
    assert_eq!(manager.status().resources[0].pool.max_size, 3);
    assert_eq!(handle.clone().pool_config().max_size, 3);
    assert!(handle.reconfigure_pool(|pool| pool.max_size = 0).is_err());
    assert_eq!(handle.objects().len(), 1);
    assert_eq!(handle.stats().acquired, 1);
}

#[test]
fn without_managers_nothing_is_left_open() {
    let manager = Manager::new();
    let db = Db::new();
    let handle = manager
        .register_blocking("db", db.clone(), DbConfig::new("a"))
        .unwrap();
    let guard = handle.acquire_blocking().unwrap();
    drop(manager.clone());
    assert!(handle.acquire_blocking().is_ok(), "one manager is left");
    drop(manager);
    let refused = handle.acquire_blocking().map(drop).unwrap_err();
    assert!(matches!(refused, ResourceError::ShuttingDown { .. }));
    drop(guard);
    world::until(|| db.cleaned_up() == 2);
}

#[test]
fn a_scope_ends_with_all_that_is_in_it() {
    let manager = Manager::new();
    let acme = Scope::tenant("acme").unwrap();
    let (db, cache, other) = (Db::new(), Db::needing("db"), Db::new());
    let register = |key: &str, db: &Db| manager.register(key, db.clone(), DbConfig::new("a"));
    register("db", &db).scope(acme.clone()).wait().unwrap();
    let inside = acme.workflow("billing").unwrap();
    register("cache", &cache).scope(inside).wait().unwrap();
    register("db", &other).wait().unwrap();
    let billing = Context::new(acme.workflow("billing").unwrap());
    drop(manager.acquire_blocking::<Db>("cache", &billing).unwrap());
    drop(manager.acquire_blocking::<Db>("db", &billing).unwrap());

    let report = block_on(manager.end_scope(&acme));
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), 2, "it waited for both");
    assert_eq!((db.cleaned_up(), cache.cleaned_up()), (1, 1));
    let gone = manager.acquire_blocking::<Db>("cache", &billing).map(drop);
    assert!(matches!(
        gone.unwrap_err(),
        ResourceError::UnknownKey { .. }
    ));
    let wider = manager.acquire_blocking::<Db>("db", &billing).unwrap();
    assert_eq!((wider.scope(), other.created()), (&Scope::GLOBAL, 1));
    assert_eq!(manager.status().resources.len(), 1);
}

#[test]
fn nothing_is_had_or_changed_once_it_shuts_down() {
    let manager = Manager::new();
    let handle = manager
        .register_blocking("db", Db::new(), DbConfig::new("a"))
        .unwrap();
    let report = block_on(manager.shutdown());
    assert!(report.is_clean());
    let ctx = everybody();
    let refused = manager.acquire_blocking::<Db>("db", &ctx).map(drop);
    assert_eq!(
        refused.unwrap_err().to_string(),
        r#""db" is not handed out any more: the manager is shutting down"#
    );
    assert!(matches!(
        handle.acquire_blocking().map(drop),
        Err(ResourceError::ShuttingDown { .. })
    ));
    let late = manager.register_blocking("new", Db::new(), DbConfig::new("a"));
    assert!(matches!(
        late.unwrap_err(),
        RegisterError::ShuttingDown { .. }
    ));
    assert!(
        manager
            .reload_config("db", DbConfig::new("b"))
            .wait()
            .is_err()
    );
    let status = manager.status();
    assert!(status.shutting_down);
    assert_eq!(status.resources[0].state, State::Terminated);
}
