//! A pool of PostgreSQL connections, and what it does for its callers.
//!
//! ```sh
//! cargo run -p nebula-resource-postgres --example postgres_pool -- postgres://user@localhost/db
//! ```
//!
//! The server has to be PostgreSQL 14 or newer. Without an argument its address comes from
//! `NEBULA_TEST_POSTGRES_URL`. Nothing is left behind there.

use std::error::Error;
use std::time::Duration;

use nebula_resource_async::{Pool, RetireReason};
use nebula_resource_postgres::{PgClient, Postgres};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let url = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("NEBULA_TEST_POSTGRES_URL").ok())
        .ok_or("say where the server is: postgres://user@host/database")?;
    let pool = Pool::builder(Postgres::try_connect_to(url)?.application_name("postgres_pool"))
        .max_size(2)
        .acquire_timeout(Duration::from_secs(5))
        .validate_after(Some(Duration::ZERO)) // always, so that this is over soon
        .build()?;

    // A session as somebody leaves it: a setting changed, a transaction open.
    let db = pool.acquire().await?;
    let first = backend(&db).await?;
    db.batch_execute("SET search_path TO tenant_7; BEGIN")
        .await?;
    drop(db);

    // The next caller gets the same connection, and finds nothing of it.
    let db = pool.acquire().await?;
    assert_eq!(backend(&db).await?, first);
    let path: String = db.query_one("SHOW search_path", &[]).await?.get(0);
    println!("the same connection, search_path = {path}");
    assert!(!path.contains("tenant_7"));
    db.release().await;

    // The server ends one of two connections. Nobody sees an error: it is noticed and replaced.
    let [one, other] = <[_; 2]>::try_from(pool.acquire_many(2).await?).map_err(|_| "not two")?;
    let ended = backend(&one).await?;
    one.release().await;
    other
        .execute("SELECT pg_terminate_backend($1, 5000)", &[&ended])
        .await?;
    let db = pool.acquire().await?;
    println!(
        "backend {ended} is gone, {} took its place",
        backend(&db).await?
    );
    assert_eq!(pool.stats().retired_for(RetireReason::Invalid), 1);

    drop((db, other));
    pool.close().await; // every connection has been closed
    assert_eq!(pool.stats().created, pool.stats().destroyed);
    Ok(())
}

/// The server's number for a connection.
async fn backend(db: &PgClient) -> Outcome<i32> {
    Ok(db.query_one("SELECT pg_backend_pid()", &[]).await?.get(0))
}
