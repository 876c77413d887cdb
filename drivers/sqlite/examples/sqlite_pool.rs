//! A pool of SQLite connections from a configuration file, and what it does for its callers.
//!
//! ```sh
//! cargo run -p nebula-resource-sqlite --example sqlite_pool
//! ```

use std::error::Error;

use nebula_resource_sqlite::{Sqlite, SqliteConfig};
use nebula_resource_sync::{Pool, PoolConfig};
use serde::Deserialize;

/// A program's own configuration has one of each.
#[derive(Deserialize)]
struct Config {
    database: SqliteConfig,
    pool: PoolConfig,
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let dir = tempfile::tempdir()?;
    let text = format!(
        "[database]
         database = {{ file = '{}' }}
         busy_timeout = '2s'

         [pool]
         max_size = 4
         acquire_timeout = '5s'",
        dir.path().join("shop.db").display()
    );
    let config: Config = toml::from_str(&text)?;
    let pool = Pool::builder(Sqlite::from(config.database))
        .config(config.pool)
        .build()?;

    let mut db = pool.acquire()?;
    db.execute_batch("CREATE TABLE orders (item TEXT)")?;
    let order = db.transaction()?;
    order.execute("INSERT INTO orders VALUES ('tea')", [])?;
    order.commit()?;

    // Somebody forgets to commit, and changes a setting. It is undone before the next caller comes,
    // or at once with `release`, which does not leave the lock lying about until then.
    db.execute_batch("PRAGMA foreign_keys = OFF; BEGIN; INSERT INTO orders VALUES ('salt')")?;
    nebula_resource_core::park::block_on(db.release());

    let db = pool.acquire()?;
    let orders: u32 = db.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
    let checked: bool = db.query_row("PRAGMA foreign_keys", [], |row| row.get(0))?;
    println!(
        "{orders} order, foreign keys checked: {checked}; {}",
        pool.status()
    );
    assert_eq!((orders, checked), (1, true));
    drop(db);

    pool.close().wait(); // every connection is closed
    assert_eq!(pool.stats().created, pool.stats().destroyed);
    Ok(())
}
