//! The factory: makes connections to one server and keeps them fit for one caller after another.
//!
//! Decides what happens at each step of a connection's life. Knows nothing of pools and waiting;
//! what is undone between two callers is in `commands` and `login`.

use std::fmt;
use std::time::Duration;

use nebula_resource_core::{BlockingFactory, Factory};
use secrecy::SecretString;
use tokio::runtime::Handle;

use crate::blocking::BlockingRedisConnection;
use crate::connection::RedisConnection;
use crate::error::{ConfigError, ConnectionError};
use crate::target::Target;

/// Makes connections to a Redis server, for a pool of either kind.
///
/// What the URL leaves open is filled in: client name `nebula-resource`, 5 s to connect, 5 s for each
/// answer, keepalives after 30 s (three, every 10 s). What is reset between two callers is told at
/// the [crate](crate).
///
/// The password is kept as a secret and no `Debug` or error shows it. While a session is set up,
/// redis-rs holds a copy of it in the bytes that it sends.
///
/// # Examples
///
/// ```
/// use nebula_resource_redis::Redis;
///
/// let factory = Redis::connect_to("redis://app:secret@cache.internal/2").client_name("billing");
/// assert!(!format!("{factory:?}").contains("secret"));
/// ```
pub struct Redis {
    /// What cannot be used is reported by `create`, where errors are expected.
    target: Result<Target, ConfigError>,
}

impl Redis {
    /// Connections to the server of this URL: `redis://user:password@host:port/database`, or
    /// `redis+unix:///path?db=…&user=…&pass=…`; `?protocol=resp3` for the newer protocol.
    ///
    /// Cannot fail and does nothing yet: a URL that cannot be used is what `create` reports, as
    /// [`ConnectionError::Config`].
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://localhost");
    /// ```
    pub fn connect_to(url: impl AsRef<str>) -> Self {
        Self {
            target: Target::parse(url.as_ref()),
        }
    }

    /// Like [`connect_to`](Self::connect_to), for who wants to know at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::Redis;
    ///
    /// let error = Redis::try_connect_to("redis://localhost/orders").unwrap_err();
    /// assert_eq!(error.to_string(), "the database has to be a number from 0");
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for a URL that cannot be used. Nothing is connected yet.
    pub fn try_connect_to(url: impl AsRef<str>) -> Result<Self, ConfigError> {
        let target = Ok(Target::parse(url.as_ref())?);
        Ok(Self { target })
    }

    /// The user, in place of the URL's.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://localhost").username("app");
    /// ```
    #[must_use]
    pub fn username(self, username: impl Into<String>) -> Self {
        self.change(|target| target.login.username = Some(username.into()))
    }

    /// The password, in place of the URL's.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://localhost").password("from the vault");
    /// ```
    #[must_use]
    pub fn password(self, password: impl Into<SecretString>) -> Self {
        self.change(|target| target.login.password = Some(password.into()))
    }

    /// The database, in place of the URL's.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://localhost").database(2);
    /// ```
    #[must_use]
    pub fn database(self, database: u32) -> Self {
        self.change(|target| target.login.database = database)
    }

    /// What `CLIENT LIST` shows, in place of `nebula-resource`. Printable characters, no spaces.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://localhost").client_name("billing");
    /// ```
    #[must_use]
    pub fn client_name(self, name: impl Into<String>) -> Self {
        self.change(|target| target.login.client_name = name.into())
    }

    /// How long reaching the server may take, in place of 5 s. Logging in comes on top; the pool's
    /// `create_timeout` bounds the whole.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://far")
    ///     .connect_timeout(Duration::from_millis(800));
    /// ```
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.change(|target| target.connect_timeout = timeout)
    }

    /// How long an answer may take, in place of 5 s. After that the connection is of no use any more;
    /// a holder can change it for a while with [`RedisConnection::set_response_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use nebula_resource_redis::Redis;
    ///
    /// let factory = Redis::connect_to("redis://localhost")
    ///     .response_timeout(Duration::from_millis(200));
    /// ```
    #[must_use]
    pub fn response_timeout(self, timeout: Duration) -> Self {
        self.change(|target| target.response_timeout = timeout)
    }

    /// Whether it can be used.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.target.as_ref().map(drop).map_err(ConfigError::clone)
    }

    fn change(mut self, change: impl FnOnce(&mut Target)) -> Self {
        if let Ok(target) = &mut self.target {
            change(target);
            if let Err(error) = target.check() {
                self.target = Err(error);
            }
        }
        self
    }

    fn target(&self) -> Result<&Target, ConnectionError> {
        let target = self.target.as_ref();
        target.map_err(|error| ConnectionError::Config(error.clone()))
    }
}

impl Factory for Redis {
    type Object = RedisConnection;
    type Error = ConnectionError;

    /// Connects and logs in. Has to be called inside a tokio runtime with I/O and time enabled,
    /// which drives the connection from then on.
    async fn create(&self) -> Result<RedisConnection, ConnectionError> {
        let target = self.target()?;
        let runtime = Handle::try_current().map_err(|_| ConnectionError::NoRuntime)?;
        RedisConnection::open(target, runtime).await
    }

    /// A `PING` with a number of its own.
    async fn validate(&self, connection: &mut RedisConnection) -> Result<(), ConnectionError> {
        connection.ping().await
    }

    /// Nothing, unless the caller has left something behind: then one round trip, after whatever it
    /// left running.
    async fn recycle(&self, connection: &mut RedisConnection) -> Result<(), ConnectionError> {
        let target = self.target()?;
        connection
            .reset(&target.login, target.response_timeout)
            .await
    }

    fn is_broken(&self, connection: &RedisConnection) -> bool {
        connection.is_broken()
    }
}

impl BlockingFactory for Redis {
    type Object = BlockingRedisConnection;
    type Error = ConnectionError;

    fn create(&self) -> Result<BlockingRedisConnection, ConnectionError> {
        BlockingRedisConnection::open(self.target()?)
    }

    /// A `PING` with a number of its own.
    fn validate(&self, connection: &mut BlockingRedisConnection) -> Result<(), ConnectionError> {
        connection.ping()
    }

    /// Nothing, unless the caller has left something behind: then one round trip.
    fn recycle(&self, connection: &mut BlockingRedisConnection) -> Result<(), ConnectionError> {
        let target = self.target()?;
        connection.reset(&target.login, target.response_timeout)
    }

    /// It may have to talk to the server.
    fn recycle_blocks(&self) -> bool {
        true
    }

    fn is_broken(&self, connection: &BlockingRedisConnection) -> bool {
        connection.is_broken()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Redis");
        match &self.target {
            Ok(target) => debug
                .field("address", &target.address)
                .field("username", &target.login.username)
                .field("database", &target.login.database)
                .field("client_name", &target.login.client_name),
            Err(error) => debug.field("error", error),
        };
        debug.finish_non_exhaustive()
    }
}
