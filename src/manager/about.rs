//! What is known about a registration, whatever its type.
//!
//! Decides nothing.

use std::any::{TypeId, type_name};

use crate::key::Key;
use crate::lifecycle::Lifecycle;
use crate::resource::Resource;
use crate::scope::Scope;

/// What is known about a registration, whatever its type.
pub(crate) struct About {
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) needs: Vec<Key>,
    /// The configuration's number: 1 at first, one more with each reload.
    pub(crate) generation: u64,
    /// The resource's type, as the compiler calls it.
    pub(crate) resource: &'static str,
    pub(crate) resource_id: TypeId,
    pub(crate) life: Lifecycle,
    /// Nobody can turn callers away: there are no breakers, and it is not looked after. Here, where there is
    /// room: tenants are many.
    pub(crate) is_open_to_all: bool,
}

impl About {
    /// About what is new.
    pub(crate) fn new<R: Resource>(key: Key, scope: Scope, needs: Vec<Key>) -> Self {
        Self {
            key,
            scope,
            needs,
            generation: 1,
            resource: type_name::<R>(),
            resource_id: TypeId::of::<R>(),
            life: Lifecycle::new(),
            is_open_to_all: false,
        }
    }

    /// About the same with another configuration.
    pub(crate) fn reloaded(&self) -> Self {
        Self {
            key: self.key.clone(),
            scope: self.scope.clone(),
            needs: self.needs.clone(),
            generation: self.generation + 1,
            resource: self.resource,
            resource_id: self.resource_id,
            life: Lifecycle::new(),
            is_open_to_all: false,
        }
    }
}
