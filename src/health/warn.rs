//! What is written to the log when a resource's health changes.
//!
//! Decides the level. Without the feature `tracing`, nothing is written.

use crate::events::EventKind;
use crate::key::Key;
use crate::scope::Scope;

#[cfg(feature = "tracing")]
pub(super) fn of(key: &Key, scope: &Scope, event: &EventKind) {
    use tracing::{error, info, warn};
    match event {
        EventKind::HealthChanged { from, to } if to > from => warn!(
            target: "nebula_resource", { resource.id = %key, resource.scope = %scope },
            "was {from}, is {to}"
        ),
        EventKind::HealthChanged { from, to } => info!(
            target: "nebula_resource", { resource.id = %key, resource.scope = %scope },
            "was {from}, is {to}"
        ),
        EventKind::Escalated { why, attempts, .. } => error!(
            target: "nebula_resource", { resource.id = %key, resource.scope = %scope },
            "given up after {attempts} attempts: {why}"
        ),
        _ => {}
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) fn of(_key: &Key, _scope: &Scope, _event: &EventKind) {}
