//! PostgreSQL connections for `nebula-resource`: [`PostgresResource`] for a manager, and for a bare
//! pool [`Postgres`], a [`Factory`] whose objects are [`tokio_postgres::Client`]s with the task that
//! drives them.
//!
//! Decides how a connection is opened, what is undone between two callers of it ([`Recycle`]),
//! and how it is closed. Knows nothing of pools and waiting, and nothing of the caller's SQL.
//!
//! Connections are made without TLS so far: password and data cross the network as they are, and
//! `sslmode=require` is refused. They run on the tokio runtime in which they were created.
//!
//! # Examples
//!
//! ```no_run
//! use nebula_resource_core::Factory;
//! use nebula_resource_postgres::Postgres;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let factory = Postgres::connect_to("postgres://app:secret@localhost/app");
//!
//! let mut db = factory.create().await?; // a pool does this, and the rest
//! let row = db.query_one("SELECT 1 + $1::int", &[&41]).await?;
//! assert_eq!(row.get::<_, i32>(0), 42);
//!
//! db.batch_execute("BEGIN; SET search_path TO tenant_7").await?;
//! factory.recycle(&mut db).await?; // between two callers: all of that is gone
//! # Ok(())
//! # }
//! ```
//!
//! [`Factory`]: nebula_resource_core::Factory

mod client;
mod error;
mod factory;
mod recycle;
mod resource;
mod settings;
mod target;

pub use client::PgClient;
pub use error::{ConfigError, PostgresError};
pub use factory::Postgres;
pub use recycle::Recycle;
pub use resource::{PostgresConnection, PostgresResource};
pub use secrecy;
pub use settings::PostgresConfig;
pub use tokio_postgres;
