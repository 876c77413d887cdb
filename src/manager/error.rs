//! Why the manager refused, in the words of whoever has to act on it: what was asked, what there is,
//! what to do.
//!
//! Decides wording; knows nothing of how failures come about.

mod words;

use nebula_resource_core::{AcquireError, ValidationError};

use crate::breaker::BreakerOpen;
use crate::context::Cancelled;
use crate::hooks::Objection;
use crate::key::{Key, KeyError};
use crate::lifecycle::State;
use crate::manager::dependency::DependencyError;
use crate::quarantine::Hold;
use crate::scope::Scope;
use words::{Advice, Caller, For, Known, Owners, Refusals};

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
    /// It is in quarantine: it did not work, and is not handed out until it does.
    #[error("{key:?} {hold}")]
    Quarantined {
        /// What was asked for.
        key: String,
        /// Why, since when, and when it is tried next.
        hold: Hold,
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
    /// A circuit breaker does not let anybody through at the moment.
    #[error("{0}")]
    BreakerOpen(#[source] Box<BreakerOpen>),
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
    /// What it depends on is made for each tenant by itself, and it is no tenant's.
    #[error(
        "{key:?} needs {need:?}, of which each tenant has its own; {key:?} is registered {}: register it per tenant too, or for one tenant",
        For(scope)
    )]
    DependencyPerTenant {
        /// What was to be registered.
        key: Key,
        /// For whom.
        scope: Scope,
        /// What it needs.
        need: Key,
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
    /// Every tenant has its own.
    #[error(
        "each tenant has a {key:?} of its own, made from a template: reload it with reload_per_tenant"
    )]
    PerTenant {
        /// What was to be reloaded.
        key: String,
    },
    /// It is no tenant's own.
    #[error("{key:?} was not registered per tenant: reload it with reload_config")]
    NotPerTenant {
        /// What was to be reloaded.
        key: String,
    },
    /// No tenant could be given the new configuration.
    #[error(
        "no tenant of {key:?} can have the new configuration, so it is not in force; {}",
        Refusals(tenants)
    )]
    RefusedByAll {
        /// What was to be reloaded.
        key: Key,
        /// The tenants, and why not.
        tenants: Vec<(Scope, Self)>,
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
