//! Looking a resource up: whose it is, whether it is what the caller expects, and whether it serves.
//!
//! Decides why not, if not. In the common case it is a snapshot, a hash, a comparison of types and a
//! reference count; it takes no lock and allocates nothing.

use std::sync::Arc;

use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::acquire::{Question, Wanted};
use crate::manager::erased::{Entry, Registered};
use crate::manager::error::ResourceError;
use crate::manager::registry::{Found, Snapshot};
use crate::manager::tenants;
use crate::resource::Resource;
use crate::scope::Scope;

impl Inner {
    /// The entry that the caller gets.
    #[inline]
    pub(crate) fn find<R: Resource>(
        &self,
        ask: Question<'_>,
    ) -> Result<Arc<Entry<R>>, ResourceError> {
        // Who was turned away looks closely: what closed may not say so yet.
        if ask.since.is_none()
            && let Some(entry) = self.glance::<R>(ask)
            && entry.about.life.state().serves()
        {
            return Ok(entry);
        }
        self.find_closely(ask)
    }

    /// [`find`](Self::find), for who was turned away.
    #[cold]
    pub(crate) fn find_closely<R: Resource>(
        &self,
        ask: Question<'_>,
    ) -> Result<Arc<Entry<R>>, ResourceError> {
        loop {
            // Whatever is found is of this type.
            if let Some(entry) = self.look_for(ask, Wanted::of::<R>())?.typed::<R>() {
                return Ok(entry);
            }
        }
    }

    /// What is there and needs no second look.
    #[inline]
    fn glance<R: Resource>(&self, ask: Question<'_>) -> Option<Arc<Entry<R>>> {
        let snapshot = self.registry.snapshot();
        match snapshot.find(ask.key, ask.context.scope())? {
            Found::There(registered) => registered.typed(),
            Found::Tenant(nursery, tenant) => nursery.tenants().get(tenant)?.typed(),
        }
    }

    /// What the caller gets, for who knows its type only by name: made now, if it is a tenant's that
    /// asks for the first time.
    pub(crate) fn look_for(
        &self,
        ask: Question<'_>,
        wanted: Wanted,
    ) -> Result<Registered, ResourceError> {
        loop {
            let snapshot = self.registry.snapshot();
            if snapshot.shut {
                return Err(ask.shutting_down());
            }
            let Some(registered) = pick(&snapshot, ask, wanted)? else {
                continue;
            };
            drop(snapshot);
            let state = registered.entry.about().life.state();
            if state.serves() {
                return Ok(registered);
            }
            if let Some(refusal) = self.unready(ask, &registered, state) {
                return Err(refusal);
            }
        }
    }

    /// Why one that does not serve is nothing for the caller; none if there may be another by now.
    ///
    /// It may just have been replaced, or everything may just have been shut: both are in the registry
    /// before any state tells of it.
    fn unready(
        &self,
        ask: Question<'_>,
        registered: &Registered,
        state: State,
    ) -> Option<ResourceError> {
        let current = self.registry.snapshot();
        if current.shut {
            return Some(ask.shutting_down());
        }
        let is_current = match current.find(ask.key, ask.context.scope()) {
            Some(Found::There(there)) => there.is(registered),
            Some(Found::Tenant(nursery, tenant)) => {
                let there = nursery.tenants().get(tenant);
                there.is_some_and(|there| there.is(registered))
            }
            None => false,
        };
        let key = ask.name();
        let hold = registered.entry.ward().and_then(|ward| ward.hold());
        is_current.then(|| match hold {
            Some(hold) => ResourceError::Quarantined { key, hold },
            None => ResourceError::NotReady { key, state },
        })
    }
}

/// What `snapshot` has for the caller; none if it is just changing.
fn pick(
    snapshot: &Snapshot,
    ask: Question<'_>,
    wanted: Wanted,
) -> Result<Option<Registered>, ResourceError> {
    let found = snapshot.find(ask.key, ask.context.scope());
    let about = match &found {
        None => return Err(missing(snapshot, ask)),
        Some(Found::There(registered)) => registered.entry.about(),
        Some(Found::Tenant(nursery, _)) => nursery.about(),
    };
    if about.resource_id != wanted.id {
        return Err(ResourceError::WrongType {
            key: ask.name(),
            asked: wanted.name,
            registered: about.resource,
        });
    }
    match found {
        Some(Found::There(registered)) => Ok(Some(registered.clone())),
        Some(Found::Tenant(nursery, tenant)) => tenants::take_in(&**nursery, tenant),
        None => Ok(None),
    }
}

/// Why nothing under this key is for the caller.
fn missing(snapshot: &Snapshot, ask: Question<'_>) -> ResourceError {
    let (key, caller) = (ask.name(), ask.context.scope());
    if snapshot.template(ask.key).is_some() {
        let caller = caller.clone();
        return ResourceError::NeedsTenant { key, caller };
    }
    let scope_of = |registered: &Registered| registered.entry.about().scope.clone();
    let owners: Vec<Scope> = snapshot.all_of(ask.key).map(scope_of).collect();
    if owners.is_empty() {
        let known = snapshot.visible_from(caller);
        return ResourceError::UnknownKey { key, known };
    }
    ResourceError::OutOfScope {
        key,
        owners,
        caller: caller.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::panic::Location;

    use super::*;
    use crate::context::Context;
    use crate::manager::Manager;
    use crate::resource::{BlockingResource, CreateContext};

    struct Thing;

    impl BlockingResource for Thing {
        type Config = ();
        type Instance = ();
        type Error = String;

        fn create(&self, (): &(), _: &CreateContext) -> Result<(), String> {
            Ok(())
        }
    }

    /// The moments between a change of the registry and that of a state, which no test from outside
    /// can hit when it wants to.
    #[test]
    fn one_that_was_just_replaced_is_looked_for_again() {
        let manager = Manager::new();
        manager.register_blocking("thing", Thing, ()).unwrap();
        let nobody = Context::new(Scope::GLOBAL);
        let ask = Question::new("thing", &nobody, Location::caller());
        let inner = &manager.inner;
        let old = inner.look_for(ask, Wanted::of::<Thing>()).unwrap();
        let unready = || inner.unready(ask, &old, State::Draining);

        let refused = unready();
        assert!(matches!(refused, Some(ResourceError::NotReady { .. })));
        manager.reload_config("thing", ()).wait().unwrap();
        assert!(unready().is_none(), "there is another one");
        drop(manager.deregister("thing", &Scope::GLOBAL).unwrap());
        assert!(unready().is_none(), "the next look says why not");
        manager.shutdown().wait();
        let refused = unready();
        assert!(matches!(refused, Some(ResourceError::ShuttingDown { .. })));
    }
}
