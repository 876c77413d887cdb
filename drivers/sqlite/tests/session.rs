//! What one caller leaves behind on a connection, and what the next one finds (fault row 32).

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nebula_resource_core::BlockingFactory;
use nebula_resource_sqlite::rusqlite::types::Value;
use nebula_resource_sqlite::rusqlite::{Connection, Error, ErrorCode};
use nebula_resource_sqlite::{JournalMode, Sqlite};
use tempfile::TempDir;

fn fixture() -> (Sqlite, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let factory = Sqlite::open(dir.path().join("app.db"));
    let db = factory.create().unwrap();
    db.execute_batch("CREATE TABLE t (x INTEGER PRIMARY KEY); CREATE TABLE c (x REFERENCES t)")
        .unwrap();
    (factory, dir)
}

fn pragma(db: &Connection, name: &str) -> Value {
    db.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

fn assert_retired(factory: &Sqlite, db: &mut Connection, what: &str) {
    let error = factory.recycle(db).expect_err(what);
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ApiMisuse));
    assert!(error.to_string().contains(what), "{error}");
}

#[test]
fn fault_32_dirty_session_open_transaction() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    for dirt in [
        "BEGIN; INSERT INTO t VALUES (1)",
        "SAVEPOINT a; INSERT INTO t VALUES (1); SAVEPOINT b",
        "BEGIN; CREATE TABLE never (x)",
        "BEGIN EXCLUSIVE",
    ] {
        db.execute_batch(dirt).unwrap();
        factory.recycle(&mut db).unwrap();
        assert!(db.is_autocommit(), "{dirt}");
    }
    let (rows, tables): (i64, i64) = db
        .query_row(
            "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM sqlite_schema)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((rows, tables), (0, 2));
}

#[test]
fn fault_32_dirty_session_leaves_no_lock() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    factory.recycle(&mut db).unwrap();

    let other = factory.create().unwrap();
    other.execute_batch("INSERT INTO t VALUES (1)").unwrap();
}

#[test]
fn fault_32_dirty_session_temporary_objects_retire_the_connection() {
    let (factory, _dir) = fixture();
    for dirt in [
        "CREATE TEMP TABLE secret (x); INSERT INTO secret VALUES ('acme')",
        "CREATE TEMP VIEW t AS SELECT 'not the real t'",
        "CREATE TEMP TRIGGER spy AFTER INSERT ON main.t BEGIN DELETE FROM t; END",
    ] {
        let mut db = factory.create().unwrap();
        db.execute_batch(dirt).unwrap();
        assert_retired(&factory, &mut db, "temporary");
    }
}

#[test]
fn fault_32_dirty_session_a_tidy_caller_keeps_the_connection() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    for _ in 0..3 {
        db.execute_batch(
            "CREATE TEMP TABLE mine (id INTEGER PRIMARY KEY AUTOINCREMENT);
             INSERT INTO mine DEFAULT VALUES; DROP TABLE mine",
        )
        .unwrap();
        factory.recycle(&mut db).unwrap();
    }
    db.execute_batch("BEGIN; CREATE TEMP TABLE gone (x)")
        .unwrap();
    factory.recycle(&mut db).unwrap();
}

#[test]
fn fault_32_dirty_session_changed_pragmas() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    let dirt = [
        ("foreign_keys", "OFF"),
        ("query_only", "ON"),
        ("ignore_check_constraints", "ON"),
        ("recursive_triggers", "ON"),
        ("reverse_unordered_selects", "ON"),
        ("writable_schema", "ON"),
        ("trusted_schema", "OFF"),
        ("legacy_alter_table", "ON"),
        ("synchronous", "OFF"),
        ("secure_delete", "ON"),
        ("cache_size", "7"),
        ("temp_store", "MEMORY"),
        ("wal_autocheckpoint", "0"),
    ];
    for (name, value) in dirt {
        let clean = pragma(&db, name);
        db.execute_batch(&format!("PRAGMA {name} = {value}"))
            .unwrap();
        assert_ne!(pragma(&db, name), clean, "{name} was not made dirty");
        factory.recycle(&mut db).unwrap();
        assert_eq!(pragma(&db, name), clean, "{name}");
    }
    db.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    db.execute_batch("INSERT INTO c VALUES (2)").unwrap_err(); // foreign keys count again
}

#[test]
fn fault_32_dirty_session_locking_and_journal_mode_retire_the_connection() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    db.execute_batch("PRAGMA locking_mode = EXCLUSIVE").unwrap();
    assert_retired(&factory, &mut db, "locking_mode");

    let dir = tempfile::tempdir().unwrap();
    let factory = Sqlite::open(dir.path().join("app.db")).journal_mode(JournalMode::Delete);
    let mut db = factory.create().unwrap();
    db.execute_batch("PRAGMA journal_mode = OFF").unwrap();
    assert_retired(&factory, &mut db, "journal_mode");
}

#[test]
fn fault_32_dirty_session_attached_database() {
    let (factory, dir) = fixture();
    let mut db = factory.create().unwrap();
    let other = dir.path().join("other.db");
    db.execute("ATTACH ?1 AS \"it's other\"", [other.to_str()])
        .unwrap();
    db.execute_batch("CREATE TABLE \"it's other\".x (y); BEGIN; INSERT INTO x VALUES (1)")
        .unwrap();

    factory.recycle(&mut db).unwrap();
    db.prepare("SELECT * FROM x").unwrap_err();
}

#[test]
fn fault_32_dirty_session_busy_timeout_and_handler() {
    let (_, dir) = fixture();
    let factory = Sqlite::open(dir.path().join("app.db")).busy_timeout(Duration::from_millis(150));
    let mut db = factory.create().unwrap();
    let holder = factory.create().unwrap();

    db.busy_handler(Some(|_| panic!("a handler of an earlier caller")))
        .unwrap();
    db.busy_timeout(Duration::ZERO).unwrap();
    factory.recycle(&mut db).unwrap();

    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = db.execute_batch("BEGIN IMMEDIATE").unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    assert!(
        start.elapsed() >= Duration::from_millis(140),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn fault_32_dirty_session_hooks_of_an_earlier_caller() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let spy = Arc::clone(&seen);
    db.update_hook(Some(move |_, _: &str, _: &str, _| {
        spy.fetch_add(1, Ordering::Relaxed);
    }))
    .unwrap();
    db.commit_hook(Some(|| true)).unwrap(); // turns every commit into a rollback
    let spy = Arc::clone(&seen);
    db.wal_hook(Some(move |_: &mut _, _| {
        spy.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }))
    .unwrap();

    factory.recycle(&mut db).unwrap();
    db.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    assert_eq!(pragma(&db, "wal_autocheckpoint"), Value::Integer(1000));
}

#[test]
fn hooks_set_by_init_stay() {
    let seen = Arc::new(AtomicUsize::new(0));
    let audit = Arc::clone(&seen);
    let factory = Sqlite::memory("hooks_set_by_init_stay").init(move |db| {
        let audit = Arc::clone(&audit);
        db.update_hook(Some(move |_, _: &str, _: &str, _| {
            audit.fetch_add(1, Ordering::Relaxed);
        }))
    });
    let mut db = factory.create().unwrap();
    factory.recycle(&mut db).unwrap();
    db.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[test]
fn what_on_connect_made_stays_and_dirt_beside_it_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive.db");
    let factory = Sqlite::open(dir.path().join("app.db")).on_connect(format!(
        "ATTACH '{}' AS archive; PRAGMA cache_size = 123; CREATE TEMP VIEW v AS SELECT 1 AS x;
         CREATE TEMP TABLE scratch (x)",
        archive.display()
    ));
    let mut db = factory.create().unwrap();
    factory.recycle(&mut db).unwrap();
    db.execute_batch("SELECT x FROM v; CREATE TABLE archive.t (x)")
        .unwrap();
    assert_eq!(pragma(&db, "cache_size"), Value::Integer(123));

    db.execute_batch("DROP VIEW temp.v; CREATE TEMP VIEW v AS SELECT 2 AS x")
        .unwrap();
    assert_retired(&factory, &mut db, "temporary");

    let mut db = factory.create().unwrap();
    db.execute_batch("DROP VIEW temp.v; DROP TABLE temp.scratch")
        .unwrap();
    assert_retired(&factory, &mut db, "temporary");

    let mut db = factory.create().unwrap();
    db.execute_batch("DETACH archive").unwrap();
    assert_retired(&factory, &mut db, "attached by on_connect");

    let mut db = factory.create().unwrap();
    db.execute_batch("DETACH archive; ATTACH ':memory:' AS archive")
        .unwrap();
    assert_retired(&factory, &mut db, "attached by on_connect");
}

#[test]
fn a_statement_that_was_leaked_half_read_makes_the_connection_broken() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    db.execute_batch("INSERT INTO t VALUES (1), (2)").unwrap();
    assert!(!factory.is_broken(&db));

    let statement = Box::leak(Box::new(db.prepare("SELECT x FROM t").unwrap()));
    let mut rows = statement.query([]).unwrap();
    rows.next().unwrap().unwrap();
    std::mem::forget(rows);
    assert!(factory.is_broken(&db));
    let _ = factory.recycle(&mut db); // must not panic or hang
}

#[test]
fn recycling_does_not_wait_for_a_lock() {
    let dir = tempfile::tempdir().unwrap();
    let factory = Sqlite::open(dir.path().join("app.db")).journal_mode(JournalMode::Delete);
    let mut db = factory.create().unwrap();
    db.execute_batch("CREATE TABLE t (x)").unwrap();
    let holder = factory.create().unwrap();

    // Rolling back a change of the schema makes SQLite forget the schema; then another writer
    // locks the file, and reading the schema again would have to wait.
    db.execute_batch("BEGIN; CREATE TABLE u (x); ROLLBACK")
        .unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    let _ = factory.recycle(&mut db);
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn prepared_statements_survive_on_purpose() {
    let (factory, _dir) = fixture();
    let mut db = factory.create().unwrap();
    for n in 0..3 {
        db.prepare_cached("INSERT INTO t VALUES (?1)")
            .unwrap()
            .execute([n])
            .unwrap();
        factory.recycle(&mut db).unwrap();
    }
}

#[test]
fn a_connection_that_no_factory_made_is_refused() {
    let factory = Sqlite::memory("a_connection_that_no_factory_made");
    let mut stray = Connection::open_in_memory().unwrap();
    let error = factory.recycle(&mut stray).unwrap_err();
    assert!(matches!(error, Error::SqliteFailure(..)), "{error}");
}
