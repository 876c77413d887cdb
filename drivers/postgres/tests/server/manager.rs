//! A server behind a manager: reset between callers as in a bare pool, replaced when its connection
//! is lost, and told goodbye in the end.

use nebula_resource::{BoxError, Context, ManagedGuard, Manager, RetireReason, Scope};
use nebula_resource_postgres::{PostgresConfig, PostgresResource};

use crate::{ask, connect, gone, pid};

static NOBODY: Context = Context::new(Scope::GLOBAL);

async fn manager() -> Manager {
    let url = std::env::var("NEBULA_TEST_POSTGRES_URL").expect("a server");
    let manager = Manager::new();
    let registration = manager.register("main_db", PostgresResource, PostgresConfig::new(url));
    let registration = registration.configure_pool(|pool| pool.max_size = 1);
    registration.await.unwrap();
    manager
}

async fn acquire(manager: &Manager) -> ManagedGuard<'static, PostgresResource> {
    manager.acquire("main_db", &NOBODY).await.unwrap()
}

#[tokio::test]
async fn nobody_is_in_another_callers_session() -> Result<(), BoxError> {
    let manager = manager().await;
    let db = acquire(&manager).await;
    let mine = pid(&db).await;
    db.batch_execute("CREATE TEMPORARY TABLE mine (x int); SET search_path TO tenant_7; BEGIN")
        .await?;
    drop(db);
    let db = acquire(&manager).await;
    assert_eq!(pid(&db).await, mine, "the same connection");
    assert_ne!(
        ask(&db, "SHOW search_path").await.as_deref(),
        Some("tenant_7")
    );
    let tables = "SELECT to_regclass('mine')::text";
    assert_eq!(ask(&db, tables).await, None);
    Ok(())
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let (manager, admin) = (manager().await, connect().await);
    let db = acquire(&manager).await;
    let lost = pid(&db).await;
    let kill = "SELECT pg_terminate_backend($1)";
    assert!(admin.query_one(kill, &[&lost]).await.is_ok());
    assert!(db.simple_query("SELECT 1").await.is_err());
    while !db.is_closed() {
        tokio::task::yield_now().await; // the task behind it has a last word to read
    }
    drop(db);
    let totals = manager
        .handle::<PostgresResource>("main_db", &NOBODY)
        .map(|handle| handle.stats());
    let broken = totals.unwrap().retired_for(RetireReason::Broken);
    assert_eq!(broken, 1, "seen at once, not by its next caller");
    let db = acquire(&manager).await;
    assert_ne!(pid(&db).await, lost);
}

#[tokio::test]
async fn at_the_end_the_server_is_told_goodbye() -> Result<(), BoxError> {
    let (manager, admin) = (manager().await, connect().await);
    let db = acquire(&manager).await;
    let (here, old) = (manager.clone(), pid(&db).await);
    let url = std::env::var("NEBULA_TEST_POSTGRES_URL")?;
    let mut config = PostgresConfig::new(url);
    config.application_name = Some("reloaded".to_owned());
    let reloaded = manager.reload_config("main_db", config).await?;

    let new = acquire(&manager).await;
    assert_eq!(
        ask(&new, "SHOW application_name").await.as_deref(),
        Some("reloaded")
    );
    assert_eq!(pid(&db).await, old, "the old one still answers");
    drop(db);
    reloaded.old.await;
    gone(&admin, old).await;

    let last = pid(&new).await;
    drop(new);
    let report = here.shutdown().await;
    assert!(report.is_clean(), "{report}");
    gone(&admin, last).await;
    Ok(())
}
