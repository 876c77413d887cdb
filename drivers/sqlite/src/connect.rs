//! Opens a connection and makes it what the configuration says, or says why it could not.
//!
//! Decides which of SQLite's special names are refused, and how long the change of the journal
//! mode is tried. Knows nothing of sessions and callers.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Error, OpenFlags, Result, ffi};

use crate::config::{Database, JournalMode, SqliteConfig};

/// The longest busy timeout that SQLite can be told (24 days, in milliseconds of 31 bits).
const LONGEST_PATIENCE: Duration = Duration::from_millis(i32::MAX as u64);

/// How long to wait before the journal mode is tried again.
const JOURNAL_RETRY: Duration = Duration::from_millis(2);

/// A connection with every setting applied, `on_connect` excepted.
pub(crate) fn connect(config: &SqliteConfig) -> Result<Connection> {
    let connection = open(config)?;
    // First of all: the settings that follow may have to wait for a lock.
    connection.busy_timeout(patience(config))?;
    if let Some(mode) = config.wanted_journal() {
        set_journal_mode(&connection, mode, patience(config))?;
    }
    connection.pragma_update(None, "synchronous", config.wanted_synchronous().word())?;
    connection.pragma_update(None, "foreign_keys", config.foreign_keys)?;
    Ok(connection)
}

/// The busy timeout, cut to what SQLite can be told.
pub(crate) fn patience(config: &SqliteConfig) -> Duration {
    config.busy_timeout.min(LONGEST_PATIENCE)
}

/// A connection whose only purpose is that the database in memory lives as long as it does.
pub(crate) fn anchor(name: &str) -> Result<Connection> {
    open_memory(name, writable())
}

/// An error of our own making, in SQLite's words.
pub(crate) fn failure(code: i32, message: impl Into<String>) -> Error {
    Error::SqliteFailure(ffi::Error::new(code), Some(message.into()))
}

fn open(config: &SqliteConfig) -> Result<Connection> {
    let flags = if config.read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        writable()
    };
    match &config.database {
        Database::File(path) => open_file(path, flags),
        Database::Memory(name) => open_memory(name, flags),
    }
}

/// Whether SQLite takes this for something else than the path of a file. The bundled one takes
/// `file:…` for a URI whatever the flags say.
pub(crate) fn is_special(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.is_empty() || name == ":memory:" || name.starts_with("file:")
}

fn open_file(path: &Path, flags: OpenFlags) -> Result<Connection> {
    if is_special(path) {
        let name = path.display();
        return Err(failure(
            ffi::SQLITE_CANTOPEN,
            format!("`{name}` is not the path of a file; Sqlite::memory makes a shared database"),
        ));
    }
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// SQLite's `memdb` file system, not `cache=shared`: with a shared cache a writer that meets
/// another fails at once, whatever its busy timeout (642 of 800 writes of 8 threads; here none).
fn open_memory(name: &str, flags: OpenFlags) -> Result<Connection> {
    // Only names with a leading slash are shared between connections.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags_and_vfs(format!("/{name}"), flags, "memdb")
}

fn writable() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
}

/// Connections that switch a new file to a write-ahead log at the same moment are refused at
/// once, busy timeout or not; so the waiting is done here.
fn set_journal_mode(connection: &Connection, mode: JournalMode, patience: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let word = mode.word();
        let answer = connection
            .pragma_update_and_check(None, "journal_mode", word, |row| row.get::<_, String>(0));
        match answer {
            Ok(now) if now.eq_ignore_ascii_case(word) => return Ok(()),
            Ok(now) => return Err(journal_refused(word, &now)),
            Err(error) if is_busy(&error) && start.elapsed() < patience => {
                thread::sleep(JOURNAL_RETRY);
            }
            Err(error) => return Err(error),
        }
    }
}

fn journal_refused(wanted: &str, now: &str) -> Error {
    let message = format!("journal mode `{wanted}` cannot be had here; it stays `{now}`");
    failure(ffi::SQLITE_MISUSE, message)
}

fn is_busy(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ffi::ErrorCode::DatabaseBusy)
}
