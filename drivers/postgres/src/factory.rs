//! The factory: makes connections to one server and keeps them fit for one caller after another.
//!
//! Decides what happens at each step of a connection's life. Knows nothing of pools and waiting;
//! what can be configured is in `target`, what is reset in `recycle`.

use std::fmt;
use std::time::Duration;

use nebula_resource_core::{Factory, RetireReason};
use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio_postgres::{Config, NoTls};

use crate::client::PgClient;
use crate::error::{ConfigError, PostgresError};
use crate::recycle::Recycle;
use crate::target::Target;

/// Makes connections to a PostgreSQL server, for a pool.
///
/// What tokio-postgres leaves open is filled in: application name `nebula-resource`, 5 s to connect
/// to one address, keepalives after 30 s (three, every 10 s). What is reset between two callers
/// is told at [`Recycle`].
///
/// The password is kept apart as a secret and no `Debug` or error shows it. While a connection is
/// being made, tokio-postgres holds a copy of it.
///
/// # Examples
///
/// ```
/// use nebula_resource_postgres::Postgres;
///
/// let factory = Postgres::connect_to("postgres://app:secret@db.internal/app")
///     .application_name("billing");
/// assert!(!format!("{factory:?}").contains("secret"));
/// ```
pub struct Postgres {
    /// A string that cannot be used is reported by `create`, where errors are expected.
    target: Result<Target, ConfigError>,
    recycle: Recycle,
}

impl Postgres {
    /// Connections to the server of this URL (or `key=value` string); see
    /// [`tokio_postgres::Config`] for what it can say.
    ///
    /// Cannot fail and does nothing yet: a string that cannot be used is what `create` reports,
    /// as [`PostgresError::Config`].
    ///
    /// Settings for every session go into `options` (`?options=-c%20statement_timeout%3D5s`):
    /// resetting the session goes back to them.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_postgres::Postgres;
    ///
    /// let factory = Postgres::connect_to("postgres://app@localhost/app");
    /// ```
    pub fn connect_to(url: impl AsRef<str>) -> Self {
        Self::of(Target::parse(url.as_ref()))
    }

    /// Like [`connect_to`](Self::connect_to), for who wants to know at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_postgres::Postgres;
    ///
    /// let error = Postgres::try_connect_to("postgres://app@localhost:port").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the connection string is malformed: invalid value for option `port`"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for a string that cannot be used. Nothing is connected yet.
    pub fn try_connect_to(url: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self::of(Ok(Target::parse(url.as_ref())?)))
    }

    /// Connections as this configuration says.
    ///
    /// `keepalives_idle` of exactly two hours, tokio-postgres' own default, counts as not set.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_postgres::{Postgres, tokio_postgres::Config};
    ///
    /// # fn main() -> Result<(), nebula_resource_postgres::ConfigError> {
    /// let factory = Postgres::from_config(Config::new().host("localhost").user("app").clone())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] if it names no host or requires TLS.
    pub fn from_config(config: Config) -> Result<Self, ConfigError> {
        Ok(Self::of(Ok(Target::new(config)?)))
    }

    /// The password, in place of the URL's.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_postgres::{Postgres, secrecy::SecretString};
    ///
    /// let secret = SecretString::from("from the vault");
    /// let factory = Postgres::connect_to("postgres://app@localhost/app").password(&secret);
    /// ```
    #[must_use]
    pub fn password(self, password: &SecretString) -> Self {
        self.change(|target| target.set_password(password))
    }

    /// What `pg_stat_activity` shows, in place of `nebula-resource`.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_postgres::Postgres;
    ///
    /// let factory = Postgres::connect_to("postgres://localhost/app").application_name("billing");
    /// ```
    #[must_use]
    pub fn application_name(self, name: impl Into<String>) -> Self {
        self.change(|target| {
            target.config_mut().application_name(name);
        })
    }

    /// How long to try each address of each host, in place of 5 s. Logging in is not counted;
    /// the pool's `create_timeout` bounds the whole.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use nebula_resource_postgres::Postgres;
    ///
    /// let factory = Postgres::connect_to("postgres://near,far/app")
    ///     .connect_timeout(Duration::from_millis(800));
    /// ```
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.change(|target| {
            target.config_mut().connect_timeout(timeout);
        })
    }

    /// What is reset between two callers.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_postgres::{Postgres, Recycle};
    ///
    /// let factory = Postgres::connect_to("postgres://localhost/app")
    ///     .recycle_with(Recycle::RollbackOnly);
    /// ```
    #[must_use]
    pub fn recycle_with(mut self, recycle: Recycle) -> Self {
        self.recycle = recycle;
        self
    }

    fn of(target: Result<Target, ConfigError>) -> Self {
        Self {
            target,
            recycle: Recycle::default(),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Target)) -> Self {
        if let Ok(target) = &mut self.target {
            change(target);
        }
        self
    }
}

impl Factory for Postgres {
    type Object = PgClient;
    type Error = PostgresError;

    /// Connects and logs in. Has to be called inside a tokio runtime with I/O and time enabled,
    /// which drives the connection from then on.
    async fn create(&self) -> Result<PgClient, PostgresError> {
        let target = self.target.as_ref().map_err(ConfigError::clone)?;
        let runtime = Handle::try_current().map_err(|_| PostgresError::NoRuntime)?;
        let config = target.with_password();
        let connected = config.connect(NoTls).await;
        let (client, connection) = connected.map_err(PostgresError::Connect)?;
        Ok(PgClient::start(client, connection, runtime))
    }

    /// An empty query: one round trip through the server's parser and back.
    async fn validate(&self, client: &mut PgClient) -> Result<(), PostgresError> {
        match client.simple_query("").await {
            Ok(_) => Ok(()),
            Err(error) if error.is_closed() => {
                let why = client.last_words().await;
                Err(PostgresError::Lost(why.unwrap_or(error)))
            }
            Err(error) => Err(PostgresError::Lost(error)),
        }
    }

    /// Resets the session as [`Recycle`] says: one round trip, after whatever the caller left
    /// running. A second and third one if there was a failed transaction or an SQL `PREPARE`.
    async fn recycle(&self, client: &mut PgClient) -> Result<(), PostgresError> {
        let reset = self.recycle.run(client).await;
        reset.map_err(PostgresError::Reset)
    }

    fn is_broken(&self, client: &PgClient) -> bool {
        client.is_closed()
    }

    async fn destroy(&self, client: PgClient, _why: RetireReason) {
        client.close().await;
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Postgres");
        match &self.target {
            // Not `options`: they may set anything, secrets included.
            Ok(target) => debug
                .field("hosts", &target.config().get_hosts())
                .field("ports", &target.config().get_ports())
                .field("user", &target.config().get_user())
                .field("dbname", &target.config().get_dbname()),
            Err(error) => debug.field("error", error),
        };
        debug
            .field("recycle", &self.recycle)
            .finish_non_exhaustive()
    }
}
