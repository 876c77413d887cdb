//! Why the manager refused, in the words of whoever has to act on it: what was asked, what there is,
//! what to do.
//!
//! Decides wording; knows nothing of how failures come about.

use std::fmt;

use nebula_resource_core::{AcquireError, ValidationError};

use crate::context::Cancelled;
use crate::hooks::Objection;
use crate::key::{Key, KeyError};
use crate::lifecycle::State;
use crate::manager::dependency::DependencyError;
use crate::scope::Scope;

/// The most names that an error lists.
const MOST_LISTED: usize = 8;

/// Why a resource could not be had.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// Nothing is registered under this key.
    #[error("there is no {key:?}; {}", Known(known, key))]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// What the caller could ask for.
        known: Vec<Key>,
    },
    /// It exists, but the caller is not among those that it was registered for.
    #[error(
        "{key:?} belongs to {}; the caller is {}",
        Owners(owners),
        Caller(caller)
    )]
    OutOfScope {
        /// What was asked for.
        key: String,
        /// Whose it is.
        owners: Vec<Scope>,
        /// Who asked.
        caller: Scope,
    },
    /// Each tenant has its own, and the caller is no tenant's.
    #[error(
        "{key:?} is made for each tenant by itself; the caller is {}",
        Caller(caller)
    )]
    NeedsTenant {
        /// What was asked for.
        key: String,
        /// Who asked.
        caller: Scope,
    },
    /// The configuration that was made for this tenant makes no sense.
    #[error("{key:?} cannot be made for {tenant}: {source}")]
    Template {
        /// What was asked for.
        key: Key,
        /// For whom.
        tenant: Scope,
        /// What is wrong.
        source: ValidationError,
    },
    /// It is another kind of resource.
    #[error("{key:?} is a {registered}, not a {asked}")]
    WrongType {
        /// What was asked for.
        key: String,
        /// The type that was asked for.
        asked: &'static str,
        /// The type that it has.
        registered: &'static str,
    },
    /// It is not handed out at the moment.
    #[error("{key:?} is {state}; it {}", Advice(*state))]
    NotReady {
        /// What was asked for.
        key: String,
        /// Where it is in its life.
        state: State,
    },
    /// The manager is shutting down: nothing is handed out any more.
    #[error("{key:?} is not handed out any more: the manager is shutting down")]
    ShuttingDown {
        /// What was asked for.
        key: String,
    },
    /// The caller was cancelled.
    #[error("waiting for {key:?} was {source}")]
    Cancelled {
        /// What was asked for.
        key: String,
        /// By whom.
        source: Cancelled,
    },
    /// A hook does not let the caller have it.
    #[error("{0}")]
    Refused(#[source] Objection),
    /// Its pool had none to give.
    #[error("{key:?}: {source}")]
    Pool {
        /// What was asked for.
        key: String,
        /// Why not.
        source: AcquireError,
    },
}

impl ResourceError {
    /// Whether the caller's deadline or the configured timeout was the reason.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Pool { source, .. } if source.is_timeout())
    }
}

/// Why a resource was not registered. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The key is not one.
    #[error("{0}")]
    Key(#[source] KeyError),
    /// The resource's configuration or its pool's makes no sense.
    #[error("{key:?} cannot be registered: {source}")]
    Invalid {
        /// What was to be registered.
        key: Key,
        /// What is wrong.
        source: ValidationError,
    },
    /// The key is taken in this scope.
    #[error(
        "{key:?} is registered already, {} (as a {registered}); deregister that first, or reload it with another configuration",
        For(scope)
    )]
    Taken {
        /// What was to be registered.
        key: Key,
        /// For whom.
        scope: Scope,
        /// The type of what is there.
        registered: &'static str,
    },
    /// What it depends on is not there, or depends on it.
    #[error("{0}")]
    Dependency(#[source] DependencyError<Key>),
    /// What it depends on is there, but for others.
    #[error(
        "{key:?} needs {need:?}, which belongs to {}; {key:?} is registered {}",
        Owners(owners),
        For(scope)
    )]
    DependencyOutOfScope {
        /// What was to be registered.
        key: Key,
        /// For whom.
        scope: Scope,
        /// What it needs.
        need: Key,
        /// Whose that is.
        owners: Vec<Scope>,
    },
    /// It was to be warmed up, and its first instances could not be made.
    #[error("{key:?} could not be warmed up: {source}")]
    NotWarm {
        /// What was to be registered.
        key: Key,
        /// Why not.
        source: AcquireError,
    },
    /// The manager is shutting down.
    #[error("{key:?} cannot be registered: the manager is shutting down")]
    ShuttingDown {
        /// What was to be registered.
        key: Key,
    },
}

/// Why a configuration was not put in force. The one before still is.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// Nothing is registered under this key in this scope.
    #[error("there is no {key:?} registered {}; {}", For(scope), Known(known, key))]
    UnknownKey {
        /// What was to be reloaded.
        key: String,
        /// Whose.
        scope: Scope,
        /// What is registered at all.
        known: Vec<Key>,
    },
    /// It is configured with something else.
    #[error("{key:?} is a {resource} and configured with a {wanted}")]
    WrongConfig {
        /// What was to be reloaded.
        key: Key,
        /// Its type.
        resource: &'static str,
        /// The type of its configuration.
        wanted: &'static str,
    },
    /// The new configuration makes no sense.
    #[error("{source}; the old configuration of {key:?} is still in force")]
    Invalid {
        /// What was to be reloaded.
        key: Key,
        /// What is wrong.
        source: ValidationError,
    },
    /// No instance could be made with the new configuration.
    #[error("{source}; the old configuration of {key:?} is still in force")]
    Unproven {
        /// What was to be reloaded.
        key: Key,
        /// Why not.
        source: AcquireError,
    },
    /// Another reload was faster, or it was deregistered meanwhile.
    #[error("{key:?} has changed meanwhile: look at it again before reloading it")]
    Superseded {
        /// What was to be reloaded.
        key: Key,
    },
    /// The manager is shutting down.
    #[error("{key:?} cannot be reloaded: the manager is shutting down")]
    ShuttingDown {
        /// What was to be reloaded.
        key: String,
    },
}

/// Why a resource was not taken out. It still is there.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeregisterError {
    /// Nothing is registered under this key in this scope.
    #[error("there is no {key:?} registered {}; {}", For(scope), Known(known, key))]
    UnknownKey {
        /// What was to go.
        key: String,
        /// Whose.
        scope: Scope,
        /// What is registered at all.
        known: Vec<Key>,
    },
    /// Others need it.
    #[error("{0}")]
    Needed(#[source] DependencyError<Key>),
}

/// What there is instead, the nearest name first.
struct Known<'a>(&'a [Key], &'a str);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(known, asked) = self;
        if known.is_empty() {
            return f.write_str("nothing is registered");
        }
        let is_near = |key: &&Key| **key != *asked && resembles(key, asked);
        if let Some(near) = known.iter().find(is_near) {
            write!(f, "did you mean {near:?}? ")?;
        }
        f.write_str("registered: ")?;
        list(f, known)
    }
}

/// Whether one could be a slip of the pen for the other: the same letters and digits, but for case
/// and what stands between them, or one of them more or less at the end.
fn resembles(key: &str, asked: &str) -> bool {
    let bare = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let (key, asked) = (bare(key), bare(asked));
    let (short, long) = if key.len() < asked.len() {
        (&key, &asked)
    } else {
        (&asked, &key)
    };
    !short.is_empty() && long.starts_with(short.as_str()) && long.len() - short.len() <= 2
}

fn list(f: &mut fmt::Formatter<'_>, names: &[impl fmt::Display]) -> fmt::Result {
    for (at, name) in names.iter().take(MOST_LISTED).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(f, "{comma}{name}")?;
    }
    match names.len().saturating_sub(MOST_LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// Reads on after "belongs to".
struct Owners<'a>(&'a [Scope]);

impl fmt::Display for Owners<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.0)
    }
}

/// Reads on after "the caller is".
struct Caller<'a>(&'a Scope);

impl fmt::Display for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == Scope::GLOBAL {
            f.write_str("nobody's (its scope is global)")
        } else {
            self.0.fmt(f)
        }
    }
}

/// Reads on after "registered".
struct For<'a>(&'a Scope);

impl fmt::Display for For<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == Scope::GLOBAL {
            f.write_str("for everybody")
        } else {
            write!(f, "for {}", self.0)
        }
    }
}

/// What whoever asked can do about a state.
struct Advice(State);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Created | State::Initializing => "will be handed out once it is ready",
            State::Quarantined => "is handed out again once it has recovered",
            State::Failed => "stays so until somebody reloads or repairs it",
            _ => "is not handed out any more",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for asked in ["main-db", "MainDB", "main_db2", "main_d", "maindb", "main"] {
            assert!(resembles("main_db", asked), "{asked}");
        }
        for asked in ["orders", "mai", "m", "", "__", "db"] {
            assert!(!resembles("main_db", asked), "{asked}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let keys: Vec<Key> = (0..10)
            .filter_map(|n| Key::new(format!("k{n}")).ok())
            .collect();
        let says = Known(&keys, "x").to_string();
        assert_eq!(
            says,
            "registered: k0, k1, k2, k3, k4, k5, k6, k7 and 2 more"
        );
        assert_eq!(Known(&[], "x").to_string(), "nothing is registered");
    }
}
