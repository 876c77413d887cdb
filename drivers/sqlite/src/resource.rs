//! SQLite as a resource of a manager.
//!
//! Decides nothing: a connection is looked after by the factory that made it, as in a bare pool.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use nebula_resource::{BlockingResource, CreateContext, ResourceConfig, ValidationError};
use nebula_resource_core::BlockingFactory;
use rusqlite::Connection;

use crate::config::{Database, SqliteConfig};
use crate::connect::is_special;
use crate::factory::Sqlite;

/// A SQLite database, for a manager: what a [`Sqlite`] factory is for a bare pool.
///
/// # Examples
///
/// ```
/// use nebula_resource::{Context, Manager, Scope};
/// use nebula_resource_sqlite::{Database, SqliteConfig, SqliteResource};
///
/// let manager = Manager::new();
/// let config = SqliteConfig::new(Database::Memory("orders".into()));
/// manager.register_blocking("main_db", SqliteResource, config)?;
///
/// let nobody = Context::new(Scope::GLOBAL);
/// let db = manager.acquire_blocking::<SqliteResource>("main_db", &nobody)?;
/// db.execute_batch("CREATE TABLE orders (item TEXT)")?;
/// # Ok::<(), nebula_resource::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SqliteResource;

/// A [`rusqlite::Connection`] of a [`SqliteResource`].
pub struct SqliteConnection {
    connection: Connection,
    factory: Arc<Sqlite>,
}

impl ResourceConfig for SqliteConfig {
    fn validate(&self) -> Result<(), ValidationError> {
        match &self.database {
            Database::File(path) if is_special(path) => {
                let must = "the path of a file";
                Err(ValidationError::new("database.file", must, path.display()))
            }
            _ => Ok(()),
        }
    }
}

impl BlockingResource for SqliteResource {
    type Config = SqliteConfig;
    type Instance = SqliteConnection;
    type Error = rusqlite::Error;

    fn create(
        &self,
        config: &SqliteConfig,
        context: &CreateContext,
    ) -> rusqlite::Result<SqliteConnection> {
        // One for all of a pool: it remembers what a clean connection looks like.
        let factory = context.common(|| Sqlite::from(config.clone()));
        let connection = factory.create()?;
        Ok(SqliteConnection {
            connection,
            factory,
        })
    }

    fn is_valid(&self, db: &mut SqliteConnection) -> rusqlite::Result<()> {
        db.factory.validate(&mut db.connection)
    }

    fn recycle(&self, db: &mut SqliteConnection) -> rusqlite::Result<()> {
        db.factory.recycle(&mut db.connection)
    }

    fn is_broken(&self, db: &SqliteConnection) -> bool {
        db.factory.is_broken(&db.connection)
    }
}

impl Deref for SqliteConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for SqliteConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnection").finish_non_exhaustive()
    }
}
