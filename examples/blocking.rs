//! A pool of database connections for plain threads: no runtime anywhere.
//!
//! ```sh
//! cargo run --example blocking
//! ```

use std::{error::Error, thread};

use nebula_resource::sync::Pool;
use nebula_resource_sqlite::Sqlite;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let dir = tempfile::tempdir()?;
    let factory = Sqlite::open(dir.path().join("app.db"));
    let pool = Pool::builder(factory).max_size(2).build()?;
    pool.acquire()?
        .execute_batch("CREATE TABLE votes (voter)")?;

    let vote = |voter: u32| -> Outcome {
        let db = pool.acquire()?; // six threads, two connections: most wait here
        db.execute("INSERT INTO votes VALUES (?1)", [voter])?;
        Ok(()) // `db` goes out of scope, and back to the pool
    };
    thread::scope(|scope| {
        let voters = [1, 2, 3, 4, 5, 6].map(|voter| scope.spawn(move || vote(voter)));
        let mut votes = voters.into_iter().map(|voter| voter.join());
        votes.try_for_each(|vote| vote.map_err(|_| "a voter panicked")?)
    })?;

    let count = "SELECT count(*) FROM votes";
    let votes: u32 = pool.acquire()?.query_row(count, [], |row| row.get(0))?;
    let connections = pool.stats().created;
    println!("{votes} votes through {connections} connections");
    assert_eq!(votes, 6);
    assert!(connections <= 2);
    Ok(())
}
