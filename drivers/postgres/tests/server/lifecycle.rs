//! Opening, losing and closing connections.

use std::time::{Duration, Instant};

use nebula_resource_core::{Factory, RetireReason};
use nebula_resource_postgres::{Postgres, PostgresError};

use crate::{PATIENCE, ask, config, connect, factory, gone, is_alive, pid};

#[tokio::test]
async fn a_new_connection_works_and_says_who_it_is() {
    let factory = factory();
    let mut db = factory.create().await.unwrap();
    assert!(!factory.is_broken(&db));
    factory.validate(&mut db).await.unwrap();
    assert_eq!(
        ask(&db, "SHOW application_name").await.as_deref(),
        Some("nebula-resource")
    );
}

#[tokio::test]
async fn a_killed_backend_is_noticed() {
    let (factory, admin) = (factory(), connect().await);
    let mut db = factory.create().await.unwrap();
    let pid = pid(&db).await;
    admin
        .execute("SELECT pg_terminate_backend($1)", &[&pid])
        .await
        .unwrap();
    gone(&admin, pid).await;

    let error = factory.validate(&mut db).await.unwrap_err();
    assert!(matches!(error, PostgresError::Lost(_)), "{error:?}");
    assert!(
        error.to_string().contains("terminating connection"),
        "{error}"
    );
    let noticed = async {
        while !factory.is_broken(&db) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed)
        .await
        .expect("not noticed");
    factory.validate(&mut db).await.unwrap_err(); // and once more, without its last words
    factory.destroy(db, RetireReason::Invalid).await;
}

#[tokio::test]
async fn a_killed_backend_makes_an_idle_connection_broken_without_asking() {
    let (factory, admin) = (factory(), connect().await);
    let db = factory.create().await.unwrap();
    let pid = pid(&db).await;
    admin
        .execute("SELECT pg_terminate_backend($1)", &[&pid])
        .await
        .unwrap();
    let noticed = async {
        while !factory.is_broken(&db) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed)
        .await
        .expect("not noticed");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_an_error_with_its_code() {
    let mut config = config();
    config.dbname("fault_no_such_database");
    let error = Postgres::from_config(config)
        .unwrap()
        .create()
        .await
        .unwrap_err();
    let PostgresError::Connect(source) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.code().unwrap().code(), "3D000");
    assert!(
        error.to_string().contains("does not exist (3D000)"),
        "{error}"
    );
}

#[tokio::test]
async fn destroy_closes_at_once() {
    let (factory, admin) = (factory(), connect().await);
    let mut fastest = Duration::MAX; // of a few: the machine may be busy
    for _ in 0..5 {
        let db = factory.create().await.unwrap();
        let pid = pid(&db).await;
        let start = Instant::now();
        factory.destroy(db, RetireReason::IdleTimeout).await;
        fastest = fastest.min(start.elapsed());
        gone(&admin, pid).await;
    }
    assert!(fastest < Duration::from_millis(400), "{fastest:?}");
}

#[tokio::test]
async fn destroy_stops_what_is_still_running() {
    let (factory, admin) = (factory(), connect().await);
    let db = factory.create().await.unwrap();
    let pid = pid(&db).await;
    let query = db.batch_execute("SELECT pg_advisory_lock(320034), pg_sleep(600)");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), query)
            .await
            .is_err()
    );
    assert!(is_alive(&admin, pid).await);

    factory.destroy(db, RetireReason::TimedOut).await;
    gone(&admin, pid).await;
}

#[tokio::test]
async fn closing_goes_on_when_nobody_waits_for_it() {
    let admin = connect().await;
    let db = connect().await;
    let pid = pid(&db).await;
    let query = db.batch_execute("SELECT pg_sleep(600)");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), query)
            .await
            .is_err()
    );
    let closing = tokio::time::timeout(Duration::from_millis(10), db.close()).await;
    assert!(closing.is_err());
    gone(&admin, pid).await;
}

#[tokio::test]
async fn dropping_closes_too() {
    let admin = connect().await;
    let db = connect().await;
    let pid = pid(&db).await;
    drop(db);
    gone(&admin, pid).await;
}

/// Only `create` needs the runtime to be current; the rest works from any executor.
#[tokio::test]
async fn after_create_any_executor_will_do() {
    let admin = connect().await;
    let factory = factory();
    let mut db = factory.create().await.unwrap();
    let pid = pid(&db).await;
    let elsewhere = tokio::task::spawn_blocking(move || {
        std::thread::spawn(move || {
            futures::executor::block_on(async {
                factory.validate(&mut db).await.unwrap();
                factory.recycle(&mut db).await.unwrap();
                factory.destroy(db, RetireReason::Closed).await;
            });
        })
        .join()
    });
    elsewhere.await.unwrap().unwrap();
    gone(&admin, pid).await;
}

#[test]
fn a_connection_whose_runtime_is_gone_is_broken_and_can_be_closed() {
    let factory = factory();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut db = runtime.block_on(factory.create()).unwrap();
    drop(runtime);
    assert!(factory.is_broken(&db));
    futures::executor::block_on(async {
        factory.validate(&mut db).await.unwrap_err();
        factory.destroy(db, RetireReason::Broken).await;
    });
}
