//! What can go wrong, and how much of it may be told.
//!
//! Decides the words. Never repeats a piece of a URL, since any piece may be the password when it is
//! malformed, nor what a server says about a request that holds the password. Knows nothing of when
//! things go wrong.

use redis::RedisError;

/// Why a URL or configuration cannot be used.
///
/// # Examples
///
/// ```
/// use nebula_resource_redis::{ConfigError, Redis};
///
/// let error = Redis::try_connect_to("mysql://app:secret@localhost").unwrap_err();
/// assert_eq!(error, ConfigError::Scheme);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Something else than `redis://`, `valkey://`, `redis+unix://`, `valkey+unix://` or `unix://`.
    #[error("the URL does not begin with redis:// (or valkey://, redis+unix://, unix://)")]
    Scheme,
    /// `rediss://`, which this driver cannot do so far.
    #[error("rediss://: connections with TLS are not supported yet")]
    TlsRequired,
    /// It is no URL: no host, a port that is no number, or the like.
    #[error("the URL is malformed: {0}")]
    Malformed(&'static str),
    /// An `@` behind the host: what was meant as a part of the password.
    #[error(
        "there is an `@` too many: in a user name or password, `/`, `?` and `#` are written %2F, %3F and %23"
    )]
    AtSign,
    /// The database is no number from 0.
    #[error("the database has to be a number from 0")]
    Database,
    /// A parameter that is not known; `protocol` is, and for sockets `db`, `user` and `pass`.
    #[error("the URL has a parameter that is not known, or not with this value")]
    Parameter,
    /// A client name with spaces or other characters that Redis does not take.
    #[error("a client name has to be of printable characters without spaces")]
    ClientName,
    /// A timeout of zero, or of more than a day.
    #[error("{field} has to be more than zero and at most a day")]
    Timeout {
        /// Which one.
        field: &'static str,
    },
}

/// Why a connection could not be made, or is of no use any more.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource_core::Factory;
/// use nebula_resource_redis::{ConnectionError, Redis};
///
/// # async fn example(factory: Redis) {
/// match Factory::create(&factory).await {
///     Err(ConnectionError::Refused { request, code, .. }) => println!("{request}: {code}"),
///     Err(error) => println!("{error}"),
///     Ok(_) => {}
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The factory was made from a URL that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `create` was called outside of a tokio runtime, which has to drive the connection.
    #[error("a Redis connection has to be created inside a tokio runtime")]
    NoRuntime,
    /// The server could not be reached.
    #[error("could not connect to Redis: {0}")]
    Connect(#[source] RedisError),
    /// The server answered a request of ours with an error: a wrong password, a database that there
    /// is not, no permission, still loading.
    #[error("Redis refused {request}: {code}{}", Detail(.detail))]
    Refused {
        /// The command: `AUTH`, `HELLO`, `SELECT`, `CLIENT SETNAME`, `RESET` or `PING`.
        request: &'static str,
        /// The first word of its answer: `WRONGPASS`, `NOAUTH`, `ERR`, …
        code: String,
        /// The rest of it; `None` if it might repeat the password.
        detail: Option<String>,
    },
    /// The connection does not answer any more.
    #[error("the Redis connection is lost: {0}")]
    Lost(#[source] RedisError),
    /// An answer came that belongs to no request of ours.
    #[error("the answers on the Redis connection do not match its requests")]
    OutOfStep,
    /// The connection was returned in a state that cannot be undone.
    #[error("the Redis session cannot be reset")]
    Indelible,
}

struct Detail<'a>(&'a Option<String>);

impl std::fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(detail) => write!(f, " {detail}"),
            None => Ok(()),
        }
    }
}
