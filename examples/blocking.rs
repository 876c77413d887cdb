//! A database for plain threads: no runtime anywhere. First as a bare pool, then by name.
//!
//! ```sh
//! cargo run --example blocking
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{thread, time::Duration};

use nebula_resource::sync::Pool;
use nebula_resource::{
    BlockingResource, Context, CreateContext, Manager, ResourceConfig, RetireReason, Scope,
};
use nebula_resource_sqlite::{Sqlite, rusqlite};
use rusqlite::Connection;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("app.db");
    bare(&file)?;
    by_name(&file)
}

/// Six voters at once; what went wrong with one of them goes wrong with all.
fn six(vote: impl Fn(u32) -> Outcome + Sync) -> Outcome {
    let vote = &vote;
    thread::scope(|scope| {
        let voters = [1, 2, 3, 4, 5, 6].map(|voter| scope.spawn(move || vote(voter)));
        let mut votes = voters.into_iter().map(|voter| voter.join());
        votes.try_for_each(|vote| vote.map_err(|_| "a voter panicked")?)
    })
}

/// A pool, and nothing else: for a program that has one database and knows where it is.
fn bare(file: &Path) -> Outcome {
    let pool = Pool::builder(Sqlite::open(file)).max_size(2).build()?;
    pool.acquire()?
        .execute_batch("CREATE TABLE votes (voter)")?;
    six(|voter| {
        let db = pool.acquire()?; // six threads, two connections: most wait here
        db.execute("INSERT INTO votes VALUES (?1)", [voter])?;
        Ok(()) // `db` goes out of scope, and back to the pool
    })?;
    let connections = pool.stats().created;
    println!("6 votes through {connections} connections");
    assert!(connections <= 2);
    Ok(())
}

/// The same as a resource: a driver for threads, and all that a manager adds.
struct Ballots;

#[derive(serde::Deserialize)]
struct BallotConfig {
    file: PathBuf,
}

impl ResourceConfig for BallotConfig {}

impl BlockingResource for Ballots {
    type Config = BallotConfig;
    type Instance = Connection;
    type Error = rusqlite::Error;

    fn create(&self, config: &BallotConfig, _: &CreateContext) -> rusqlite::Result<Connection> {
        let db = Connection::open(&config.file)?;
        db.busy_timeout(Duration::from_secs(5))?;
        Ok(db)
    }

    fn is_valid(&self, db: &mut Connection) -> rusqlite::Result<()> {
        db.query_row("SELECT 1", [], |_| Ok(()))
    }

    fn recycle(&self, db: &mut Connection) -> rusqlite::Result<()> {
        if db.is_autocommit() {
            return Ok(());
        }
        db.execute_batch("ROLLBACK") // somebody gave up in the middle
    }

    fn cleanup(&self, db: Connection, why: RetireReason) {
        println!("a connection is closed: {why}");
        drop(db);
    }
}

fn by_name(file: &Path) -> Outcome {
    let manager = Manager::new();
    let config = BallotConfig {
        file: file.to_owned(),
    };
    manager
        .register("ballots", Ballots, config)
        .configure_pool(|pool| pool.max_size = 2)
        .wait()?;
    let nobody = Context::new(Scope::GLOBAL);
    six(|voter| {
        let db = manager.acquire_blocking::<Ballots>("ballots", &nobody)?;
        db.execute("INSERT INTO votes VALUES (?1)", [voter])?;
        Ok(())
    })?;

    let db = manager.acquire_blocking::<Ballots>("ballots", &nobody)?;
    db.execute_batch("BEGIN; DELETE FROM votes")?;
    drop(db); // not committed, and so not done: nobody else is in its transaction

    let count = "SELECT count(*) FROM votes";
    let ballots = manager.handle::<Ballots>("ballots", &nobody)?;
    let votes: u32 = ballots
        .acquire_blocking()?
        .query_row(count, [], |row| row.get(0))?;
    println!("{votes} votes in all");
    assert_eq!(votes, 12);

    let report = manager.shutdown().wait();
    println!("{report}");
    assert!(report.is_clean() && report.cleaned_up() <= 2);
    Ok(())
}
