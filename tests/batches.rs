//! Registering several resources together: in which order they begin, and what is left if one fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use nebula_resource::lifecycle::State;
use nebula_resource::manager::{RegisterError, Registration};
use nebula_resource::runtime::Manual;
use nebula_resource::{Manager, PoolConfig, Scope};
use world::{Db, DbConfig, everybody, small};

fn cold(manager: &Manager, key: &str) -> Registration<Db> {
    manager.register(key, Db::new(), DbConfig::new("a"))
}

fn warm(manager: &Manager, key: &str, db: &Db) -> Registration<Db> {
    let registration = manager.register(key, db.clone(), DbConfig::new("a"));
    registration.pool(PoolConfig {
        warm_on_register: true,
        fail_fast: true,
        ..small(1)
    })
}

/// Key and state of everything that is registered.
fn states(manager: &Manager) -> Vec<(String, State)> {
    let resources = manager.status().resources.into_iter();
    resources
        .map(|one| (one.key.to_string(), one.state))
        .collect()
}

#[test]
fn they_may_need_each_other_in_any_order() {
    let manager = Manager::new();
    let batch = manager
        .register_all()
        .add(cold(&manager, "report").depends_on(["cache", "db"]))
        .add(cold(&manager, "cache").depends_on(["db"]))
        .add(cold(&manager, "db"));
    assert!(states(&manager).is_empty(), "nothing has happened yet");
    batch.wait().unwrap();
    let keys = ["cache", "db", "report"].map(|key| (key.to_owned(), State::Ready));
    assert_eq!(states(&manager), keys);
    assert!(manager.deregister("db", &Scope::GLOBAL).is_err());
    manager.register_all().wait().unwrap();
}

#[test]
fn one_that_is_refused_keeps_all_of_them_out() {
    let manager = Manager::new();
    cold(&manager, "there").wait().unwrap();
    let with = |registration| {
        let batch = manager.register_all().add(cold(&manager, "new"));
        let refused = batch.add(registration).add(cold(&manager, "last")).wait();
        assert_eq!(states(&manager).len(), 1, "no trace is left");
        refused.unwrap_err()
    };
    let taken = with(cold(&manager, "there"));
    assert!(matches!(taken, RegisterError::Taken { .. }), "{taken}");
    let twice = with(cold(&manager, "new"));
    assert!(matches!(twice, RegisterError::Taken { .. }), "{twice}");
    let unknown = with(cold(&manager, "other").depends_on(["nobody"]));
    assert!(matches!(unknown, RegisterError::Dependency(_)), "{unknown}");
    let invalid = with(manager.register("other", Db::new(), DbConfig::new("")));
    assert!(
        matches!(invalid, RegisterError::Invalid { .. }),
        "{invalid}"
    );
    let cycle = manager
        .register_all()
        .add(cold(&manager, "a").depends_on(["b"]))
        .add(cold(&manager, "b").depends_on(["c"]))
        .add(cold(&manager, "c").depends_on(["a"]));
    let cycle = cycle.wait().unwrap_err().to_string();
    assert_eq!(cycle, "a resource cannot need itself: a → b → c → a");

    let acme = Scope::tenant("acme").unwrap();
    let unseen = manager
        .register_all()
        .add(cold(&manager, "db").scope(acme.clone()))
        .add(cold(&manager, "cache").depends_on(["db"]));
    let unseen = unseen.wait().unwrap_err();
    assert!(
        matches!(unseen, RegisterError::DependencyOutOfScope { .. }),
        "{unseen}"
    );
    let seen = manager
        .register_all()
        .add(
            cold(&manager, "cache")
                .scope(acme.clone())
                .depends_on(["db"]),
        )
        .add(cold(&manager, "db").scope(acme))
        .add(cold(&manager, "db"));
    seen.wait().unwrap();
    assert_eq!(states(&manager).len(), 4);
}

#[test]
fn they_are_warmed_up_after_what_they_need_and_side_by_side() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let (db, queue, cache) = (Db::new(), Db::new(), Db::new());
    let (db_gate, queue_gate) = (db.hangs(), queue.hangs());
    let batch = manager
        .register_all()
        .add(warm(&manager, "cache", &cache).depends_on(["db", "queue"]))
        .add(warm(&manager, "db", &db))
        .add(warm(&manager, "queue", &queue))
        .add(cold(&manager, "log").depends_on(["cache"]));
    let mut registering = batch.into_future();
    assert!(world::poll(&mut registering).is_pending());
    runtime.run_until_idle();
    let creating = manager
        .status()
        .resources
        .into_iter()
        .map(|one| one.pool.creating);
    // In the order of their keys: cache, db, log, queue.
    assert_eq!(creating.collect::<Vec<_>>(), [0, 1, 0, 1], "side by side");
    let early = manager
        .acquire_blocking::<Db>("log", &everybody())
        .map(drop);
    let early = early.unwrap_err().to_string();
    assert_eq!(
        early,
        r#""log" is initializing; it will be handed out once it is ready"#
    );

    db_gate.open();
    runtime.run_until_idle();
    assert!(world::poll(&mut registering).is_pending());
    runtime.run_until_idle();
    assert_eq!(
        (db.created(), cache.created()),
        (1, 0),
        "the queue is not there yet"
    );
    queue_gate.open();
    runtime.run(registering).unwrap();
    assert_eq!((queue.created(), cache.created()), (1, 1));
    assert!(states(&manager).iter().all(|(_, state)| state.serves()));
}

#[test]
fn one_that_cannot_be_warmed_up_takes_all_of_them_out_again() {
    let manager = Manager::new();
    let (db, cache) = (Db::new(), Db::new());
    cache.fails("no such host");
    let batch = || {
        manager
            .register_all()
            .add(warm(&manager, "db", &db))
            .add(warm(&manager, "cache", &cache).depends_on(["db"]))
            .add(cold(&manager, "log"))
    };
    let refused = batch().wait().unwrap_err();
    assert!(matches!(&refused, RegisterError::NotWarm { key, .. } if *key == "cache"));
    assert!(refused.to_string().contains("no such host"), "{refused}");
    assert!(states(&manager).is_empty());
    world::until(|| db.created() == 1 && db.cleaned_up() == 1);
    cache.recovers();
    batch().wait().unwrap();
    assert_eq!(
        states(&manager).len(),
        3,
        "nothing stands in the way of another attempt"
    );
}

#[test]
fn given_up_it_leaves_no_trace_but_what_others_need_by_now() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let db = Db::new();
    let _gate = db.hangs();
    let batch = manager
        .register_all()
        .add(warm(&manager, "db", &db))
        .add(cold(&manager, "log"));
    let mut registering = batch.into_future();
    assert!(world::poll(&mut registering).is_pending());
    cold(&manager, "late").depends_on(["db"]).wait().unwrap();
    drop(registering);
    let left = [("db", State::Failed), ("late", State::Ready)];
    assert_eq!(
        states(&manager),
        left.map(|(key, state)| (key.to_owned(), state))
    );
    let refused = manager.acquire_blocking::<Db>("db", &everybody()).map(drop);
    assert_eq!(
        refused.unwrap_err().to_string(),
        r#""db" is failed; it stays so until somebody reloads or repairs it"#
    );
    db.recovers();
    let reloading = manager.reload_config("db", DbConfig::new("b"));
    runtime.run(reloading.into_future()).unwrap();
    assert!(states(&manager).iter().all(|(_, state)| state.serves()));
}
