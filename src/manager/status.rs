//! What the manager has, at this moment.
//!
//! Decides nothing; gathers, and shows it in words.

use std::fmt;
use std::time::Duration;

use nebula_resource_core::Status;

use crate::autoscale::Recommendation;
use crate::breaker::{Breaker, BreakerState};
use crate::key::Key;
use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::erased::Registered;
use crate::scope::Scope;

/// Everything that is registered, at one moment.
///
/// Shows one line for each resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManagerStatus {
    /// The resources, by key and then by scope.
    pub resources: Vec<ResourceStatus>,
    /// Instances of what was reloaded or deregistered that are still alive, as a rule because their
    /// guards are still out.
    pub leaving: usize,
    /// Nothing is handed out any more.
    pub shutting_down: bool,
}

/// One resource, at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResourceStatus {
    /// What it is called.
    pub key: Key,
    /// Whose it is.
    pub scope: Scope,
    /// Its type, as the compiler calls it.
    pub resource: &'static str,
    /// Where it is in its life.
    pub state: State,
    /// The number of the configuration in force: 1 at first, one more with each reload.
    pub generation: u64,
    /// What it depends on.
    pub needs: Vec<Key>,
    /// How many instances there are and where.
    pub pool: Status,
    /// How many idle instances are kept ready.
    pub min_idle: usize,
    /// Where its own circuit breaker stands, if it has one.
    pub breaker: Option<BreakerState>,
    /// What its autoscaling says, if it has any.
    pub scaling: Option<Recommendation>,
    /// How long the one that has waited longest has waited; `None` when nobody waits.
    pub oldest_waiter: Option<Duration>,
}

impl ManagerStatus {
    /// The resource of that name and scope.
    pub fn get(&self, key: &str, scope: &Scope) -> Option<&ResourceStatus> {
        let is_it = |one: &&ResourceStatus| one.key == key && one.scope == *scope;
        self.resources.iter().find(is_it)
    }
}

impl fmt::Display for ManagerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shutting_down {
            f.write_str("shutting down\n")?;
        }
        for resource in &self.resources {
            writeln!(f, "{resource}")?;
        }
        match self.leaving {
            0 => Ok(()),
            left => writeln!(
                f,
                "{left} instances of former configurations are still alive"
            ),
        }
    }
}

impl fmt::Display for ResourceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            scope,
            state,
            pool,
            ..
        } = self;
        write!(f, "{key} ({scope}): {state}, {pool}")
    }
}

impl Inner {
    pub(crate) fn status(&self) -> ManagerStatus {
        let snapshot = self.registry.snapshot();
        let mut resources: Vec<_> = snapshot.all().iter().map(ResourceStatus::of).collect();
        let shutting_down = snapshot.shut;
        drop(snapshot);
        resources.sort_by_cached_key(|one| (one.key.clone(), one.scope.to_string()));
        let mut change = self.registry.change();
        change.forget_settled();
        let left = change.books.leaving.clone();
        drop(change);
        let alive = |left: &Registered| left.entry.pool_status().size;
        ManagerStatus {
            resources,
            leaving: left.iter().map(alive).sum(),
            shutting_down,
        }
    }
}

impl ResourceStatus {
    fn of(registered: &Registered) -> Self {
        let (entry, about) = (&registered.entry, registered.entry.about());
        Self {
            key: about.key.clone(),
            scope: about.scope.clone(),
            resource: about.resource,
            state: registered.state(),
            generation: about.generation,
            needs: about.needs.clone(),
            pool: entry.pool_status(),
            min_idle: entry.min_idle(),
            breaker: entry.breaker().map(Breaker::state),
            scaling: entry.scaler().map(|scaler| scaler.recommendation()),
            oldest_waiter: entry.oldest_waiter(),
        }
    }
}
