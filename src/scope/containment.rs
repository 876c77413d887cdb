//! Which scope contains which, and the way from a narrow one up to the global one.
//!
//! Decides by whole chains: one scope contains another if it lies on the other's way up. Knows
//! nothing of what is looked for on that way.
//!
//! Since that way is unique, containment is a partial order, no level that is missing on one side
//! matches anything on the other, and looking for something along the way never leaves the tenant.

use std::iter::FusedIterator;

use super::Scope;

impl Scope {
    /// Whether `other` is this scope, or lies inside it.
    ///
    /// Exact: every identifier that this scope names, and every level that it leaves out, must be
    /// the same in `other`.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::scope::Scope;
    ///
    /// let run = Scope::tenant("acme")?.workflow("billing")?.execution("7")?;
    /// assert!(run.contains(&run));
    /// assert!(run.contains(&run.action("send")?));
    ///
    /// // The same names, but not on the way from `run` to the global scope.
    /// assert!(!Scope::GLOBAL.workflow("billing")?.contains(&run));
    /// assert!(!Scope::tenant("acme")?.execution("7")?.contains(&run));
    /// # Ok::<(), nebula_resource::scope::ScopeError>(())
    /// ```
    pub fn contains(&self, other: &Self) -> bool {
        other.ancestors().any(|above| above == self)
    }

    /// This scope, the one above it, and so on up to the global one: in this order a caller's
    /// resource is looked for.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::scope::Scope;
    ///
    /// let run = Scope::tenant("acme")?.execution("7")?;
    /// let names: Vec<_> = run.ancestors().map(ToString::to_string).collect();
    /// assert_eq!(names, ["execution 7 in tenant acme", "tenant acme", "global"]);
    /// # Ok::<(), nebula_resource::scope::ScopeError>(())
    /// ```
    pub fn ancestors(&self) -> Ancestors<'_> {
        Ancestors { next: Some(self) }
    }
}

/// From a scope up to the global one; see [`Scope::ancestors`].
#[derive(Clone, Debug)]
pub struct Ancestors<'a> {
    next: Option<&'a Scope>,
}

impl<'a> Iterator for Ancestors<'a> {
    type Item = &'a Scope;

    fn next(&mut self) -> Option<&'a Scope> {
        let scope = self.next?;
        self.next = scope.parent();
        Some(scope)
    }
}

impl FusedIterator for Ancestors<'_> {}
