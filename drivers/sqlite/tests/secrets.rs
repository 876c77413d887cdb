//! No output shows what `on_connect` holds: it is where a key would stand (fault row 24).

use std::error::Error as _;

use nebula_resource_core::BlockingFactory;
use nebula_resource_sqlite::rusqlite::Error;
use nebula_resource_sqlite::{Database, Sqlite, SqliteConfig};

const CANARY: &str = "canary-7f3a";

fn everything(error: &Error) -> String {
    let mut all = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        all += &format!(" {inner} {inner:?}");
        source = inner.source();
    }
    all
}

#[test]
fn fault_24_secrets_in_debug() {
    let mut config = SqliteConfig::new(Database::Memory("fault_24".into()));
    config.on_connect = Some(format!("PRAGMA key = '{CANARY}'"));
    assert!(!format!("{config:?} {config:#?}").contains(CANARY));

    let factory = Sqlite::from(config);
    factory.create().unwrap(); // an unknown pragma is no error in SQLite
    assert!(!format!("{factory:?} {factory:#?}").contains(CANARY));
}

#[test]
fn fault_24_secrets_in_errors_of_on_connect() {
    for sql in [
        format!("PRAGMA key = {CANARY}"),  // the quotes were forgotten
        format!("PRAGMA key = '{CANARY}"), // one of them was
        format!("SELECT '{CANARY}' FRO t"),
        format!("SELECT * FROM \"{CANARY}\""),
        format!("SELECT json('{CANARY}')"),
        format!(
            "CREATE TEMP TABLE t (x CHECK (x <> '{CANARY}')); INSERT INTO t VALUES ('{CANARY}')"
        ),
    ] {
        let error = Sqlite::memory("fault_24")
            .on_connect(&sql)
            .create()
            .unwrap_err();
        let shown = everything(&error);
        assert!(!shown.contains("canary"), "{sql}: {shown}");
        assert!(shown.contains("on_connect failed"), "{shown}");
    }
}

#[test]
fn fault_24_secrets_in_errors_of_init() {
    let factory =
        Sqlite::memory("fault_24").init(|db| db.execute_batch(&format!("PRAGMA key = '{CANARY}")));
    let shown = everything(&factory.create().unwrap_err());
    assert!(!shown.contains("canary"), "{shown}");
}
