//! Own code before and after what is done to resources.
//!
//! Decides what a hook is told, and what it may have a say in. Who calls hooks, and what a refusal
//! leads to, is decided where the operation is.

mod attached;
mod audit;
mod slow;

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::time::Duration;

pub(crate) use attached::{Around, Occasion};
pub use attached::{Attachment, HookId, Hooks, Objection};
pub use audit::{Audit, AuditRecord};
pub use slow::{SlowAcquire, SlowAcquired};

use nebula_resource_core::RetireReason;

use crate::context::Context;
use crate::key::Key;
use crate::scope::Scope;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// An instance is made.
    Create,
    /// A caller is given an instance.
    Acquire,
    /// A caller gives an instance back.
    Release,
    /// An instance is cleaned up.
    Cleanup,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Acquire, Self::Release, Self::Cleanup];

    /// Whether a hook's refusal keeps it from happening.
    const fn can_be_refused(self) -> bool {
        matches!(self, Self::Create | Self::Acquire)
    }

    /// Its name, as it reads after "to".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Cleanup => "clean up",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Own code around what is done to resources: to write an audit trail, to refuse, to measure.
///
/// Attached to a manager with [`Hooks::attach`]. Both methods run on the thread of whoever does the
/// operation, which waits for them: they should be quick, and must not block where tasks run. What
/// runs before runs in order of priority, what runs after in reverse.
///
/// A panic harms nobody but the caller: before an operation it counts as a refusal, afterwards it is
/// told as an [event](crate::events::EventKind::HookObjected) and forgotten.
///
/// # Examples
///
/// ```
/// use nebula_resource::hooks::{Attachment, Call, Hook, Hooks, Operation, Refusal};
///
/// /// Lets nobody in who does not say for what.
/// struct Purpose;
///
/// impl Hook for Purpose {
///     fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
///         match call.caller().and_then(|caller| caller.metadata("purpose")) {
///             Some(_) => Ok(()),
///             None => Err("say for what, in the metadata".into()),
///         }
///     }
/// }
///
/// let hooks = Hooks::new();
/// let purpose = hooks.attach(Attachment::new(Purpose).on([Operation::Acquire]).priority(10));
/// assert!(hooks.detach(purpose));
/// ```
pub trait Hook: Send + Sync + 'static {
    /// What it is called in errors and events. The type's name, unless told otherwise.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Is about to happen. A refusal to [create](Operation::Create) or to
    /// [acquire](Operation::Acquire) keeps it from happening, and is the caller's error. What is
    /// given back or cleaned up is so in any case: a refusal there is told as an event.
    ///
    /// # Errors
    ///
    /// Why it must not happen.
    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let _ = call;
        Ok(())
    }

    /// Has happened, or failed. Called whenever [`before`](Self::before) let it pass, also when the
    /// caller went away meanwhile.
    fn after(&self, call: &Call<'_>, outcome: &Outcome<'_>) {
        let _ = (call, outcome);
    }
}

/// Why a hook does not let something happen.
///
/// Made of any text: `Err("not on a Sunday".into())`. Callers see it: no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for Refusal {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// What is done, and to what.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    operation: Operation,
    key: &'a Key,
    scope: &'a Scope,
    caller: Option<&'a Context>,
    reason: Option<RetireReason>,
}

impl<'a> Call<'a> {
    /// What is done.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// What the resource is called.
    pub const fn key(&self) -> &'a Key {
        self.key
    }

    /// Whose the resource is.
    pub const fn scope(&self) -> &'a Scope {
        self.scope
    }

    /// Who acquires or releases. Nobody creates or cleans up: instances belong to the pool.
    pub const fn caller(&self) -> Option<&'a Context> {
        self.caller
    }

    /// Why an instance is cleaned up.
    pub const fn reason(&self) -> Option<RetireReason> {
        self.reason
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("key", self.key)
            .field("scope", self.scope)
            .field("caller", &self.caller.map(Context::scope))
            .field("reason", &self.reason)
            .finish()
    }
}

/// How it ended.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    took: Duration,
    instance: Option<u64>,
    error: Option<&'a (dyn Error + 'static)>,
}

impl<'a> Outcome<'a> {
    /// How long it took. For a release: how long the caller had the instance.
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// The number of the instance that was acquired or released.
    pub const fn instance(&self) -> Option<u64> {
        self.instance
    }

    /// Why it failed, if it did.
    pub const fn error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.error
    }

    /// Whether it did not fail.
    pub const fn is_ok(&self) -> bool {
        self.error.is_none()
    }
}

/// Shows the error as it shows itself to users.
impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("took", &self.took)
            .field("instance", &self.instance)
            .field("error", &self.error.map(ToString::to_string))
            .finish()
    }
}

/// The caller went away before the operation was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("given up by the caller")]
pub struct Abandoned;

#[cfg(test)]
mod tests;
