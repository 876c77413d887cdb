//! Opening, losing and closing connections.

use std::time::Duration;

use nebula_resource_core::{BlockingFactory, Factory};
use nebula_resource_redis::ConnectionError;
use nebula_resource_redis::redis::{AsyncCommands, ConnectionLike};

use crate::{PATIENCE, ask, connect, connect_blocking, factory, id, info, kill, until_connections};

#[tokio::test]
async fn a_new_connection_works_and_says_who_it_is() {
    let factory = factory();
    let mut db = Factory::create(&factory).await.unwrap();
    assert!(!Factory::is_broken(&factory, &db));
    Factory::validate(&factory, &mut db).await.unwrap();
    assert_eq!(info(&mut db, "name").await, "nebula-resource");
    let mut blocking = BlockingFactory::create(&factory).unwrap();
    assert!(!BlockingFactory::is_broken(&factory, &blocking));
    BlockingFactory::validate(&factory, &mut blocking).unwrap();
    assert!(blocking.check_connection());
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_noticed_without_asking() {
    let (factory, mut admin) = (factory(), connect().await);
    let mut db = Factory::create(&factory).await.unwrap();
    let number = id(&mut db).await;
    kill(&mut admin, number).await;
    let noticed = async {
        while !Factory::is_broken(&factory, &db) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed)
        .await
        .expect("not noticed");
    let error = Factory::validate(&factory, &mut db).await.unwrap_err();
    assert!(matches!(error, ConnectionError::Lost(_)), "{error:?}");
    db.get::<_, Option<String>>("a").await.unwrap_err();
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_noticed_by_a_thread_that_asks() {
    let (factory, mut admin) = (factory(), connect().await);
    let mut db = connect_blocking();
    let number = crate::command("CLIENT ID").query(&mut db).unwrap();
    kill(&mut admin, number).await;
    let error = BlockingFactory::validate(&factory, &mut db).unwrap_err();
    assert!(matches!(error, ConnectionError::Lost(_)), "{error:?}");
    assert!(BlockingFactory::is_broken(&factory, &db));
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_an_error_with_its_code() {
    let factory = factory().database(1_000_000);
    for error in [
        Factory::create(&factory).await.unwrap_err(),
        BlockingFactory::create(&factory).unwrap_err(),
    ] {
        let text = error.to_string();
        assert_eq!(text, "Redis refused SELECT: ERR DB index is out of range");
    }
}

#[tokio::test]
async fn dropping_closes_at_once() {
    let mut admin = connect().await;
    let factory = factory().client_name("dropping_closes");
    let db = Factory::create(&factory).await.unwrap();
    let blocking = BlockingFactory::create(&factory).unwrap();
    until_connections(&mut admin, "dropping_closes", 2).await;
    drop((db, blocking));
    until_connections(&mut admin, "dropping_closes", 0).await;
}

/// Only `create` needs the runtime to be current; the rest works from any executor, timeouts too.
#[tokio::test]
async fn after_create_any_executor_will_do() {
    let factory = factory();
    let mut db = Factory::create(&factory).await.unwrap();
    let elsewhere = tokio::task::spawn_blocking(move || {
        std::thread::spawn(move || {
            futures::executor::block_on(async {
                Factory::validate(&factory, &mut db).await.unwrap();
                let _: () = ask(&mut db, "SELECT 1").await;
                Factory::recycle(&factory, &mut db).await.unwrap();
                db.set_response_timeout(Some(Duration::from_millis(20)));
                let error = db.blpop::<_, ()>("any_executor", 0.0).await.unwrap_err();
                assert!(error.is_timeout(), "{error:?}");
            });
        })
        .join()
    });
    elsewhere.await.unwrap().unwrap();
}

#[test]
fn a_connection_whose_runtime_is_gone_is_broken() {
    let factory = factory();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut db = runtime.block_on(Factory::create(&factory)).unwrap();
    drop(runtime);
    assert!(Factory::is_broken(&factory, &db));
    let error = futures::executor::block_on(Factory::validate(&factory, &mut db)).unwrap_err();
    assert!(matches!(error, ConnectionError::Lost(_)), "{error:?}");
}
