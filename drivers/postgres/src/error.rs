//! What can go wrong, and how much of it may be told.
//!
//! Decides the words. Never repeats a piece of a connection string, since any piece may be the
//! password when the string is malformed. Knows nothing of when things go wrong.

use std::error::Error as _;
use std::fmt;

/// Why a connection string or configuration cannot be used.
///
/// # Examples
///
/// ```
/// use nebula_resource_postgres::{ConfigError, Postgres};
///
/// let error = Postgres::try_connect_to("mysql://app:secret@localhost").unwrap_err();
/// assert_eq!(error, ConfigError::Scheme);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Something else than `postgres://` or `postgresql://` stands before the `://`.
    #[error("the connection string does not begin with postgres:// or postgresql://")]
    Scheme,
    /// It is neither a URL nor `key=value` pairs, or an option has no valid value.
    #[error("the connection string is malformed: {0}")]
    Malformed(String),
    /// No host to connect to.
    #[error("the connection string names no host")]
    NoHost,
    /// An `@` where a host or database should be: what was meant as a part of the password.
    #[error("there is an `@` too many: in a user name or password, `@` is written `%40`")]
    AtSign,
    /// `sslmode=require`, which this driver cannot do so far.
    #[error("sslmode=require: connections with TLS are not supported yet")]
    TlsRequired,
}

/// Why a connection could not be made, or is of no use any more.
///
/// `Display` tells the whole story in one line; `source` is there for its SQLSTATE.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource_core::Factory;
/// use nebula_resource_postgres::{Postgres, PostgresError};
///
/// # async fn example(factory: Postgres) {
/// match factory.create().await {
///     Err(PostgresError::Connect(why)) if why.code().is_some() => println!("refused: {why}"),
///     Err(error) => println!("{error}"),
///     Ok(_) => {}
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The factory was made from a connection string that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `create` was called outside of a tokio runtime, which has to drive the connection.
    #[error("a PostgreSQL connection has to be created inside a tokio runtime")]
    NoRuntime,
    /// The server could not be reached, or did not let us in.
    #[error("could not connect to PostgreSQL: {}", Told(.0))]
    Connect(#[source] tokio_postgres::Error),
    /// The connection does not answer any more.
    #[error("the PostgreSQL connection is lost: {}", Told(.0))]
    Lost(#[source] tokio_postgres::Error),
    /// The session could not be made clean for the next caller.
    #[error("the PostgreSQL session could not be reset: {}", Told(.0))]
    Reset(#[source] tokio_postgres::Error),
}

/// tokio-postgres says "db error" and leaves the rest to the sources; this says it all, without
/// the server's `DETAIL`, where values stand.
struct Told<'a>(&'a tokio_postgres::Error);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(answer) = self.0.as_db_error() {
            return write!(f, "{} ({})", answer.message(), answer.code().code());
        }
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(inner) = source {
            f.write_str(": ")?;
            write!(f, "{inner}")?;
            source = inner.source();
        }
        Ok(())
    }
}

/// What the parser says about a string, as far as it cannot contain a piece of it.
pub(crate) fn malformed(error: &tokio_postgres::Error) -> ConfigError {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let told = if said.starts_with("invalid value for option") || said == "unexpected EOF" {
        // The option's name comes from the parser's own list.
        said.as_str()
    } else if said.starts_with("unknown option") {
        "it has an option that is not known"
    } else if said.starts_with("unterminated") {
        "a parameter has no end"
    } else {
        "it cannot be parsed"
    };
    ConfigError::Malformed(told.to_owned())
}
