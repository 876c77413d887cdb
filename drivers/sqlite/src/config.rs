//! What can be said about a SQLite database in a configuration file, and the defaults with their
//! reasons.
//!
//! Decides nothing about when a setting is applied; knows nothing of connections.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Which database: a file, or a shared one in memory.
///
/// # Examples
///
/// ```
/// use nebula_resource_sqlite::{Database, SqliteConfig};
///
/// let config: SqliteConfig = toml::from_str(r#"database = { memory = "scratch" }"#).unwrap();
/// assert_eq!(config.database, Database::Memory("scratch".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Database {
    /// A file, created if it is missing (unless the connections are read-only).
    ///
    /// A path and nothing else: SQLite's special names (`:memory:`, the empty name, `file:…`)
    /// are refused, since the first two would give every connection a database of its own.
    File(PathBuf),
    /// A database in memory under this name; see [`Sqlite::memory`](crate::Sqlite::memory).
    Memory(String),
}

/// How SQLite keeps a transaction undoable; see SQLite's own pages on `PRAGMA journal_mode`.
///
/// The modes that can ruin a database when the process dies (`MEMORY`, `OFF`) are not offered.
///
/// # Examples
///
/// ```
/// use nebula_resource_sqlite::{JournalMode, Sqlite};
///
/// // On a network file system, where the shared memory of a write-ahead log does not work.
/// let factory = Sqlite::open("/mnt/share/app.db").journal_mode(JournalMode::Delete);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JournalMode {
    /// A write-ahead log: readers and the writer do not stop each other.
    Wal,
    /// A rollback journal, deleted after each transaction.
    Delete,
    /// A rollback journal, truncated after each transaction.
    Truncate,
    /// A rollback journal, kept with its header overwritten.
    Persist,
}

impl JournalMode {
    /// The word SQLite knows this mode by.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Persist => "persist",
        }
    }
}

/// How often SQLite waits for the disk; see SQLite's own pages on `PRAGMA synchronous`.
///
/// # Examples
///
/// ```
/// use nebula_resource_sqlite::{Sqlite, Synchronous};
///
/// // No committed transaction may be lost to a power cut.
/// let ledger = Sqlite::open("ledger.db").synchronous(Synchronous::Full);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Synchronous {
    /// Never: a power cut may ruin the database.
    Off,
    /// At the critical moments. With a write-ahead log a power cut costs at most the last
    /// transactions, never the database.
    Normal,
    /// At every commit.
    Full,
    /// At every commit, and for the directory of the journal too.
    Extra,
}

impl Synchronous {
    /// The word SQLite knows this setting by.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Normal => "normal",
            Self::Full => "full",
            Self::Extra => "extra",
        }
    }
}

/// Everything about a [`Sqlite`](crate::Sqlite) factory that can stand in a file.
///
/// Unknown fields are refused. `Debug` does not show the text of `on_connect`, which may hold a
/// key.
///
/// # Examples
///
/// ```
/// use nebula_resource_sqlite::{Sqlite, SqliteConfig};
///
/// let config: SqliteConfig = toml::from_str(
///     r#"
///     database = { file = "app.db" }
///     busy_timeout = "2s"
///     "#,
/// )
/// .unwrap();
/// let factory = Sqlite::from(config);
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// Which database.
    pub database: Database,
    /// How long a statement waits for another connection's lock, at most 24 days. Default 5 s.
    #[serde(default = "default_busy_timeout", with = "humantime_serde")]
    pub busy_timeout: Duration,
    /// Default: a write-ahead log for files, whatever SQLite does for memory. Not applied to
    /// read-only connections.
    #[serde(default)]
    pub journal_mode: Option<JournalMode>,
    /// Default: `normal` with a write-ahead log, SQLite's own `full` with any other journal,
    /// where `normal` can ruin the database in a power cut.
    #[serde(default)]
    pub synchronous: Option<Synchronous>,
    /// Whether foreign keys are enforced. Default `true`.
    #[serde(default = "enforced")]
    pub foreign_keys: bool,
    /// Whether connections may only read. Default `false`.
    #[serde(default)]
    pub read_only: bool,
    /// SQL that every new connection runs, after the settings above.
    #[serde(default)]
    pub on_connect: Option<String>,
}

impl SqliteConfig {
    /// The defaults for this database.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_sqlite::{Database, Sqlite, SqliteConfig};
    ///
    /// let mut config = SqliteConfig::new(Database::File("app.db".into()));
    /// config.foreign_keys = false;
    /// let factory = Sqlite::from(config);
    /// ```
    pub fn new(database: Database) -> Self {
        Self {
            database,
            busy_timeout: default_busy_timeout(),
            journal_mode: None,
            synchronous: None,
            foreign_keys: enforced(),
            read_only: false,
            on_connect: None,
        }
    }

    /// The journal mode a new connection sets, if any.
    pub(crate) fn wanted_journal(&self) -> Option<JournalMode> {
        match (&self.database, self.read_only) {
            (_, true) => None,
            (Database::File(_), false) => Some(self.journal_mode.unwrap_or(JournalMode::Wal)),
            (Database::Memory(_), false) => self.journal_mode,
        }
    }

    /// What a new connection sets `synchronous` to.
    pub(crate) fn wanted_synchronous(&self) -> Synchronous {
        let safe = match self.wanted_journal() {
            Some(JournalMode::Wal) => Synchronous::Normal,
            _ => Synchronous::Full,
        };
        self.synchronous.unwrap_or(safe)
    }
}

impl fmt::Debug for SqliteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConfig")
            .field("database", &self.database)
            .field("busy_timeout", &self.busy_timeout)
            .field("journal_mode", &self.journal_mode)
            .field("synchronous", &self.synchronous)
            .field("foreign_keys", &self.foreign_keys)
            .field("read_only", &self.read_only)
            .field("on_connect", &self.on_connect.as_ref().map(|_| Hidden))
            .finish()
    }
}

/// Stands in `Debug` for text that may hold a key.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

const fn default_busy_timeout() -> Duration {
    Duration::from_secs(5)
}

const fn enforced() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::{Database, JournalMode, SqliteConfig, Synchronous};

    #[test]
    fn normal_synchronous_is_only_the_default_where_it_is_safe() {
        let mut config = SqliteConfig::new(Database::File("app.db".into()));
        assert_eq!(config.wanted_synchronous(), Synchronous::Normal);
        config.journal_mode = Some(JournalMode::Truncate);
        assert_eq!(config.wanted_synchronous(), Synchronous::Full);
        config.synchronous = Some(Synchronous::Off);
        assert_eq!(config.wanted_synchronous(), Synchronous::Off);
    }

    #[test]
    fn nobody_changes_the_journal_of_a_database_it_may_only_read() {
        let mut config = SqliteConfig::new(Database::File("app.db".into()));
        config.journal_mode = Some(JournalMode::Delete);
        config.read_only = true;
        assert_eq!(config.wanted_journal(), None);
    }
}
