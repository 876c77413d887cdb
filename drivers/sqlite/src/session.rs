//! What a caller can leave behind on a connection, and how it is undone.
//!
//! Decides which traces are wiped away and which ones condemn the connection. Knows nothing of
//! how connections are opened: clean is what the first one looked like when it was ready.

use rusqlite::hooks::{Action, AuthContext, Authorization};
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Result, ffi};

use crate::connect::failure;

/// What to do about a changed pragma.
#[derive(Clone, Copy, PartialEq)]
enum Repair {
    /// Set it back: a matter of a flag in memory.
    Set,
    /// Give the connection up: setting it back takes locks, or is not sure to work.
    Retire,
}

/// The pragmas that belong to a connection and change what the next caller's statements mean,
/// how safe they are, or what they cost. Reading one takes half a microsecond.
const PRAGMAS: [(&str, Repair); 15] = [
    ("foreign_keys", Repair::Set),
    ("query_only", Repair::Set),
    ("ignore_check_constraints", Repair::Set),
    ("recursive_triggers", Repair::Set),
    ("reverse_unordered_selects", Repair::Set),
    ("writable_schema", Repair::Set),
    ("trusted_schema", Repair::Set),
    ("legacy_alter_table", Repair::Set),
    ("synchronous", Repair::Set),
    ("secure_delete", Repair::Set),
    ("cache_size", Repair::Set),
    ("temp_store", Repair::Set),
    // Also set, to 0, by a write-ahead log callback: setting it back removes the callback.
    ("wal_autocheckpoint", Repair::Set),
    ("locking_mode", Repair::Retire),
    (JOURNAL, Repair::Retire),
];

const JOURNAL: &str = "journal_mode";

/// How a connection looks that nobody has used yet.
pub(crate) struct Snapshot {
    pragmas: Vec<(&'static str, Repair, Value)>,
    /// Name and file of each attached database.
    attached: Vec<(String, String)>,
    temp: TempSchema,
}

/// The temporary schema: its version grows with every change to it.
struct TempSchema {
    version: i64,
    objects: i64,
}

impl Snapshot {
    /// Takes down how this connection looks.
    pub(crate) fn of(connection: &Connection) -> Result<Self> {
        // Another process may change the journal of a database that we only read.
        let read_only = connection.is_readonly("main")?;
        let mut pragmas = Vec::with_capacity(PRAGMAS.len());
        for (name, repair) in PRAGMAS {
            if !(read_only && name == JOURNAL) {
                pragmas.push((name, repair, read(connection, name)?));
            }
        }
        let temp = TempSchema {
            version: temp_version(connection)?,
            objects: temp_objects(connection)?,
        };
        Ok(Self {
            pragmas,
            attached: attached(connection)?,
            temp,
        })
    }

    /// Makes a used connection look like this again, or says why it cannot be done.
    ///
    /// The order matters: nothing can be detached, and some pragmas do nothing, inside a
    /// transaction.
    pub(crate) fn restore(&self, connection: &Connection) -> Result<()> {
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        self.restore_attached(connection)?;
        for (name, repair, clean) in &self.pragmas {
            if read(connection, name)? != *clean {
                restore_pragma(connection, name, *repair, clean)?;
            }
        }
        self.check_temp(connection)
    }

    fn restore_attached(&self, connection: &Connection) -> Result<()> {
        let mut kept = 0;
        for database in attached(connection)? {
            if self.attached.contains(&database) {
                kept += 1;
            } else {
                connection.execute("DETACH DATABASE ?1", [&database.0])?;
            }
        }
        if kept < self.attached.len() {
            return Err(dirty("a database attached by on_connect is gone"));
        }
        Ok(())
    }

    /// Clean is: not changed since the connection was opened, or empty now as it was then.
    /// Temporary objects are not dropped one by one, since which of them `on_connect` made, and
    /// what their rows were, cannot be told.
    fn check_temp(&self, connection: &Connection) -> Result<()> {
        if temp_version(connection)? == self.temp.version {
            return Ok(());
        }
        if self.temp.objects == 0 && temp_objects(connection)? == 0 {
            return Ok(());
        }
        Err(dirty(
            "temporary tables, views or triggers were left behind",
        ))
    }
}

/// Removes the callbacks that a caller may have set.
pub(crate) fn clear_hooks(connection: &mut Connection) -> Result<()> {
    connection.commit_hook(None::<fn() -> bool>)?;
    connection.rollback_hook(None::<fn()>)?;
    connection.update_hook(None::<fn(Action, &str, &str, i64)>)?;
    connection.progress_handler(0, None::<fn() -> bool>)?;
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
}

fn restore_pragma(
    connection: &Connection,
    name: &str,
    repair: Repair,
    clean: &Value,
) -> Result<()> {
    if repair == Repair::Set {
        connection.pragma_update(None, name, clean)?;
        if read(connection, name)? == *clean {
            return Ok(());
        }
    }
    Err(dirty(&format!("PRAGMA {name} was changed")))
}

// Never from the statement cache: SQLite answers a pragma when it is prepared, so a cached one
// would repeat its first answer.
fn read(connection: &Connection, pragma: &str) -> Result<Value> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

fn attached(connection: &Connection) -> Result<Vec<(String, String)>> {
    let mut databases = Vec::new();
    connection.pragma_query(None, "database_list", |row| {
        // 0 is the main database, 1 the temporary one.
        if row.get::<_, i64>(0)? > 1 {
            let file: Option<String> = row.get(2)?;
            databases.push((row.get(1)?, file.unwrap_or_default()));
        }
        Ok(())
    })?;
    Ok(databases)
}

fn temp_version(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(Some("temp"), "schema_version", |row| row.get(0))
}

/// SQLite's own bookkeeping tables do not count: they cannot be dropped.
fn temp_objects(connection: &Connection) -> Result<i64> {
    let sql =
        "SELECT count(*) FROM temp.sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    connection.query_row(sql, [], |row| row.get(0))
}

fn dirty(what: &str) -> Error {
    failure(ffi::SQLITE_MISUSE, format!("dirty session: {what}"))
}
