//! One pool, used at the same time by plain threads, by tasks on tokio and by tasks on smol.
//!
//! ```sh
//! cargo run --release --example quickstart
//! cargo run --release --example quickstart -- --postgres postgres://user@localhost/db
//! ```
//!
//! Read this file from top to bottom: it is everything a program does with a pool. What surrounds
//! it is in the neighbours: the same against a PostgreSQL server (`postgres`), how long it goes on
//! and how the pool is resized meanwhile (`shift`), what the callers count (`tally`), and the table
//! at the end (`report`).

mod postgres;
mod report;
mod shift;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use nebula_resource::Fairness;
use nebula_resource::sync::Pool;
use nebula_resource_sqlite::Sqlite;
use nebula_resource_sqlite::rusqlite::{self, Connection};

use report::Report;
use shift::{FEW, Shift};
use tally::{Crowd, Rows, Tally};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// One pool for threads, tokio tasks and smol tasks at the same time.
#[derive(Parser)]
#[command(name = "quickstart")]
struct Args {
    /// For how many seconds the callers work.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,

    /// How many callers of each kind there are.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    callers: u16,

    /// Nobody ever overtakes anybody in line. Without it, a running newcomer may pass a waiter
    /// that has been woken and is still on its way: more operations, in less equal shares.
    #[arg(long)]
    strict: bool,

    /// A PostgreSQL server to run against, in place of an embedded SQLite file.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

impl Args {
    fn fairness(&self) -> Fairness {
        if self.strict {
            Fairness::Strict
        } else {
            Fairness::Bounded
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    println!(
        "{n} threads, {n} tokio tasks and {n} smol tasks share one pool for {} s",
        args.seconds,
        n = args.callers,
    );
    let outcome = match &args.postgres {
        None => on_sqlite(&args),
        Some(url) => postgres::run(&args, url),
    };
    match outcome {
        Ok(report) => {
            let balanced = report.print();
            if !args.strict {
                println!(
                    "\nWho is running may win against who is waking up; --strict shares evenly."
                );
            }
            ExitCode::from(u8::from(!balanced))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn on_sqlite(args: &Args) -> Result<Report, Error> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("quickstart.db");

    // Nothing is opened yet: connections are made when somebody wants one.
    let pool = Pool::builder(Sqlite::open(file).busy_timeout(Duration::from_secs(30)))
        .max_size(FEW)
        .fairness(args.fairness())
        .build()?;

    pool.acquire()?
        .execute_batch("CREATE TABLE visits (id INTEGER PRIMARY KEY, caller TEXT NOT NULL)")?;

    // A runtime for the tokio tasks. The pool knows nothing of it, nor of smol.
    let tokio = tokio::runtime::Builder::new_multi_thread().build()?;
    let shift = Arc::new(Shift::begin(args.seconds));
    let (mut threads, mut tokios, mut smols) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.callers {
        // Handles are cheap to clone; all of them are the same pool.
        let (handle, until) = (pool.clone(), Arc::clone(&shift));
        threads.push(thread::spawn(move || plain_thread(&handle, &until)));
        tokios.push(tokio.spawn(tokio_task(pool.clone(), Arc::clone(&shift))));
        smols.push(smol::spawn(smol_task(pool.clone(), Arc::clone(&shift))));
    }

    // Shows how it goes, and changes `max_size` while everybody is at work.
    shift.watch(&pool)?;

    let crowd = Crowd {
        threads: tally::sum(threads.into_iter().map(tally::join))?,
        tokio: tally::sum(tokios.into_iter().map(|task| tokio.block_on(task)?))?,
        smol: tally::sum(smols.into_iter().map(smol::block_on))?,
    };
    let rows = count_rows(&*pool.acquire()?)?;
    Report::draw_up("SQLite", &crowd, &rows, &pool)
}

/// A plain thread: `acquire` parks it until it is its turn.
fn plain_thread(pool: &Pool<Sqlite>, shift: &Shift) -> Result<Tally, Error> {
    let mut tally = Tally::new()?;
    while shift.goes_on() {
        let asked = Instant::now();
        let db = pool.acquire()?;
        tally.waited(asked.elapsed());
        visit(&db, tally::THREAD)?;
        tally.done();
    } // `db` goes out of scope, and back to the pool
    Ok(tally)
}

/// A task on tokio: waiting for a connection blocks no worker. SQLite itself does block, so the
/// work is done where that is allowed, with a guard that can be sent there.
async fn tokio_task(pool: Pool<Sqlite>, shift: Arc<Shift>) -> Result<Tally, Error> {
    let mut tally = Tally::new()?;
    while shift.goes_on() {
        let asked = Instant::now();
        let db = pool.acquire_async_owned().await?;
        tally.waited(asked.elapsed());
        tokio::task::spawn_blocking(move || visit(&db, tally::TOKIO)).await??;
        tally.done();
    }
    Ok(tally)
}

/// A task on smol: the same call, another runtime. It stands in the same line.
async fn smol_task(pool: Pool<Sqlite>, shift: Arc<Shift>) -> Result<Tally, Error> {
    let mut tally = Tally::new()?;
    while shift.goes_on() {
        let asked = Instant::now();
        let db = pool.acquire_async_owned().await?;
        tally.waited(asked.elapsed());
        smol::unblock(move || visit(&db, tally::SMOL)).await?;
        tally.done();
    }
    Ok(tally)
}

/// What everybody comes for: an insert, and a query for what was inserted.
fn visit(db: &Connection, caller: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO visits (caller) VALUES (?1)")?
        .execute([caller])?;
    db.prepare_cached("SELECT caller FROM visits WHERE id = ?1")?
        .query_row([db.last_insert_rowid()], |_row| Ok(()))
}

/// How many visits the database knows, per kind of caller.
fn count_rows(db: &Connection) -> rusqlite::Result<Rows> {
    db.prepare("SELECT caller, count(*) FROM visits GROUP BY caller")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
