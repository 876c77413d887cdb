//! The settings of a pool: their names, units, defaults, and the reasons for the defaults.
//!
//! Decides what a configuration is, which one is acceptable ([`PoolConfig::validate`]) and how it
//! is written in a file. Knows nothing of pools, files or environment variables.

mod choices;
mod serial;
mod validate;
mod words;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use choices::{Fairness, Strategy};
pub use validate::ValidationError;

/// The most places that a pool may have: 2²⁰ (1 048 576), the upper bound of `max_size` and of a
/// pool's ceiling.
///
/// A place in the ring costs 16 bytes, so that a slip of the finger costs 16 MiB, not the machine.
pub const MAX_CEILING: usize = 1 << 20;

/// The ceiling (most objects that `max_size` can be raised to later) of a pool that was not given
/// one: four times `max_size`, at least 32, at most [`MAX_CEILING`].
///
/// The ceiling is fixed when the pool is made. Fourfold is generous, since a backend that takes
/// more was mostly sized wrongly, and costs 64 bytes per object at 16 bytes a place.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::config::{MAX_CEILING, default_ceiling};
///
/// assert_eq!(default_ceiling(1), 32);
/// assert_eq!(default_ceiling(10), 40);
/// assert_eq!(default_ceiling(usize::MAX), MAX_CEILING);
/// ```
pub const fn default_ceiling(max_size: usize) -> usize {
    match max_size.saturating_mul(4) {
        0..32 => 32,
        wanted if wanted > MAX_CEILING => MAX_CEILING,
        wanted => wanted,
    }
}

/// The settings of one pool.
///
/// Every field has a default that can be kept. In configuration files durations are text with a
/// unit (`"30s"`, `"10 min"`, `"1h 30m"`), and settings that can be off are written `"never"` (or
/// `"none"`, or JSON's `null`). Missing fields take their default, unknown ones are refused. The
/// file format must be self-describing, as TOML, JSON and YAML are.
///
/// Any value can be put into the fields; [`validate`](Self::validate) tells which ones a pool
/// accepts, and every pool asks it.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::config::PoolConfig;
/// use std::time::Duration;
///
/// let written = PoolConfig {
///     max_size: 32,
///     min_idle: 4,
///     idle_timeout: None,
///     acquire_timeout: Duration::from_secs(2),
///     ..PoolConfig::default()
/// };
/// let read: PoolConfig = toml::from_str(
///     r#"
///     max_size = 32
///     min_idle = 4
///     idle_timeout = "never"
///     acquire_timeout = "2s"
///     "#,
/// )?;
/// assert_eq!(read, written);
/// assert!(read.validate().is_ok());
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// # Reload
///
/// Every field can be changed on a live pool; `max_size` up to the pool's ceiling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// The most objects alive at once, idle and in use: 1 to the pool's ceiling.
    ///
    /// Default 10, as in most pools: a database server does its best with about two busy
    /// connections per core, and a service rarely has one to itself.
    #[serde(with = "serial::max_size")]
    pub max_size: usize,

    /// How many idle objects maintenance keeps ready: 0 to `max_size`. Those that are about to reach
    /// `max_lifetime` are replaced before; where there is no room for both, one by one.
    ///
    /// Default 0: a pool that nobody uses holds nothing open.
    #[serde(with = "serial::min_idle")]
    pub min_idle: usize,

    /// Which idle object the next caller gets.
    ///
    /// Default `affine`: the fastest, and few users depend on the order.
    #[serde(with = "serial::strategy")]
    pub strategy: Strategy,

    /// Whether newcomers may overtake waiters.
    ///
    /// Default `bounded`: threads at most once each, tasks never, which starves nobody and keeps the
    /// throughput.
    #[serde(with = "serial::fairness")]
    pub fairness: Fairness,

    /// How long an acquire may take in all, waiting, creating and validating together: more than
    /// zero, at most one day.
    ///
    /// Default 30 s: outlasts a burst and most failovers; whoever asked has given up by then.
    #[serde(with = "serial::acquire_timeout")]
    pub acquire_timeout: Duration,

    /// How long one `create` may take: more than zero, at most one day.
    ///
    /// Default 10 s: survives three lost TCP handshake packets in a row (resent after 1, 3 and
    /// 7 s), and leaves time for another attempt within `acquire_timeout`.
    #[serde(with = "serial::create_timeout")]
    pub create_timeout: Duration,

    /// How long one `validate` may take: more than zero, at most one day.
    ///
    /// Default 1 s: a ping takes milliseconds; an object that needs a second for it is worth less
    /// than the time to try the next one.
    #[serde(with = "serial::validate_timeout")]
    pub validate_timeout: Duration,

    /// How long one `recycle` may take: more than zero, at most one day.
    ///
    /// Default 5 s: rolling back may be real work for the server.
    #[serde(with = "serial::recycle_timeout")]
    pub recycle_timeout: Duration,

    /// How long one `destroy` may take: more than zero, at most one day.
    ///
    /// Default 5 s: saying goodbye is a courtesy, and nobody waits for it but shutdown.
    #[serde(with = "serial::destroy_timeout")]
    pub destroy_timeout: Duration,

    /// After how long without use an object above `min_idle` is retired: more than zero, at most
    /// 365 days; `None` = never.
    ///
    /// Default 10 min: bridges a quiet spell, and gives back what a burst has left behind.
    #[serde(with = "serial::idle_timeout")]
    pub idle_timeout: Option<Duration>,

    /// At what age an object is retired, at the next moment nobody holds it: more than zero, at
    /// most 365 days; `None` = never.
    ///
    /// Default 30 min: moved addresses, changed credentials and a new primary are noticed within
    /// that time, and what leaks on the server's side stays small.
    #[serde(with = "serial::max_lifetime")]
    pub max_lifetime: Option<Duration>,

    /// The share of `max_lifetime`, 0 to 0.5, by which each object's life is shortened at most:
    /// a random part of it, fixed at birth.
    ///
    /// Default 0.025: spreads objects made in one burst over 45 s of half an hour, so that they
    /// do not expire in one herd, at the cost of hardly any lifetime.
    #[serde(with = "serial::lifetime_jitter")]
    pub lifetime_jitter: f64,

    /// After how many uses an object is retired: 1 to 2⁶³ − 1; `None` = never.
    ///
    /// Default `None`: only objects that are known to leak need it.
    #[serde(with = "serial::max_uses")]
    pub max_uses: Option<u64>,

    /// For how long an object must have been idle to be validated before it is handed out: at
    /// most 365 days; zero = always, `None` = never.
    ///
    /// Default 500 ms: a busy pool pays nothing, and an object that worked half a second ago
    /// fails too rarely to ask each time.
    #[serde(with = "serial::validate_after")]
    pub validate_after: Option<Duration>,

    /// How often an idle object is validated in the background: more than zero, at most 365 days;
    /// `None` = never. No finer than `maintenance_every`.
    ///
    /// Default `None`: validation before use finds the dead ones, and idle objects cost no
    /// traffic. Set it where something in between cuts silent connections (cloud gateways do
    /// after four to six minutes).
    #[serde(with = "serial::keepalive_every")]
    pub keepalive_every: Option<Duration>,

    /// After how long in use an object is reported as leaked: more than zero, at most 365 days;
    /// `None` = never. The report takes nothing away from its holder.
    ///
    /// Default `None`: only its user knows what is too long.
    #[serde(with = "serial::leak_after")]
    pub leak_after: Option<Duration>,

    /// For how many callers there is room in the waiting line: 1 to [`MAX_CEILING`]; `None` = for all. Who
    /// finds it full is refused at once ([`Overloaded`](crate::Overloaded)). Those whose object is
    /// being made stand in it too, so it should be no less than `max_size`.
    ///
    /// Default `None`: `acquire_timeout` bounds the line, and only its user knows how many callers are
    /// worth their memory.
    #[serde(with = "serial::max_waiting")]
    pub max_waiting: Option<usize>,

    /// How long a caller may stand in a standing line, one that was not empty for 100 ms (or for
    /// `shed_after`, if that is more) while all objects existed: more than zero, at most one day; `None` =
    /// until its deadline. Then it is given up ([`Overloaded`](crate::Overloaded)). Bursts are
    /// waited for as ever; only where callers come faster than they can be served, some are refused early
    /// and the others served while they still want it. What is shed is as much as is too much: a pool
    /// under ten times its load goes on at its full rate.
    ///
    /// Default `None`: plain first come, first served. The field uses 5 ms for work of a millisecond (RFC
    /// 8289): some times the time that an object is held.
    #[serde(with = "serial::shed_after")]
    pub shed_after: Option<Duration>,

    /// How many `create` calls may run at once: 1 to [`MAX_CEILING`].
    ///
    /// Default 4: fills a pool of ten in three rounds without storming a server that has just
    /// come back.
    #[serde(with = "serial::max_concurrent_creates")]
    pub max_concurrent_creates: usize,

    /// Whether callers get the last create error at once while the pool backs off from failed
    /// creates, not at their deadline.
    ///
    /// Default `false`: most outages are shorter than `acquire_timeout`, and then nobody notices.
    #[serde(with = "serial::fail_fast")]
    pub fail_fast: bool,

    /// How long the pool as a whole pauses between failed creates.
    ///
    /// Default 100 ms, doubled up to 10 s; see [`Backoff`].
    pub create_backoff: Backoff,

    /// Whether `min_idle` objects are made before registration succeeds, not in the background.
    ///
    /// Default `false`: a program can start while its backends are still down.
    #[serde(with = "serial::warm_on_register")]
    pub warm_on_register: bool,

    /// How many objects are made at once while warming up: 1 to [`MAX_CEILING`].
    ///
    /// Default 2: half of `max_concurrent_creates`, so that callers do not queue behind it.
    #[serde(with = "serial::warm_concurrency")]
    pub warm_concurrency: usize,

    /// How often maintenance looks after idle objects: 10 ms to 1 h.
    ///
    /// Default 30 s: fine enough for timeouts of minutes, and two wake-ups a minute are nothing.
    #[serde(with = "serial::maintenance_every")]
    pub maintenance_every: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_size: 10,
            min_idle: 0,
            strategy: Strategy::default(),
            fairness: Fairness::default(),
            acquire_timeout: Duration::from_secs(30),
            create_timeout: Duration::from_secs(10),
            validate_timeout: Duration::from_secs(1),
            recycle_timeout: Duration::from_secs(5),
            destroy_timeout: Duration::from_secs(5),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            lifetime_jitter: 0.025,
            max_uses: None,
            validate_after: Some(Duration::from_millis(500)),
            keepalive_every: None,
            leak_after: None,
            max_waiting: None,
            shed_after: None,
            max_concurrent_creates: 4,
            fail_fast: false,
            create_backoff: Backoff::default(),
            warm_on_register: false,
            warm_concurrency: 2,
            maintenance_every: Duration::from_secs(30),
        }
    }
}

/// Pauses that grow from failure to failure: `first`, then doubled each time up to `max`.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::config::{Backoff, PoolConfig};
/// use std::time::Duration;
///
/// let config: PoolConfig = toml::from_str("create_backoff = { max = '1 min' }")?;
/// let expected = Backoff { max: Duration::from_secs(60), ..Backoff::default() };
/// assert_eq!(config.create_backoff, expected);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[serde(expecting = "a table with the durations create_backoff.first and create_backoff.max")]
pub struct Backoff {
    /// The pause after the first failure: more than zero, at most `max`.
    ///
    /// Default 100 ms: a backend that only hiccuped is found again before a person notices.
    #[serde(with = "serial::first")]
    pub first: Duration,

    /// The longest pause: `first` to one hour.
    ///
    /// Default 10 s: a backend that is down for long is asked six times a minute, which neither
    /// of the two feels, and `acquire_timeout` spans several attempts.
    #[serde(with = "serial::max")]
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            max: Duration::from_secs(10),
        }
    }
}
