//! What is said of the health of everything.
//!
//! Decides what the health of several things amounts to: the worst of theirs.

use std::fmt;
use std::time::Duration;

use super::HealthState;
use crate::key::Key;
use crate::quarantine::Hold;
use crate::scope::Scope;

/// The health of everything that has a health policy, at one moment.
///
/// Shows one line for each resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SystemHealth {
    /// The worst of all.
    pub state: HealthState,
    /// By key and then by scope.
    pub resources: Vec<ResourceHealth>,
    /// Whether checks are run in the background. If not, they are run by
    /// [`Manager::run_maintenance`](crate::Manager::run_maintenance), and only then.
    pub runs_by_itself: bool,
}

/// The health of one resource, at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResourceHealth {
    /// What it is called.
    pub key: Key,
    /// Whose it is.
    pub scope: Scope,
    /// How it is.
    pub state: HealthState,
    /// From 0 to 1: how it has been lately, the last checks counting most.
    pub score: f64,
    /// Why callers do not get it, if they do not.
    pub hold: Option<Hold>,
    /// How often it was quarantined lately.
    pub strikes: u32,
    /// In how long it is checked next; `None` if it is not.
    pub next_check: Option<Duration>,
    /// For how long the check has gone on that goes on now.
    pub checking_for: Option<Duration>,
    /// The last checks, the newest first.
    pub history: Vec<Checked>,
}

/// What one check came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// How long ago it ended.
    pub ago: Duration,
    /// How long it took.
    pub took: Duration,
    /// What it saw.
    pub state: HealthState,
}

impl SystemHealth {
    pub(crate) fn new(mut resources: Vec<ResourceHealth>, runs_by_itself: bool) -> Self {
        resources.sort_by_cached_key(|one| (one.key.clone(), one.scope.to_string()));
        let states = resources.iter().map(|one| one.state.clone());
        Self {
            state: states.fold(HealthState::Healthy, HealthState::or_worse),
            resources,
            runs_by_itself,
        }
    }

    /// The resource of that name and scope.
    pub fn get(&self, key: &str, scope: &Scope) -> Option<&ResourceHealth> {
        let is_it = |one: &&ResourceHealth| one.key == key && one.scope == *scope;
        self.resources.iter().find(is_it)
    }
}

impl ResourceHealth {
    pub(crate) const fn unknown(key: Key, scope: Scope) -> Self {
        Self {
            key,
            scope,
            state: HealthState::Unknown,
            score: 1.0,
            hold: None,
            strikes: 0,
            next_check: None,
            checking_for: None,
            history: Vec::new(),
        }
    }
}

impl fmt::Display for SystemHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.state)?;
        if !self.runs_by_itself {
            f.write_str("nothing runs in the background: checks are run by hand\n")?;
        }
        for resource in &self.resources {
            writeln!(f, "{resource}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ResourceHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key, scope, score, ..
        } = self;
        write!(f, "{key} ({scope}): ")?;
        match &self.hold {
            Some(hold) => write!(f, "{hold}")?,
            None => write!(f, "{}", self.state)?,
        }
        write!(f, "; score {score:.2}")
    }
}
