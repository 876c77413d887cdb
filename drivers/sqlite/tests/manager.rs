//! A database behind a manager: reset between callers as in a bare pool, shared in memory for as
//! long as its pool, refused with a field where the configuration makes no sense.

use nebula_resource::manager::RegisterError;
use nebula_resource::{BoxError, Context, ManagedGuard, Manager, RetireReason, Scope};
use nebula_resource_sqlite::{Database, SqliteConfig, SqliteResource};

static NOBODY: Context = Context::new(Scope::GLOBAL);

type Outcome = Result<(), BoxError>;

fn memory(name: &str) -> SqliteConfig {
    SqliteConfig::new(Database::Memory(name.to_owned()))
}

fn acquire(manager: &Manager) -> Result<ManagedGuard<'static, SqliteResource>, BoxError> {
    Ok(manager.acquire_blocking::<SqliteResource>("main_db", &NOBODY)?)
}

fn count(manager: &Manager) -> Result<i64, BoxError> {
    let count = "SELECT count(*) FROM notes";
    Ok(acquire(manager)?.query_row(count, [], |row| row.get(0))?)
}

#[test]
fn nobody_is_in_another_callers_transaction() -> Outcome {
    let manager = Manager::new();
    let mut config = memory("manager-transaction");
    config.on_connect = Some("CREATE TABLE IF NOT EXISTS notes (text)".to_owned());
    let registration = manager.register("main_db", SqliteResource, config);
    let registration = registration.configure_pool(|pool| pool.max_size = 1);
    let handle = registration.wait()?;

    let db = acquire(&manager)?;
    db.execute("INSERT INTO notes VALUES ('kept')", [])?;
    db.execute_batch("PRAGMA foreign_keys = OFF; ATTACH ':memory:' AS mine")?;
    drop(db);
    let db = acquire(&manager)?;
    let enforced: bool = db.query_row("PRAGMA foreign_keys", [], |row| row.get(0))?;
    assert!(enforced);
    assert!(db.execute_batch("CREATE TABLE mine.secret (x)").is_err());
    assert_eq!(db.info().uses, 2, "the same connection");
    db.execute_batch("BEGIN; DELETE FROM notes")?;
    drop(db);
    let broken = handle.stats().retired_for(RetireReason::Broken);
    assert_eq!(broken, 1, "it would have kept writers out");
    assert_eq!(count(&manager)?, 1);
    Ok(())
}

#[test]
fn a_database_in_memory_lives_as_long_as_its_pool() -> Outcome {
    let manager = Manager::new();
    let handle = manager.register_blocking("main_db", SqliteResource, memory("manager-memory"))?;
    acquire(&manager)?.execute_batch("CREATE TABLE notes (text)")?;
    // Every connection goes; the database stays, for the factory is the pool's.
    handle.reconfigure_pool(|pool| pool.max_uses = Some(1))?;
    acquire(&manager)?.execute("INSERT INTO notes VALUES ('kept')", [])?;
    acquire(&manager)?.execute("INSERT INTO notes VALUES ('too')", [])?;
    assert_eq!(count(&manager)?, 2);

    let report = manager.shutdown().wait();
    assert!(report.is_clean(), "{report}");
    Ok(())
}

#[test]
fn another_file_takes_its_place_while_it_is_in_use() -> Outcome {
    let dir = tempfile::tempdir()?;
    let file = |name: &str| SqliteConfig::new(Database::File(dir.path().join(name)));
    let manager = Manager::new();
    manager.register_blocking("main_db", SqliteResource, file("old.db"))?;
    let old = acquire(&manager)?;
    old.execute_batch("CREATE TABLE notes (text)")?;

    let reloaded = manager.reload_config("main_db", file("new.db")).wait()?;
    assert_eq!(reloaded.generation, 2);
    assert!(count(&manager).is_err(), "the new one is empty");
    old.execute("INSERT INTO notes VALUES ('still there')", [])?;
    drop(old);
    reloaded.old.wait();
    Ok(())
}

#[test]
fn what_is_not_the_path_of_a_file_is_refused_before_anything_is_opened() {
    let manager = Manager::new();
    for name in ["", ":memory:", "file:app.db?mode=memory"] {
        let config = SqliteConfig::new(Database::File(name.into()));
        let refused = manager.register_blocking("main_db", SqliteResource, config);
        let Err(RegisterError::Invalid { source, .. }) = refused else {
            panic!("{name:?} was taken for a file");
        };
        assert_eq!(source.field, "database.file");
    }
}

#[test]
fn nothing_shows_what_is_run_on_connecting() -> Outcome {
    let manager = Manager::new();
    let mut config = memory("manager-secrets");
    config.on_connect = Some("SELECT 'CANARY-7f3' FROM".to_owned());
    manager.register_blocking("main_db", SqliteResource, config)?;
    let refused = acquire(&manager).err().ok_or("that is no SQL")?;
    assert!(
        refused.to_string().contains("on_connect failed"),
        "{refused}"
    );
    let told = format!("{refused} {refused:?} {manager:?} {}", manager.status());
    assert!(!told.contains("CANARY"), "{told}");
    Ok(())
}
