//! Whose a resource is, and on whose behalf it is asked for.
//!
//! Decides what a scope is and which one contains which ([`Scope::contains`]): the boundary between
//! tenants. Knows nothing of resources, keys, or what becomes of a refusal.

mod containment;
mod names;
mod serial;

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

pub use containment::Ancestors;
pub use names::ScopeError;

/// Keyed anew in each process, so that whoever chooses identifiers cannot choose collisions.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// How narrow a scope is, from wide to narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everybody.
    Global,
    /// One customer, whose data nobody else sees.
    Tenant,
    /// One workflow: a program that is run again and again.
    Workflow,
    /// One run of a workflow.
    Execution,
    /// One step of a run.
    Action,
}

impl Level {
    /// All but [`Global`](Self::Global), which has no identifier; from wide to narrow.
    pub(crate) const NAMED: [Self; 4] =
        [Self::Tenant, Self::Workflow, Self::Execution, Self::Action];

    /// Its name, in files too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Tenant => "tenant",
            Self::Workflow => "workflow",
            Self::Execution => "execution",
            Self::Action => "action",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A place in the tree of tenants, workflows, executions and actions, with all that is above it.
///
/// A resource has one (who may use it) and so has every caller (on whose behalf it asks). A
/// caller may use a resource exactly if the resource's scope [`contains`](Self::contains) the
/// caller's.
///
/// A scope is made from the outside in, and only of valid identifiers: 1 to 128 bytes, printable,
/// no white space at either end. What is [read](#in-files) from a file goes the same way.
/// Identifiers are compared byte for byte. Levels may be left out (a program without tenants has
/// workflows of [`GLOBAL`](Self::GLOBAL)), but a missing level is not a wildcard: execution `7` of
/// nobody and execution `7` of a tenant have nothing to do with each other.
///
/// Cloning one counts a reference; comparing, hashing and walking up allocate nothing.
///
/// # Examples
///
/// ```
/// use nebula_resource::scope::Scope;
///
/// let acme = Scope::tenant("acme")?;
/// let run = acme.workflow("billing")?.execution("4711")?;
/// assert!(acme.contains(&run));
/// assert!(Scope::GLOBAL.contains(&run));
///
/// let globex = Scope::tenant("globex")?;
/// assert!(!globex.contains(&run)); // another tenant's
/// assert!(!run.contains(&acme)); // never upwards
/// assert_eq!(run.to_string(), "execution 4711 in workflow billing in tenant acme");
/// # Ok::<(), nebula_resource::scope::ScopeError>(())
/// ```
///
/// # In files
///
/// The global scope is the text `"global"`, every other one a map of what it names. An empty map
/// is refused, and so is an unknown or empty name: what was forgotten must not become everybody's.
/// The format must be self-describing, as TOML, JSON and YAML are.
///
/// ```
/// use nebula_resource::scope::Scope;
///
/// let read: Scope = serde_json::from_str(r#"{"workflow": "billing", "tenant": "acme"}"#)?;
/// assert_eq!(read, Scope::tenant("acme")?.workflow("billing")?);
/// assert!(serde_json::from_str::<Scope>("{}").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scope(Option<Arc<Named>>);

/// Everything that a scope below the global one names.
struct Named {
    level: Level,
    id: Box<str>,
    /// Wider than `level`.
    parent: Scope,
    /// Of the whole chain. Equal scopes have equal ones; unequal scopes may too.
    fingerprint: u64,
}

impl Scope {
    /// Everybody's: contains every other scope. A caller with this scope acts on nobody's behalf,
    /// and may use only what is everybody's.
    pub const GLOBAL: Self = Self(None);

    /// The scope of one tenant.
    ///
    /// # Errors
    ///
    /// [`ScopeError`] if `id` is empty, too long, not printable, or has white space around it.
    pub fn tenant(id: impl AsRef<str>) -> Result<Self, ScopeError> {
        Self::GLOBAL.inside(Level::Tenant, id.as_ref())
    }

    /// The scope of one workflow in this one.
    ///
    /// # Errors
    ///
    /// [`ScopeError`] if `id` is not valid (see [`tenant`](Self::tenant)), or this scope is neither
    /// the global one nor a tenant's.
    pub fn workflow(&self, id: impl AsRef<str>) -> Result<Self, ScopeError> {
        self.inside(Level::Workflow, id.as_ref())
    }

    /// The scope of one execution in this one.
    ///
    /// # Errors
    ///
    /// [`ScopeError`] if `id` is not valid (see [`tenant`](Self::tenant)), or this scope is an
    /// execution's or an action's.
    pub fn execution(&self, id: impl AsRef<str>) -> Result<Self, ScopeError> {
        self.inside(Level::Execution, id.as_ref())
    }

    /// The scope of one action in this one.
    ///
    /// # Errors
    ///
    /// [`ScopeError`] if `id` is not valid (see [`tenant`](Self::tenant)), or this scope is an
    /// action's.
    pub fn action(&self, id: impl AsRef<str>) -> Result<Self, ScopeError> {
        self.inside(Level::Action, id.as_ref())
    }

    /// How narrow it is.
    pub fn level(&self) -> Level {
        self.0.as_ref().map_or(Level::Global, |named| named.level)
    }

    /// What it names last: the identifier of its own level. The global scope has none.
    pub fn id(&self) -> Option<&str> {
        self.0.as_ref().map(|named| &*named.id)
    }

    /// The scope right above. Nothing is above the global one.
    pub fn parent(&self) -> Option<&Self> {
        self.0.as_ref().map(|named| &named.parent)
    }

    /// The tenant that it belongs to, if it names one.
    pub fn tenant_id(&self) -> Option<&str> {
        self.id_at(Level::Tenant)
    }

    /// The workflow that it belongs to, if it names one.
    pub fn workflow_id(&self) -> Option<&str> {
        self.id_at(Level::Workflow)
    }

    /// The execution that it belongs to, if it names one.
    pub fn execution_id(&self) -> Option<&str> {
        self.id_at(Level::Execution)
    }

    /// The action that it belongs to, if it names one.
    pub fn action_id(&self) -> Option<&str> {
        self.id_at(Level::Action)
    }

    fn id_at(&self, level: Level) -> Option<&str> {
        let at_level = self.ancestors().find(|scope| scope.level() == level);
        at_level.and_then(Self::id)
    }

    /// The one door through which a scope is made.
    fn inside(&self, level: Level, id: &str) -> Result<Self, ScopeError> {
        if self.level() >= level {
            let inside = self.clone();
            return Err(ScopeError::OutOfOrder { level, inside });
        }
        names::check(level, id)?;
        let fingerprint = FINGERPRINTS.hash_one((self.fingerprint(), level, id));
        Ok(Self(Some(Arc::new(Named {
            level,
            id: id.into(),
            parent: self.clone(),
            fingerprint,
        }))))
    }

    fn fingerprint(&self) -> u64 {
        self.0.as_ref().map_or(0, |named| named.fingerprint)
    }
}

/// Equal in every identifier and level. The fingerprint only spares most unequal ones the walk.
impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two) || one == two,
            _ => false,
        }
    }
}

impl Eq for Scope {}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
            && self.level == other.level
            && self.id == other.id
            && self.parent == other.parent
    }
}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.fingerprint());
    }
}

/// Reads on after "belongs to": `execution 7 in tenant acme`. Identifiers that could be mistaken for
/// something else are quoted.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(named) = &self.0 else {
            return f.write_str("global");
        };
        write!(f, "{} {}", named.level, names::Shown(&named.id))?;
        if named.parent == Self::GLOBAL {
            return Ok(());
        }
        write!(f, " in {}", named.parent)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    /// What the fingerprint must never decide alone.
    #[test]
    fn scopes_with_one_fingerprint_are_told_apart() {
        let with_fingerprint = |level, id: &str, parent: &Scope| {
            Scope(Some(Arc::new(Named {
                level,
                id: id.into(),
                parent: parent.clone(),
                fingerprint: 1,
            })))
        };
        let acme = with_fingerprint(Level::Tenant, "acme", &Scope::GLOBAL);
        let globex = with_fingerprint(Level::Tenant, "globex", &Scope::GLOBAL);
        let workflow = with_fingerprint(Level::Workflow, "acme", &Scope::GLOBAL);
        let run_of_acme = with_fingerprint(Level::Execution, "7", &acme);
        let run_of_globex = with_fingerprint(Level::Execution, "7", &globex);
        let all = [acme, globex, workflow, run_of_acme, run_of_globex];
        for (i, one) in all.iter().enumerate() {
            for (j, two) in all.iter().enumerate() {
                assert_eq!(one == two, i == j, "{one} and {two}");
            }
        }
    }

    #[test]
    fn equal_scopes_have_one_fingerprint() {
        let made = || Scope::tenant("acme").unwrap().execution("7").unwrap();
        assert_eq!(made().fingerprint(), made().fingerprint());
        let elsewhere = Scope::tenant("globex").unwrap().execution("7").unwrap();
        assert_ne!(made().fingerprint(), elsewhere.fingerprint());
    }
}
