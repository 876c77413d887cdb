//! Where to connect and as whom, out of a URL.
//!
//! Decides which URLs are refused, and why; what redis-rs would pass over in silence (a parameter
//! that it does not know, a part of the password that it takes for the database) is an error here.
//! Knows nothing of connecting.

use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use secrecy::SecretString;

use crate::error::ConfigError;
use crate::login::Login;

/// What `CLIENT LIST` shows unless the caller says otherwise.
const CLIENT_NAME: &str = "nebula-resource";

const TCP_PARAMETERS: &[&str] = &["protocol"];
const SOCKET_PARAMETERS: &[&str] = &["protocol", "db", "user", "pass"];

/// For all addresses of the host together; a pool's `create_timeout` (10 s) bounds the login too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that takes longer over one command is no use as a cache, and is told from one that forks
/// or fails over, which takes it a second.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: ConnectionAddr,
    pub(crate) login: Login,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim(); // a secret read from a file ends with a new line
        let (scheme, rest) = text.split_once("://").ok_or(ConfigError::Scheme)?;
        let known = match scheme {
            "redis" | "valkey" => TCP_PARAMETERS,
            "redis+unix" | "valkey+unix" | "unix" => SOCKET_PARAMETERS,
            "rediss" | "valkeys" => return Err(ConfigError::TlsRequired),
            _ => return Err(ConfigError::Scheme),
        };
        if known == TCP_PARAMETERS {
            check_at_signs(rest)?;
        }
        let malformed = ConfigError::Malformed("it cannot be parsed");
        let url = redis::parse_redis_url(text).ok_or(malformed)?;
        for (name, value) in url.query_pairs() {
            let fits = name != "protocol" || matches!(&*value, "2" | "3" | "resp2" | "resp3");
            if !known.contains(&&*name) || !fits {
                return Err(ConfigError::Parameter);
            }
        }
        if known == TCP_PARAMETERS && url.host_str().is_none_or(str::is_empty) {
            return Err(ConfigError::Malformed("it names no host"));
        }
        let info = url.into_connection_info().map_err(|error| why(&error))?;
        Self::new(&info)
    }

    fn new(info: &ConnectionInfo) -> Result<Self, ConfigError> {
        let settings = info.redis_settings();
        let login = Login {
            username: settings.username().map(str::to_owned),
            password: settings.password().map(SecretString::from),
            database: u32::try_from(settings.db()).map_err(|_| ConfigError::Database)?,
            client_name: CLIENT_NAME.to_owned(),
            resp3: settings.protocol() == ProtocolVersion::RESP3,
        };
        Ok(Self {
            address: info.addr().clone(),
            login,
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
        })
    }

    /// What a caller can set wrong besides the URL.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let name = &self.login.client_name;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::ClientName);
        }
        for (field, timeout) in [
            ("connect_timeout", self.connect_timeout),
            ("response_timeout", self.response_timeout),
        ] {
            if timeout.is_zero() || timeout > LONGEST {
                return Err(ConfigError::Timeout { field });
            }
        }
        Ok(())
    }
}

/// The host ends at the first of `/?#`. An `@` behind it means that one of these stands in the
/// password, and that the rest of it would pass for a database, which is no secret.
fn check_at_signs(rest: &str) -> Result<(), ConfigError> {
    let behind = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    if behind.contains('@') {
        return Err(ConfigError::AtSign);
    }
    Ok(())
}

/// What redis-rs says about a URL, as far as it cannot contain a piece of it.
fn why(error: &redis::RedisError) -> ConfigError {
    let said = error.to_string();
    if said.contains("database number") {
        ConfigError::Database
    } else if said.contains("wildcard address") {
        ConfigError::Malformed("0.0.0.0 and :: are no addresses to connect to")
    } else if said.contains("not valid UTF-8") {
        ConfigError::Malformed("the user name or password is not UTF-8")
    } else if said.contains("Missing path") {
        ConfigError::Malformed("it names no socket")
    } else {
        ConfigError::Malformed("it cannot be used")
    }
}
