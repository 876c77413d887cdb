//! Connections in a pool: threads and tasks in turn on the same ones, and never on each other's
//! leavings (fault row 32).

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use nebula_resource_sqlite::Sqlite;
use nebula_resource_sqlite::rusqlite::Connection;
use nebula_resource_sync::{Pool, RetireReason};
use tempfile::TempDir;

fn pool_on(file: &Path, max_size: usize) -> Pool<Sqlite> {
    let pool = Pool::builder(Sqlite::open(file))
        .max_size(max_size)
        .validate_after(Some(Duration::ZERO))
        .build()
        .unwrap();
    pool.acquire()
        .unwrap()
        .execute_batch("CREATE TABLE IF NOT EXISTS t (x INTEGER PRIMARY KEY)")
        .unwrap();
    pool
}

fn fixture(max_size: usize) -> (Pool<Sqlite>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (pool_on(&dir.path().join("app.db"), max_size), dir)
}

/// Fails if an earlier caller can be told from the connection. Changes the schema nowhere.
#[track_caller]
fn assert_clean(db: &Connection) {
    let ask = |sql: &str| -> i64 { db.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert!(db.is_autocommit(), "in a transaction");
    assert_eq!(ask("SELECT count(*) FROM temp.sqlite_schema"), 0, "temp");
    assert_eq!(ask("PRAGMA foreign_keys"), 1, "foreign_keys");
    assert_eq!(ask("PRAGMA query_only"), 0, "query_only");
    assert_eq!(ask("PRAGMA busy_timeout"), 5000, "busy_timeout");
    let attached = "SELECT count(*) FROM pragma_database_list WHERE seq > 1";
    assert_eq!(ask(attached), 0, "attached");
}

/// What a caller may leave behind; none of it keeps others from working.
const DIRT: [&str; 6] = [
    "BEGIN; SELECT count(*) FROM t",
    "SAVEPOINT a; SELECT 1; SAVEPOINT b",
    "PRAGMA foreign_keys = OFF; PRAGMA query_only = ON",
    "PRAGMA busy_timeout = 1",
    "ATTACH ':memory:' AS other; CREATE TABLE other.secret (x); BEGIN",
    "CREATE TEMP TABLE secret AS SELECT 'acme' AS tenant; BEGIN",
];

#[test]
fn fault_32_dirty_session_is_clean_for_the_next_caller_whoever_it_is() {
    let (pool, _dir) = fixture(1);
    for dirt in DIRT {
        let db = pool.acquire().unwrap();
        db.execute_batch(dirt).unwrap();
        drop(db);
        let db = block_on(pool.acquire_async()).unwrap();
        assert_clean(&db);
        db.execute_batch(dirt).unwrap();
        block_on(db.release());
        assert_clean(&pool.acquire().unwrap());
    }
    // Four of them leave a transaction open, which must not lie idle with its locks: those
    // connections are replaced, the others stay.
    let totals = pool.stats();
    assert_eq!(totals.retired_for(RetireReason::Broken), 2 * 4);
    assert_eq!((totals.retired, totals.created), (8, 1 + 8));
}

#[test]
fn fault_32_dirty_session_is_not_to_be_had_without_waiting_either() {
    let (pool, _dir) = fixture(1);
    for dirt in DIRT {
        pool.acquire().unwrap().execute_batch(dirt).unwrap();
        if let Some(db) = pool.try_acquire() {
            assert_clean(&db);
        }
    }
}

#[test]
fn fault_32_dirty_session_loses_what_was_not_committed() {
    let (pool, _dir) = fixture(2);
    let (forgetful, next) = (pool.acquire().unwrap(), pool.acquire().unwrap());
    forgetful
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        .unwrap();
    block_on(forgetful.release()); // at once, and with it the lock
    next.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    let rows: Vec<i64> = next
        .prepare("SELECT x FROM t")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows, [2]);
}

#[test]
fn fault_32_dirty_session_never_reaches_anybody_among_many_threads_and_tasks() {
    const CALLERS: usize = 4;
    const EACH: usize = 60;
    let (pool, _dir) = fixture(3);
    let served = AtomicUsize::new(0);
    let soil = |db: &Connection, n: usize| {
        assert_clean(db);
        db.execute_batch(DIRT[n % DIRT.len()]).unwrap();
        served.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (pool, soil) = (&pool, &soil);
            scope.spawn(move || (0..EACH).for_each(|n| soil(&pool.acquire().unwrap(), caller + n)));
            scope.spawn(move || {
                block_on(async {
                    for n in 0..EACH {
                        soil(&pool.acquire_async().await.unwrap(), caller + n);
                    }
                });
            });
        }
    });
    assert_eq!(served.load(Ordering::Relaxed), 2 * CALLERS * EACH);
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
}

#[test]
fn fault_07_a_caller_that_panics_in_a_transaction_leaves_nothing_of_it() {
    let (pool, _dir) = fixture(1);
    thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let db = pool.acquire().unwrap();
            db.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
                .unwrap();
            panic!("on purpose");
        });
        panics.join().unwrap_err();
    });
    let db = pool.acquire().unwrap();
    assert_clean(&db);
    db.execute_batch("INSERT INTO t VALUES (1)").unwrap(); // neither the row nor the lock is there
    assert_eq!(pool.stats().retired_for(RetireReason::Tainted), 1);
}

#[cfg(unix)]
#[test]
fn fault_13_a_replaced_database_is_noticed_before_anybody_writes_to_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.db");
    let pool = pool_on(&file, 2);
    let both = pool.acquire_many(2).unwrap();
    drop(both);
    // A backup is put in place of the file.
    for name in ["app.db", "app.db-wal", "app.db-shm"] {
        let _missing = std::fs::remove_file(dir.path().join(name));
    }
    drop(pool_on(&file, 1)); // makes the new one

    let db = pool.acquire().unwrap();
    db.execute_batch("INSERT INTO t VALUES (13)").unwrap();
    drop(db);
    let seen = Connection::open(&file).unwrap();
    let rows: i64 = seen
        .query_row("SELECT count(*) FROM t WHERE x = 13", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1, "written to a file that is gone");
    assert_eq!(pool.stats().create_failures, 0);
    assert!(pool.stats().retired_for(RetireReason::Invalid) >= 1);
}

#[test]
fn close_leaves_no_connection_open() {
    let (pool, dir) = fixture(3);
    let all = pool.acquire_many(3).unwrap();
    all[0].execute_batch("INSERT INTO t VALUES (1)").unwrap();
    // Only whoever has the file alone may leave the write-ahead log. That the log is gone would not do:
    // of connections that close at the same moment each may take another for the last one.
    let alone = || {
        let other = Connection::open(dir.path().join("app.db")).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        let mode = other.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0));
        mode.is_ok_and(|mode: String| mode == "delete")
    };
    assert!(!alone());
    let closing = pool.close();
    drop(all);
    assert!(closing.wait_timeout(Duration::from_secs(20)));
    assert!(alone(), "a connection is open still");
    let totals = pool.stats();
    assert_eq!(totals.created, totals.destroyed);
}
