//! Opening: what a new connection is like, what cannot be opened, and what is said then.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use nebula_resource_core::BlockingFactory;
use nebula_resource_sqlite::rusqlite::{Connection, ErrorCode};
use nebula_resource_sqlite::{JournalMode, Sqlite, SqliteConfig};

fn number(db: &Connection, pragma: &str) -> i64 {
    db.pragma_query_value(None, pragma, |row| row.get(0))
        .unwrap()
}

fn journal(db: &Connection) -> String {
    db.pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap()
}

#[test]
fn the_defaults_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let db = Sqlite::open(dir.path().join("app.db")).create().unwrap();
    assert_eq!(journal(&db), "wal");
    assert_eq!(number(&db, "synchronous"), 1);
    assert_eq!(number(&db, "foreign_keys"), 1);
    assert_eq!(number(&db, "busy_timeout"), 5000);
}

#[test]
fn a_file_that_cannot_be_opened_is_a_clean_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no such directory").join("app.db");
    let directory = dir.path().to_path_buf();
    for path in [missing, directory] {
        let error = Sqlite::open(&path).create().unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen));
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
    let error = Sqlite::open("nul\0byte").create().unwrap_err();
    assert!(error.to_string().contains("nul"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_a_clean_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(
        &path,
        "not a database, but long enough to look at".repeat(50),
    )
    .unwrap();
    let error = Sqlite::open(path).create().unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase));
}

#[test]
fn names_that_would_give_every_connection_its_own_database_are_refused() {
    for name in [":memory:", "", "file::memory:", "file:app.db?mode=memory"] {
        let error = Sqlite::open(name).create().unwrap_err();
        assert_eq!(
            error.sqlite_error_code(),
            Some(ErrorCode::CannotOpen),
            "{name}"
        );
        assert!(error.to_string().contains("Sqlite::memory"), "{error}");
    }
    assert!(!Path::new("file:app.db?mode=memory").exists());
}

#[test]
fn read_only_connections_read_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.db");
    let error = Sqlite::open(&path).read_only().create().unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen));

    let writer = Sqlite::open(&path).create().unwrap();
    writer.execute_batch("CREATE TABLE t (x)").unwrap();
    let factory = Sqlite::open(&path).read_only();
    let mut reader = factory.create().unwrap();
    let error = reader
        .execute_batch("INSERT INTO t VALUES (1)")
        .unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly));

    // The journal is not ours: somebody else may change it without costing us the connection.
    drop(reader);
    writer
        .execute_batch("PRAGMA journal_mode = DELETE")
        .unwrap();
    reader = factory.create().unwrap();
    factory.recycle(&mut reader).unwrap();
}

#[test]
fn a_journal_mode_that_cannot_be_had_is_an_error() {
    let factory = Sqlite::memory("no_wal_in_memory").journal_mode(JournalMode::Wal);
    let error = factory.create().unwrap_err();
    assert!(error.to_string().contains("`wal` cannot be had"), "{error}");
}

#[test]
fn many_first_connections_to_a_new_file_all_succeed() {
    const CALLERS: usize = 8;
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let factory =
            Sqlite::open(dir.path().join("app.db")).on_connect("CREATE TABLE IF NOT EXISTS t (x)");
        let start = Barrier::new(CALLERS);
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    start.wait();
                    let mut db = factory.create().unwrap();
                    factory.recycle(&mut db).unwrap();
                });
            }
        });
    }
}

#[test]
fn a_database_in_memory_is_shared_and_outlives_its_connections() {
    let factory = Sqlite::memory("shared, with ?#%20 in its name");
    factory
        .create()
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    // No connection is left; a second factory finds the same database under the same name.
    let other = Sqlite::memory("shared, with ?#%20 in its name");
    other
        .create()
        .unwrap()
        .execute_batch("INSERT INTO t VALUES (1)")
        .unwrap();
    let reader = Sqlite::memory("shared, with ?#%20 in its name")
        .read_only()
        .create()
        .unwrap();
    let rows: i64 = reader
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
    reader
        .execute_batch("INSERT INTO t VALUES (2)")
        .unwrap_err();

    drop((factory, other, reader));
    let fresh = Sqlite::memory("shared, with ?#%20 in its name")
        .create()
        .unwrap();
    fresh.prepare("SELECT * FROM t").unwrap_err();
}

#[test]
#[cfg(unix)]
fn validate_notices_that_the_file_was_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.db");
    let factory = Sqlite::open(&path);
    let mut db = factory.create().unwrap();
    factory.validate(&mut db).unwrap();

    std::fs::rename(&path, dir.path().join("old.db")).unwrap();
    let error = factory.validate(&mut db).unwrap_err();
    assert!(error.to_string().contains("moved or deleted"), "{error}");
    factory.create().unwrap(); // the next one sees the new file

    let memory = Sqlite::memory("has no file to lose");
    let mut db = memory.create().unwrap();
    memory.validate(&mut db).unwrap();
}

#[test]
fn validate_does_not_wait_for_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let factory = Sqlite::open(dir.path().join("app.db")).journal_mode(JournalMode::Delete);
    let mut db = factory.create().unwrap();
    let writer = factory.create().unwrap();
    writer
        .execute_batch("CREATE TABLE t (x); BEGIN EXCLUSIVE")
        .unwrap();
    factory.validate(&mut db).unwrap();
}

#[test]
fn config_from_a_file() {
    let config: SqliteConfig = toml::from_str(
        r#"
        database = { file = "app.db" }
        busy_timeout = "250ms"
        journal_mode = "truncate"
        synchronous = "extra"
        foreign_keys = false
        read_only = true
        on_connect = "PRAGMA cache_size = 1"
        "#,
    )
    .unwrap();
    assert_eq!(config.busy_timeout, Duration::from_millis(250));
    assert_eq!(config.journal_mode, Some(JournalMode::Truncate));
    assert!(config.read_only && !config.foreign_keys);

    for bad in [
        r#"database = { memory = "x" }
           busy_time = "1s""#,
        r#"database = { tape = "x" }"#,
        r#"database = "app.db""#,
        r#"database = { memory = "x" }
           journal_mode = "off""#,
        r#"busy_timeout = "1s""#,
    ] {
        toml::from_str::<SqliteConfig>(bad).unwrap_err();
    }
}

#[test]
fn an_absurd_busy_timeout_is_cut_not_a_panic() {
    let factory = Sqlite::memory("absurd timeout").busy_timeout(Duration::MAX);
    let db = factory.create().unwrap();
    assert_eq!(number(&db, "busy_timeout"), i64::from(i32::MAX));
}
