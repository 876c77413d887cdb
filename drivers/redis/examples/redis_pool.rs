//! A pool of Redis connections, and what it does for its callers: tasks and threads, on one pool.
//!
//! ```sh
//! cargo run -p nebula-resource-redis --example redis_pool -- redis://localhost
//! ```
//!
//! The server has to be Redis 6.2 or newer. Without an argument its address comes from
//! `NEBULA_TEST_REDIS_URL`. Nothing is left behind there.

use std::error::Error;
use std::time::Duration;

use nebula_resource_async::{Pool, RetireReason};
use nebula_resource_redis::redis::{self, AsyncCommands};
use nebula_resource_redis::{Redis, RedisConnection};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let url = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("NEBULA_TEST_REDIS_URL").ok())
        .ok_or("say where the server is: redis://host/database")?;
    let factory = Redis::try_connect_to(&url)?.client_name("redis_pool");
    let pool = Pool::builder(factory)
        .max_size(2)
        .acquire_timeout(Duration::from_secs(5))
        .validate_after(Some(Duration::ZERO)) // always, so that this is over soon
        .build()?;

    // A session as somebody leaves it: another database, a transaction open.
    let mut db = pool.acquire().await?;
    let first = number(&mut db).await?;
    redis::cmd("SELECT").arg(7).exec_async(&mut *db).await?;
    redis::cmd("MULTI").exec_async(&mut *db).await?;
    drop(db);

    // The next caller gets the same connection, and finds nothing of it.
    let mut db = pool.acquire().await?;
    assert_eq!(number(&mut db).await?, first);
    let answer: Option<String> = db.get("redis_pool:no such key").await?;
    println!("the same connection, and no transaction: {answer:?}");
    db.release().await;

    // The server ends one of two connections. Nobody sees an error: it is noticed and replaced.
    let [mut one, mut other] =
        <[_; 2]>::try_from(pool.acquire_many(2).await?).map_err(|_| "not two")?;
    let ended = number(&mut one).await?;
    one.release().await;
    let kill = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("ID")
        .arg(ended)
        .to_owned();
    kill.exec_async(&mut *other).await?;
    let mut db = pool.acquire().await?;
    println!(
        "connection {ended} is gone, {} took its place",
        number(&mut db).await?
    );
    assert_eq!(pool.stats().retired_for(RetireReason::Invalid), 1);

    drop((db, other));
    pool.close().await; // every connection has been closed
    assert_eq!(pool.stats().created, pool.stats().destroyed);

    // Threads, with the same factory and no runtime.
    std::thread::spawn(move || on_a_thread(&url))
        .join()
        .map_err(|_| "it panicked")?
}

fn on_a_thread(url: &str) -> Outcome<()> {
    use nebula_resource_redis::redis::Commands;

    let pool = nebula_resource_sync::Pool::new(Redis::try_connect_to(url)?);
    let mut db = pool.acquire()?;
    let count: i64 = db.incr("redis_pool:counter", 1)?;
    let _: () = db.del("redis_pool:counter")?;
    println!("a thread counted to {count}");
    Ok(())
}

/// The server's number for a connection.
async fn number(db: &mut RedisConnection) -> Outcome<i64> {
    Ok(redis::cmd("CLIENT").arg("ID").query_async(db).await?)
}
