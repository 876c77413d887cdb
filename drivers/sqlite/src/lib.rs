//! SQLite connections for `nebula-resource`: [`SqliteResource`] for a manager, and for a bare pool
//! [`Sqlite`], a [`BlockingFactory`] whose objects are [`rusqlite::Connection`]s.
//!
//! Decides how a connection is opened ([`SqliteConfig`]), and what is undone between two callers
//! of the same connection ([`Sqlite`] lists it). Knows nothing of pools, threads or waiting, and
//! nothing of what is stored in the database.
//!
//! # Examples
//!
//! ```
//! use nebula_resource_core::BlockingFactory;
//! use nebula_resource_sqlite::Sqlite;
//!
//! # fn main() -> Result<(), nebula_resource_sqlite::rusqlite::Error> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("app.db");
//! let factory = Sqlite::open(path).on_connect("CREATE TABLE IF NOT EXISTS notes (text)");
//!
//! let mut db = factory.create()?; // a pool does this, and the rest
//! db.execute("INSERT INTO notes VALUES ('kept')", [])?;
//!
//! db.execute_batch("BEGIN; INSERT INTO notes VALUES ('never committed')")?;
//! factory.recycle(&mut db)?; // between two callers
//!
//! let notes: i64 = db.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))?;
//! assert_eq!(notes, 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`BlockingFactory`]: nebula_resource_core::BlockingFactory

mod config;
mod connect;
mod factory;
mod resource;
mod session;

pub use config::{Database, JournalMode, SqliteConfig, Synchronous};
pub use factory::Sqlite;
pub use resource::{SqliteConnection, SqliteResource};
pub use rusqlite;
