//! The factory: makes connections to one database and keeps them fit for one caller after
//! another.
//!
//! Decides what happens at each step of a connection's life, and what an error may tell about
//! `on_connect`. Knows nothing of pools and threads.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use nebula_resource_core::BlockingFactory;
use rusqlite::{Connection, Error, Result, ffi};

use crate::config::{Database, Hidden, JournalMode, SqliteConfig, Synchronous};
use crate::connect::{anchor, connect, failure, patience};
use crate::session::{Snapshot, clear_hooks};

type Init = Box<dyn Fn(&mut Connection) -> Result<()> + Send + Sync>;

/// Makes connections to one SQLite database, for a pool.
///
/// Making the factory opens nothing and cannot fail; the first connection tells whether the
/// database can be had.
///
/// # What is reset between two callers
///
/// | left behind | what happens |
/// |---|---|
/// | open transaction, savepoints | rolled back |
/// | `ATTACH`ed databases | detached |
/// | busy timeout, busy handler | set back |
/// | `foreign_keys`, `query_only`, `synchronous`, `cache_size` and nine pragmas more | set back |
/// | `locking_mode`, `journal_mode` | connection retired |
/// | temporary tables, views, triggers | connection retired |
/// | a statement that is still running (its `Rows` were leaked) | connection retired |
/// | commit, rollback, update, progress, authorizer, write-ahead log hooks | removed, unless [`init`](Self::init) is used, which may have set them |
///
/// Clean is what the first connection looked like after `on_connect`, so what `on_connect`
/// attaches, sets or creates stays; it must do the same to every connection. What SQLite does
/// not show stays too: functions and collations registered by a caller, prepared statements (by
/// intention: they are why one pools), `case_sensitive_like`, and `last_insert_rowid()`. Who changes
/// those should take the connection out of the pool.
///
/// # Blocking
///
/// Creating waits for other connections' locks up to the busy timeout. Recycling never waits for a
/// lock. A clean connection takes about 10 µs, an abandoned transaction or an attached file
/// whatever undoing or closing it takes.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use nebula_resource_sqlite::Sqlite;
///
/// let factory = Sqlite::open("app.db")
///     .busy_timeout(Duration::from_secs(2))
///     .on_connect("PRAGMA cache_size = -65536");
/// ```
pub struct Sqlite {
    config: SqliteConfig,
    init: Option<Init>,
    /// Set by the first connection that was opened, never again.
    clean: OnceLock<Snapshot>,
    /// Keeps a database in memory alive while the pool has no connection to it.
    anchor: Mutex<Option<Connection>>,
}

impl Sqlite {
    /// Connections to a file, which is created if it is missing.
    ///
    /// Defaults: write-ahead log, `synchronous = normal`, foreign keys enforced, busy timeout
    /// 5 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// let factory = Sqlite::open("app.db");
    /// ```
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self::from(SqliteConfig::new(Database::File(path.into())))
    }

    /// Connections to a database in memory, which lives as long as the factory or any of its
    /// connections.
    ///
    /// Every factory of this process that gives the same name shares the database. There is one
    /// writer at a time, and it waits for the readers: start a transaction that will write with
    /// `BEGIN IMMEDIATE`, so that the busy timeout holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_core::BlockingFactory;
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// # fn main() -> Result<(), nebula_resource_sqlite::rusqlite::Error> {
    /// let factory = Sqlite::memory("doc-example");
    /// factory.create()?.execute_batch("CREATE TABLE seen_by_all (x)")?;
    /// factory.create()?.execute_batch("INSERT INTO seen_by_all VALUES (1)")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory(name: impl Into<String>) -> Self {
        Self::from(SqliteConfig::new(Database::Memory(name.into())))
    }

    /// How long a statement waits for another connection's lock; see
    /// [`SqliteConfig::busy_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// let factory = Sqlite::open("app.db").busy_timeout(Duration::from_millis(200));
    /// ```
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.config.busy_timeout = timeout;
        self
    }

    /// The journal mode; see [`SqliteConfig::journal_mode`].
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::{JournalMode, Sqlite};
    ///
    /// let factory = Sqlite::open("app.db").journal_mode(JournalMode::Truncate);
    /// ```
    #[must_use]
    pub fn journal_mode(mut self, mode: JournalMode) -> Self {
        self.config.journal_mode = Some(mode);
        self
    }

    /// How often to wait for the disk; see [`SqliteConfig::synchronous`].
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::{Sqlite, Synchronous};
    ///
    /// let factory = Sqlite::open("app.db").synchronous(Synchronous::Full);
    /// ```
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.config.synchronous = Some(synchronous);
        self
    }

    /// Whether foreign keys are enforced; they are by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// let factory = Sqlite::open("legacy.db").foreign_keys(false);
    /// ```
    #[must_use]
    pub fn foreign_keys(mut self, enforced: bool) -> Self {
        self.config.foreign_keys = enforced;
        self
    }

    /// Connections that can only read; the file has to exist.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// let reports = Sqlite::open("app.db").read_only();
    /// ```
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.config.read_only = true;
        self
    }

    /// SQL that every new connection runs once, after the settings. A second call replaces the
    /// first.
    ///
    /// Neither `Debug` nor an error shows its text. A temporary table made here keeps its rows
    /// from caller to caller.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// let factory = Sqlite::open("app.db").on_connect("ATTACH 'archive.db' AS archive");
    /// ```
    #[must_use]
    pub fn on_connect(mut self, sql: impl Into<String>) -> Self {
        self.config.on_connect = Some(sql.into());
        self
    }

    /// Code that every new connection is passed to once, after the settings and `on_connect`:
    /// the place for functions, collations and hooks. A second call replaces the first.
    ///
    /// With it, hooks are taken to be its own and are not removed between callers.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::Sqlite;
    ///
    /// let factory = Sqlite::open("app.db").init(|connection| {
    ///     connection.set_prepared_statement_cache_capacity(64);
    ///     Ok(())
    /// });
    /// ```
    #[must_use]
    pub fn init(
        mut self,
        init: impl Fn(&mut Connection) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.init = Some(Box::new(init));
        self
    }

    fn keep_memory_alive(&self) -> Result<()> {
        if let Database::Memory(name) = &self.config.database {
            let mut held = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
            if held.is_none() {
                *held = Some(anchor(name)?);
            }
        }
        Ok(())
    }

    fn run_on_connect(&self, connection: &mut Connection) -> Result<()> {
        if let Some(sql) = &self.config.on_connect {
            connection.execute_batch(sql).map_err(without_text)?;
        }
        if let Some(init) = &self.init {
            init(connection).map_err(without_sql)?;
        }
        Ok(())
    }
}

impl From<SqliteConfig> for Sqlite {
    fn from(config: SqliteConfig) -> Self {
        Self {
            config,
            init: None,
            clean: OnceLock::new(),
            anchor: Mutex::new(None),
        }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("config", &self.config)
            .field("init", &self.init.as_ref().map(|_| Hidden))
            .finish_non_exhaustive()
    }
}

impl BlockingFactory for Sqlite {
    type Object = Connection;
    type Error = Error;

    fn create(&self) -> Result<Connection> {
        self.keep_memory_alive()?;
        let mut connection = connect(&self.config)?;
        self.run_on_connect(&mut connection)?;
        if self.clean.get().is_none() {
            // Of two first connections either will do: they were made alike.
            let _ = self.clean.set(Snapshot::of(&connection)?);
        }
        Ok(connection)
    }

    /// Proves that the connection answers and, on Unix, that its file is still the one under
    /// that path. It reads no page, so it takes no lock and does not wait for a writer.
    fn validate(&self, connection: &mut Connection) -> Result<()> {
        connection.query_row("SELECT 1", [], |_| Ok(()))?;
        check_file(connection)
    }

    fn recycle(&self, connection: &mut Connection) -> Result<()> {
        if self.init.is_none() {
            clear_hooks(connection)?;
        }
        // Should a step find the file locked, it fails and the connection is retired: this may
        // run on the next caller's thread, which has better things to wait for.
        connection.busy_timeout(Duration::ZERO)?;
        match self.clean.get() {
            Some(clean) => clean.restore(connection)?,
            None => {
                return Err(failure(
                    ffi::SQLITE_MISUSE,
                    "not a connection of this factory",
                ));
            }
        }
        connection.busy_timeout(patience(&self.config))
    }

    /// `false`: it works on this process's memory and waits for nobody. Two thread switches would
    /// cost more than all of it. The exception is what an earlier caller left undone: undoing a
    /// large transaction, or closing a file that was attached, takes the time that takes.
    fn recycle_blocks(&self) -> bool {
        false
    }

    /// Whether the connection still holds locks: a transaction left open, which would keep writers
    /// out for as long as the connection lies idle, or a statement still running, which only
    /// happens if its `Rows` were leaked, pins its snapshot, and cannot be stopped.
    fn is_broken(&self, connection: &Connection) -> bool {
        connection.is_busy() || !connection.is_autocommit()
    }
}

/// An idle connection to a file that was replaced (by a restored backup, say) would go on reading
/// and writing the old one, which nobody else can see.
#[cfg(unix)]
fn check_file(connection: &Connection) -> Result<()> {
    let mut moved = 0;
    // A database in memory has no file, and answers with an error.
    let asked = connection.file_control(Some("main"), rusqlite::FileControl::HasMoved(&mut moved));
    if asked.is_ok() && moved != 0 {
        return Err(failure(
            ffi::SQLITE_READONLY_DBMOVED,
            "the database file was moved or deleted",
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_file(_: &Connection) -> Result<()> {
    Ok(())
}

/// `on_connect` may hold a key, and SQLite's messages quote what they stumble over.
fn without_text(error: Error) -> Error {
    match error {
        Error::SqliteFailure(error, Some(_)) => {
            Error::SqliteFailure(error, Some(format!("on_connect failed: {error}")))
        }
        other => without_sql(other),
    }
}

fn without_sql(error: Error) -> Error {
    match error {
        Error::SqlInputError { error, offset, .. } => {
            let message = format!("on_connect failed at byte {offset} of a statement: {error}");
            Error::SqliteFailure(error, Some(message))
        }
        other => other,
    }
}
