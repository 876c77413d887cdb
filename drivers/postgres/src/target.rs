//! Where to connect and as whom: a parsed connection string whose password is kept apart.
//!
//! Decides the defaults that tokio-postgres leaves open, and which configurations cannot work.
//! Knows nothing of connecting.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::{ConfigError, malformed};

/// What `pg_stat_activity` shows unless the caller says otherwise.
const APPLICATION_NAME: &str = "nebula-resource";

/// For each address of each host; a pool's `create_timeout` (10 s) bounds all of them together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer that is gone is noticed after 30 + 3 × 10 s, before most firewalls forget the
/// connection, instead of after two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// What tokio-postgres starts from; it does not tell whether anybody asked for it.
const UNTOUCHED_IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// A configuration without its password, and the password.
#[derive(Clone)]
pub(crate) struct Target {
    config: Config,
    password: Option<SecretSlice<u8>>,
}

impl Target {
    /// Reads a URL or `key=value` pairs.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim(); // a secret read from a file ends with a new line
        match text.split_once("://") {
            Some(("postgres" | "postgresql", rest)) => check_at_signs(rest)?,
            // A `://` further on, in some value, is no scheme.
            Some((scheme, _)) if !scheme.contains('=') => return Err(ConfigError::Scheme),
            _ => {}
        }
        let config = text.parse::<Config>().map_err(|error| malformed(&error))?;
        Self::new(config)
    }

    /// Takes the password out, fills in the defaults, refuses what cannot work.
    pub(crate) fn new(mut config: Config) -> Result<Self, ConfigError> {
        check(&config)?;
        let password = config.get_password().map(|p| SecretSlice::from(p.to_vec()));
        if password.is_some() {
            config.password("");
        }
        fill_in(&mut config);
        Ok(Self { config, password })
    }

    pub(crate) fn set_password(&mut self, password: &SecretString) {
        self.password = Some(password.expose_secret().as_bytes().to_vec().into());
    }

    /// The configuration without its password, for changes and for `Debug`.
    pub(crate) fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// The configuration without its password.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration with its password, to be dropped as soon as the connection stands.
    pub(crate) fn with_password(&self) -> Config {
        let mut config = self.config.clone();
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        config
    }
}

/// The parser takes the first `@` for the end of the password, so that the rest of a password with
/// one in it would pass for the host or the database, which are no secrets.
fn check_at_signs(rest: &str) -> Result<(), ConfigError> {
    let after = rest.split_once('@').map_or("", |(_, after)| after);
    let (place, _options) = after.split_once('?').unwrap_or((after, ""));
    if place.contains('@') {
        return Err(ConfigError::AtSign);
    }
    Ok(())
}

fn check(config: &Config) -> Result<(), ConfigError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(ConfigError::NoHost);
    }
    let has_at_sign = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
    if config.get_hosts().iter().any(has_at_sign) {
        return Err(ConfigError::AtSign);
    }
    if config.get_ssl_mode() == SslMode::Require {
        return Err(ConfigError::TlsRequired);
    }
    Ok(())
}

fn fill_in(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name(APPLICATION_NAME);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_keepalives_idle() == UNTOUCHED_IDLE {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn the_password_is_put_in_only_to_connect() {
        let target = Target::parse("postgres://app:secret@localhost/app").unwrap();
        assert_eq!(target.config().get_password(), Some(&b""[..]));
        assert_eq!(target.with_password().get_password(), Some(&b"secret"[..]));
        let target = Target::parse("postgres://app@localhost/app").unwrap();
        assert_eq!(target.with_password().get_password(), None);
    }

    #[test]
    fn what_the_string_says_is_not_overruled() {
        let text = "host=localhost application_name=mine connect_timeout=1 keepalives_idle=60
                    keepalives_interval=5 keepalives_retries=9";
        let target = Target::parse(text).unwrap();
        let plain: tokio_postgres::Config = text.parse().unwrap();
        assert_eq!(target.config(), &plain);
    }
}
