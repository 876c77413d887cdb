//! The audit trail: who did what to which resource, and how it ended.
//!
//! Decides what a record says; where records go is for whoever takes them.

use std::fmt;
use std::time::SystemTime;

use super::{Call, Hook, Outcome};
use crate::scope::Scope;

/// A hook that hands a record of every operation to a function.
///
/// Attach it with a low priority to hear also of what other hooks refuse: a hook is told only of
/// what has passed it.
///
/// # Examples
///
/// ```
/// use nebula_resource::hooks::{Attachment, Audit, Hooks};
///
/// let hooks = Hooks::new();
/// let audit = Audit::new(|record| eprintln!("{record}"));
/// hooks.attach(Attachment::new(audit).priority(0));
/// ```
pub struct Audit<F>(F);

impl<F: Fn(&AuditRecord<'_>) + Send + Sync + 'static> Audit<F> {
    /// Hands each record to `sink`.
    pub const fn new(sink: F) -> Self {
        Self(sink)
    }
}

impl<F: Fn(&AuditRecord<'_>) + Send + Sync + 'static> Hook for Audit<F> {
    fn name(&self) -> &str {
        "audit"
    }

    fn after(&self, call: &Call<'_>, outcome: &Outcome<'_>) {
        (self.0)(&AuditRecord {
            at: SystemTime::now(),
            call: *call,
            outcome: *outcome,
        });
    }
}

impl<F> fmt::Debug for Audit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

/// One line of an audit trail.
///
/// Shown, it reads `acquire "main_db" of tenant acme for execution 7 in tenant acme: done in 1.2ms`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AuditRecord<'a> {
    /// When it ended.
    pub at: SystemTime,
    /// What was done, and by whom.
    pub call: Call<'a>,
    /// How it ended.
    pub outcome: Outcome<'a>,
}

impl fmt::Display for AuditRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (call, outcome) = (&self.call, &self.outcome);
        write!(f, "{} {:?}", call.operation(), call.key())?;
        if *call.scope() != Scope::GLOBAL {
            write!(f, " of {}", call.scope())?;
        }
        if let Some(caller) = call.caller() {
            write!(f, " for {}", caller.scope())?;
        }
        if let Some(reason) = call.reason() {
            write!(f, " ({reason})")?;
        }
        match outcome.error() {
            None => write!(f, ": done in {:?}", outcome.took()),
            Some(error) => write!(f, ": failed after {:?}: {error}", outcome.took()),
        }
    }
}
