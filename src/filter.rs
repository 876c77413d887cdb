//! Which resources a hook or a subscriber is interested in.
//!
//! Decides by key, scope and type; knows nothing of what is told about them.

use std::any::{TypeId, type_name};
use std::fmt;

use crate::key::Key;
use crate::resource::Resource;
use crate::scope::Scope;

/// Selects resources by their key, their scope and their type; what is not said does not matter.
///
/// # Examples
///
/// ```
/// use nebula_resource::{Filter, scope::Scope};
///
/// let of_acme = Filter::all().within(Scope::tenant("acme")?).key("orders".parse()?);
/// # let _ = of_acme;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Filter {
    key: Option<Key>,
    within: Option<Scope>,
    resource: Option<(TypeId, &'static str)>,
}

impl Filter {
    /// Selects every resource.
    pub const fn all() -> Self {
        Self {
            key: None,
            within: None,
            resource: None,
        }
    }

    /// Of those, the ones registered under `key`.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Of those, the ones that belong to `scope` or to a scope in it: what a tenant shares with
    /// others is not the tenant's.
    #[must_use]
    pub fn within(mut self, scope: Scope) -> Self {
        self.within = Some(scope);
        self
    }

    /// Of those, the ones of type `R`.
    #[must_use]
    pub fn of_type<R: Resource>(mut self) -> Self {
        self.resource = Some((TypeId::of::<R>(), type_name::<R>()));
        self
    }

    pub(crate) fn selects(&self, subject: &Subject) -> bool {
        self.key.as_ref().is_none_or(|key| *key == subject.key)
            && self.resource.is_none_or(|(id, _)| id == subject.resource)
            && self
                .within
                .as_ref()
                .is_none_or(|scope| scope.contains(&subject.scope))
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("key", &self.key)
            .field("within", &self.within)
            .field("resource", &self.resource.map(|(_, name)| name))
            .finish()
    }
}

/// The resource that something is told about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) resource: TypeId,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use crate::resource::{BlockingResource, CreateContext};

    struct Some;
    struct Other;

    macro_rules! resource {
        ($name:ty) => {
            impl BlockingResource for $name {
                type Config = ();
                type Instance = ();
                type Error = String;

                fn create(&self, _: &(), _: &CreateContext) -> Result<(), String> {
                    Ok(())
                }
            }
        };
    }

    resource!(Some);
    resource!(Other);

    #[test]
    fn everything_that_is_said_must_be_so() {
        let acme = Scope::tenant("acme").unwrap();
        let subject = Subject {
            key: Key::new("db").unwrap(),
            scope: acme.workflow("w").unwrap(),
            resource: TypeId::of::<Some>(),
        };
        let (db, cache) = (Key::new("db").unwrap(), Key::new("cache").unwrap());
        let globex = Scope::tenant("globex").unwrap();
        let all = Filter::all;
        let selected = [
            all(),
            all().key(db.clone()),
            all().within(acme.clone()),
            all().within(Scope::GLOBAL),
            all().of_type::<Some>(),
            all()
                .key(db.clone())
                .within(subject.scope.clone())
                .of_type::<Some>(),
        ];
        for filter in selected {
            assert!(filter.selects(&subject), "{filter:?}");
        }
        let others = [
            all().key(cache).within(acme.clone()),
            all().key(db.clone()).within(globex),
            all().within(subject.scope.execution("7").unwrap()),
            all().key(db).within(acme).of_type::<Other>(),
        ];
        for filter in others {
            assert!(!filter.selects(&subject), "{filter:?}");
        }
    }

    /// Who looks at a tenant sees nothing of what all tenants share.
    #[test]
    fn what_is_shared_is_not_within_a_tenant() {
        let subject = Subject {
            key: Key::new("db").unwrap(),
            scope: Scope::GLOBAL,
            resource: TypeId::of::<Some>(),
        };
        let of_acme = Filter::all().within(Scope::tenant("acme").unwrap());
        assert!(!of_acme.selects(&subject));
    }
}
