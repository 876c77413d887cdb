//! Several connections that write at the same time: the busy timeout makes them take turns.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::thread;
use std::time::Duration;

use nebula_resource_core::BlockingFactory;
use nebula_resource_sqlite::rusqlite::{ErrorCode, TransactionBehavior};
use nebula_resource_sqlite::{JournalMode, Sqlite};

const WRITERS: i64 = 6;
const EACH: i64 = 50;

fn writers_take_turns(factory: &Sqlite) {
    let keep = factory.create().unwrap();
    keep.execute_batch("CREATE TABLE t (x)").unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let mut db = factory.create().unwrap();
                for _ in 0..EACH {
                    let tx = db
                        .transaction_with_behavior(TransactionBehavior::Immediate)
                        .unwrap();
                    tx.execute("INSERT INTO t VALUES (?1)", [writer]).unwrap();
                    tx.commit().unwrap();
                    factory.recycle(&mut db).unwrap();
                }
            });
        }
    });
    let rows: i64 = keep
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, WRITERS * EACH);
}

#[test]
fn concurrent_writers_on_a_file() {
    let dir = tempfile::tempdir().unwrap();
    writers_take_turns(&Sqlite::open(dir.path().join("wal.db")));
}

#[test]
fn concurrent_writers_on_a_file_with_a_rollback_journal() {
    let dir = tempfile::tempdir().unwrap();
    let factory = Sqlite::open(dir.path().join("delete.db"))
        .journal_mode(JournalMode::Truncate)
        .synchronous(nebula_resource_sqlite::Synchronous::Off)
        .busy_timeout(Duration::from_secs(30));
    writers_take_turns(&factory);
}

#[test]
fn concurrent_writers_in_memory() {
    writers_take_turns(&Sqlite::memory("concurrent_writers_in_memory"));
}

#[test]
fn a_writer_that_waits_in_vain_gets_an_error_and_its_connection_stays_good() {
    let dir = tempfile::tempdir().unwrap();
    let factory = Sqlite::open(dir.path().join("app.db")).busy_timeout(Duration::from_millis(50));
    let holder = factory.create().unwrap();
    holder
        .execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE")
        .unwrap();

    let mut db = factory.create().unwrap();
    let error = db.execute_batch("INSERT INTO t VALUES (1)").unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    assert!(!factory.is_broken(&db));
    factory.recycle(&mut db).unwrap();

    holder.execute_batch("COMMIT").unwrap();
    db.execute_batch("INSERT INTO t VALUES (1)").unwrap();
}
