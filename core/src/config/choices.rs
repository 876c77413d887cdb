//! The settings that are a choice between named behaviours, not a number.
//!
//! Decides what they are called and which one is the default; knows nothing of how they are
//! carried out.

use serde::{Deserialize, Serialize};

/// Which idle object the next caller gets.
///
/// Default: [`Affine`](Self::Affine). Written in lower case in configuration files.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::config::{PoolConfig, Strategy};
///
/// let config: PoolConfig = toml::from_str("strategy = 'lifo'")?;
/// assert_eq!(config.strategy, Strategy::Lifo);
/// assert_eq!(Strategy::default(), Strategy::Affine);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Strategy {
    /// The object that came back first. All objects stay in use, so none goes stale; none ever
    /// becomes idle for long either, so a pool that was grown by a burst shrinks late.
    Fifo,
    /// The object that came back last. The fewest objects stay warm, the rest reach
    /// `idle_timeout`: choose it where an idle object is dear to the server.
    Lifo,
    /// The object that has gone unused for longest. The work is spread evenly over all objects:
    /// choose it where they lead to different servers behind one address.
    Lru,
    /// The object that this thread gave back last, else any other. The default, because it is the
    /// fastest (threads do not meet on shared memory) and few users depend on the order.
    #[default]
    Affine,
}

/// Whether a running newcomer may take an object that a woken waiter has not picked up yet.
///
/// Default: [`Bounded`](Self::Bounded). Written in lower case in configuration files.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::config::{Fairness, PoolConfig};
///
/// let config: PoolConfig = toml::from_str("fairness = 'strict'")?;
/// assert_eq!(config.fairness, Fairness::Strict);
/// assert_eq!(Fairness::default(), Fairness::Bounded);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fairness {
    /// A thread, yes, but each loses at most one such race: one that lost is served before any newcomer.
    /// A task, no: it is handed its object. The default, because it starves nobody and spares threads
    /// a context switch per hand-over.
    #[default]
    Bounded,
    /// Never: first come, first served, at the price of a context switch per hand-over.
    Strict,
}
