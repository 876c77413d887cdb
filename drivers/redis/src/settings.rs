//! What can be said about a Redis server in a configuration file.
//!
//! Decides nothing; knows nothing of connections. Reads secrets without ever repeating them.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::ConfigError;
use crate::factory::Redis;

/// Everything about a [`Redis`] factory that can stand in a file.
///
/// Unknown fields are refused. `Debug` shows neither the URL nor the password, and no error made
/// here does; a parser that quotes the line it stumbled over (toml does) is out of reach.
///
/// # Examples
///
/// ```
/// use nebula_resource_redis::{Redis, RedisConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config: RedisConfig = toml::from_str(
///     r#"
///     url = "redis://cache.internal/2"
///     username = "app"
///     password = "from the vault"
///     response_timeout = "800ms"
///     "#,
/// )?;
/// let factory = Redis::try_from(config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisConfig {
    /// Where to connect and as whom; see [`Redis::connect_to`]. Secret, since it may hold the
    /// password.
    #[serde(deserialize_with = "secret")]
    pub url: SecretString,
    /// The user, in place of the URL's.
    #[serde(default)]
    pub username: Option<String>,
    /// The password, in place of the URL's.
    #[serde(default, deserialize_with = "some_secret")]
    pub password: Option<SecretString>,
    /// The database, in place of the URL's.
    #[serde(default)]
    pub database: Option<u32>,
    /// See [`Redis::client_name`].
    #[serde(default)]
    pub client_name: Option<String>,
    /// See [`Redis::connect_timeout`].
    #[serde(default, with = "humantime_serde")]
    pub connect_timeout: Option<Duration>,
    /// See [`Redis::response_timeout`].
    #[serde(default, with = "humantime_serde")]
    pub response_timeout: Option<Duration>,
}

impl RedisConfig {
    /// The defaults for this URL.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource_redis::{Redis, RedisConfig};
    ///
    /// # fn main() -> Result<(), nebula_resource_redis::ConfigError> {
    /// let mut config = RedisConfig::new("redis://:secret@localhost");
    /// config.client_name = Some("billing".into());
    /// let factory = Redis::try_from(config)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            username: None,
            password: None,
            database: None,
            client_name: None,
            connect_timeout: None,
            response_timeout: None,
        }
    }
}

impl TryFrom<RedisConfig> for Redis {
    type Error = ConfigError;

    fn try_from(config: RedisConfig) -> Result<Self, ConfigError> {
        let mut factory = Self::try_connect_to(config.url.expose_secret())?;
        if let Some(username) = config.username {
            factory = factory.username(username);
        }
        if let Some(password) = config.password {
            factory = factory.password(password);
        }
        if let Some(database) = config.database {
            factory = factory.database(database);
        }
        if let Some(name) = config.client_name {
            factory = factory.client_name(name);
        }
        if let Some(timeout) = config.connect_timeout {
            factory = factory.connect_timeout(timeout);
        }
        if let Some(timeout) = config.response_timeout {
            factory = factory.response_timeout(timeout);
        }
        factory.check()?;
        Ok(factory)
    }
}

fn secret<'de, D: Deserializer<'de>>(input: D) -> Result<SecretString, D::Error> {
    input.deserialize_any(SecretVisitor)
}

fn some_secret<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SecretString>, D::Error> {
    #[derive(Deserialize)]
    struct Given(#[serde(deserialize_with = "secret")] SecretString);
    Ok(Option::<Given>::deserialize(input)?.map(|given| given.0))
}

/// serde's own error for a wrong type repeats the value: a password of digits without quotes
/// would end up in a log.
struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = SecretString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretString, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretString, E> {
        Ok(text.into())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretString, E> {
        Err(wrong_type())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretString, E> {
        Err(wrong_type())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretString, E> {
        Err(wrong_type())
    }
}

fn wrong_type<E: Error>() -> E {
    E::custom("a secret has to be a string, in quotes")
}
