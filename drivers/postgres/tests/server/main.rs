//! Against the real server whose URL is in NEBULA_TEST_POSTGRES_URL (a superuser's, on a server
//! that belongs to the tests alone). Without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test may panic"
)]

mod lifecycle;
mod manager;
mod pool;
mod secrets;
mod session;

use std::time::Duration;

use nebula_resource_core::Factory;
use nebula_resource_postgres::tokio_postgres::{Config, SimpleQueryMessage};
use nebula_resource_postgres::{PgClient, Postgres};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn config() -> Config {
    let url = std::env::var("NEBULA_TEST_POSTGRES_URL")
        .expect("these tests need a server: set NEBULA_TEST_POSTGRES_URL");
    url.parse()
        .expect("NEBULA_TEST_POSTGRES_URL is no PostgreSQL URL")
}

fn factory() -> Postgres {
    Postgres::from_config(config()).unwrap()
}

async fn connect() -> PgClient {
    factory().create().await.unwrap()
}

/// The first column of the first row, as text; `NULL` and no row are both `None`.
async fn ask(db: &PgClient, sql: &str) -> Option<String> {
    let answer = db.simple_query(sql).await.unwrap();
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row?.get(0).map(str::to_owned)
}

async fn pid(db: &PgClient) -> i32 {
    ask(db, "SELECT pg_backend_pid()")
        .await
        .unwrap()
        .parse()
        .unwrap()
}

async fn is_alive(admin: &PgClient, pid: i32) -> bool {
    let sql = "SELECT 1 FROM pg_stat_activity WHERE pid = $1";
    admin.query_opt(sql, &[&pid]).await.unwrap().is_some()
}

/// Waits until the server has let go of this backend.
async fn gone(admin: &PgClient, pid: i32) {
    let wait = async {
        while is_alive(admin, pid).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.expect("the backend is still there");
}
