//! PostgreSQL as a resource of a manager.
//!
//! Decides nothing: a connection is looked after by the factory that made it, as in a bare pool.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use nebula_resource::{CreateContext, Resource, ResourceConfig, ValidationError};
use nebula_resource_core::{Factory, RetireReason};

use crate::client::PgClient;
use crate::error::PostgresError;
use crate::factory::Postgres;
use crate::settings::PostgresConfig;

/// A PostgreSQL server, for a manager: what a [`Postgres`] factory is for a bare pool.
///
/// Connections run on tokio: the manager has to find it (feature `tokio` of `nebula-resource`, on by
/// default), or be given it.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource::{BoxError, Context, Manager, Scope};
/// use nebula_resource_postgres::{PostgresConfig, PostgresResource};
///
/// # async fn example() -> Result<(), BoxError> {
/// let manager = Manager::new();
/// let config = PostgresConfig::new("postgres://app:secret@localhost/app");
/// manager.register("main_db", PostgresResource, config).await?;
///
/// let nobody = Context::new(Scope::GLOBAL);
/// let db = manager.acquire::<PostgresResource>("main_db", &nobody).await?;
/// let row = db.query_one("SELECT 1 + $1::int", &[&41]).await?;
/// assert_eq!(row.get::<_, i32>(0), 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresResource;

/// A [`PgClient`] of a [`PostgresResource`].
pub struct PostgresConnection {
    client: PgClient,
    factory: Arc<Postgres>,
}

/// A URL that cannot be used is refused, with a reason that does not repeat it.
impl ResourceConfig for PostgresConfig {
    fn validate(&self) -> Result<(), ValidationError> {
        match Postgres::try_from(self.clone()) {
            Ok(_) => Ok(()),
            Err(error) => Err(ValidationError::new("url", "a connection string", error)),
        }
    }
}

impl Resource for PostgresResource {
    type Config = PostgresConfig;
    type Instance = PostgresConnection;
    type Error = PostgresError;

    async fn create(
        &self,
        config: &PostgresConfig,
        context: &CreateContext,
    ) -> Result<PostgresConnection, PostgresError> {
        // One for all of a pool.
        let factory = context.try_common(|| Postgres::try_from(config.clone()))?;
        let client = factory.create().await?;
        Ok(PostgresConnection { client, factory })
    }

    async fn is_valid(&self, db: &mut PostgresConnection) -> Result<(), PostgresError> {
        db.factory.validate(&mut db.client).await
    }

    async fn recycle(&self, db: &mut PostgresConnection) -> Result<(), PostgresError> {
        db.factory.recycle(&mut db.client).await
    }

    async fn cleanup(&self, db: PostgresConnection, why: RetireReason) {
        db.factory.destroy(db.client, why).await;
    }

    fn is_broken(&self, db: &PostgresConnection) -> bool {
        db.factory.is_broken(&db.client)
    }
}

impl Deref for PostgresConnection {
    type Target = PgClient;

    fn deref(&self) -> &PgClient {
        &self.client
    }
}

impl DerefMut for PostgresConnection {
    fn deref_mut(&mut self) -> &mut PgClient {
        &mut self.client
    }
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection").finish_non_exhaustive()
    }
}
