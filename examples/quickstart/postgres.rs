//! The same against a PostgreSQL server: an async pool, with threads among its callers.
//!
//! Decides what is different: connections live on tokio, so the pool is told of that runtime; who
//! waits for a connection may do so anywhere.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nebula_resource::runtime::Tokio;
use nebula_resource::{Pool, PoolConfig};
use nebula_resource_postgres::Postgres;
use nebula_resource_postgres::tokio_postgres::{self, Client};
use tokio::runtime::{Handle, Runtime};

use crate::report::Report;
use crate::shift::{FEW, Shift};
use crate::tally::{self, Crowd, Rows, Tally};
use crate::{Args, Error};

pub(crate) fn run(args: &Args, url: &str) -> Result<Report, Error> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let pool = Pool::builder(Postgres::try_connect_to(url)?.application_name("quickstart"))
        .config(PoolConfig {
            max_size: FEW,
            fairness: args.fairness(),
            fail_fast: true, // with a wrong address, say so at once
            ..PoolConfig::default()
        })
        .runtime(Tokio::from(tokio.handle().clone()))
        .build()?;

    // A table of our own, so that two of us can share a server.
    let table = format!("nebula_quickstart_{}", std::process::id());
    let create = format!("CREATE UNLOGGED TABLE {table} (id BIGSERIAL PRIMARY KEY, caller TEXT)");
    pool.acquire_blocking()
        .map(|db| tokio.block_on(db.batch_execute(&create)))??;
    pool.reconfigure(|config| config.fail_fast = false)?;

    let work = work(args, &tokio, &pool, &table);
    // With the table dropped, success or not, there is no trace of us.
    let drop = format!("DROP TABLE {table}");
    let dropped = pool
        .acquire_blocking()
        .map(|db| tokio.block_on(db.batch_execute(&drop)));
    let (crowd, rows) = work?;
    dropped??;
    Report::draw_up("PostgreSQL", &crowd, &rows, &pool)
}

fn work(
    args: &Args,
    tokio: &Runtime,
    pool: &Pool<Postgres>,
    table: &str,
) -> Result<(Crowd, Rows), Error> {
    let shift = Arc::new(Shift::begin(args.seconds));
    let visits = Arc::new(Visits::to(table));
    let (mut threads, mut tokios, mut smols) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.callers {
        let (handle, until, ours) = (pool.clone(), Arc::clone(&shift), Arc::clone(&visits));
        let tokio_handle = tokio.handle().clone();
        threads.push(thread::spawn(move || {
            plain_thread(&handle, &until, &ours, &tokio_handle)
        }));
        // The very same code on two runtimes.
        let [on_tokio, on_smol] = [tally::TOKIO, tally::SMOL]
            .map(|kind| task(pool.clone(), Arc::clone(&shift), Arc::clone(&visits), kind));
        tokios.push(tokio.spawn(on_tokio));
        smols.push(smol::spawn(on_smol));
    }
    shift.watch(pool)?;

    let crowd = Crowd {
        threads: tally::sum(threads.into_iter().map(tally::join))?,
        tokio: tally::sum(tokios.into_iter().map(|task| tokio.block_on(task)?))?,
        smol: tally::sum(smols.into_iter().map(smol::block_on))?,
    };
    let db = pool.acquire_blocking()?;
    let rows = tokio.block_on(visits.count(&db))?;
    Ok((crowd, rows))
}

/// A plain thread on an async pool: `acquire_blocking` parks it until it is its turn.
fn plain_thread(
    pool: &Pool<Postgres>,
    shift: &Shift,
    visits: &Visits,
    tokio: &Handle,
) -> Result<Tally, Error> {
    let mut tally = Tally::new()?;
    while shift.goes_on() {
        let asked = Instant::now();
        let db = pool.acquire_blocking()?;
        tally.waited(asked.elapsed());
        tokio.block_on(visits.visit(&db, tally::THREAD))?;
        tally.done();
    }
    Ok(tally)
}

/// A task, on whatever runtime.
async fn task(
    pool: Pool<Postgres>,
    shift: Arc<Shift>,
    visits: Arc<Visits>,
    kind: &'static str,
) -> Result<Tally, Error> {
    let mut tally = Tally::new()?;
    while shift.goes_on() {
        let asked = Instant::now();
        let db = pool.acquire().await?;
        tally.waited(asked.elapsed());
        visits.visit(&db, kind).await?;
        tally.done();
    }
    Ok(tally)
}

/// What is said to the server.
struct Visits {
    insert: String,
    query: String,
    count: String,
}

impl Visits {
    fn to(table: &str) -> Self {
        Self {
            insert: format!("INSERT INTO {table} (caller) VALUES ($1) RETURNING id"),
            query: format!("SELECT caller FROM {table} WHERE id = $1"),
            count: format!("SELECT caller, count(*) FROM {table} GROUP BY caller"),
        }
    }

    /// An insert, and a query for what was inserted.
    async fn visit(&self, db: &Client, caller: &str) -> Result<(), tokio_postgres::Error> {
        let id: i64 = db.query_one(&self.insert, &[&caller]).await?.get(0);
        db.query_one(&self.query, &[&id]).await?;
        Ok(())
    }

    /// How many visits the database knows, per kind of caller.
    async fn count(&self, db: &Client) -> Result<Rows, tokio_postgres::Error> {
        let rows = db.query(&self.count, &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}
