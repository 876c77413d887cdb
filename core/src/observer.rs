//! The upward interface: what happened in a pool, told to whoever listens.
//!
//! Decides nothing. Events come from slow paths only: acquiring and releasing an idle object tells
//! nobody.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::retire::RetireReason;

/// Something that happened in a pool.
///
/// `Debug` shows errors as they show themselves to users (`Display`): in their own `Debug`, drivers
/// are less careful with secrets.
#[non_exhaustive]
pub enum Event<'a> {
    /// An object was made.
    Created {
        /// Its number.
        id: u64,
        /// How long it took.
        took: Duration,
    },
    /// An object could not be made.
    CreateFailed {
        /// Why.
        error: &'a (dyn Error + 'static),
        /// In how long the next attempt is made.
        next_in: Duration,
    },
    /// An object failed its validation or its recycling.
    CheckFailed {
        /// Its number.
        id: u64,
        /// Why.
        error: &'a (dyn Error + 'static),
    },
    /// An object was retired.
    Retired {
        /// Its number.
        id: u64,
        /// Why.
        reason: RetireReason,
    },
    /// An acquire ended at its deadline.
    TimedOut {
        /// Where it was called.
        at: &'static Location<'static>,
        /// How long it waited.
        waited: Duration,
    },
    /// An acquire was refused early: too many wait, or for too long.
    Overloaded {
        /// Where it was called.
        at: &'static Location<'static>,
        /// How long it waited.
        waited: Duration,
    },
    /// An object has been out for longer than `leak_after`; told once each time it is taken.
    Leaked {
        /// Its number.
        id: u64,
        /// Where it was taken.
        taken_at: &'static Location<'static>,
        /// How long ago.
        held_for: Duration,
    },
    /// A thread or task is about to wait for an object while it holds one of the same pool: it may
    /// be waiting for itself.
    NestedAcquire {
        /// Where it is about to wait.
        at: &'static Location<'static>,
        /// Where it took the one it holds.
        holding_since: &'static Location<'static>,
    },
    /// The configuration was changed.
    Reconfigured,
    /// The pool was closed.
    Closed,
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { id, took } => shown(f, "Created", &[("id", id), ("took", took)]),
            Self::CreateFailed { error, next_in } => {
                let error = error.to_string();
                shown(
                    f,
                    "CreateFailed",
                    &[("error", &error), ("next_in", next_in)],
                )
            }
            Self::CheckFailed { id, error } => shown(
                f,
                "CheckFailed",
                &[("id", id), ("error", &error.to_string())],
            ),
            Self::Retired { id, reason } => shown(f, "Retired", &[("id", id), ("reason", reason)]),
            Self::TimedOut { at, waited } => {
                shown(f, "TimedOut", &[("at", at), ("waited", waited)])
            }
            Self::Overloaded { at, waited } => {
                shown(f, "Overloaded", &[("at", at), ("waited", waited)])
            }
            Self::Leaked {
                id,
                taken_at,
                held_for,
            } => {
                let fields: &[Field<'_>] =
                    &[("id", id), ("taken_at", taken_at), ("held_for", held_for)];
                shown(f, "Leaked", fields)
            }
            Self::NestedAcquire { at, holding_since } => {
                let fields: &[Field<'_>] = &[("at", at), ("holding_since", holding_since)];
                shown(f, "NestedAcquire", fields)
            }
            Self::Reconfigured => f.write_str("Reconfigured"),
            Self::Closed => f.write_str("Closed"),
        }
    }
}

type Field<'a> = (&'a str, &'a dyn fmt::Debug);

fn shown(f: &mut fmt::Formatter<'_>, name: &str, fields: &[Field<'_>]) -> fmt::Result {
    let mut event = f.debug_struct(name);
    for (name, value) in fields {
        event.field(name, *value);
    }
    event.finish()
}

/// Is told what happens in a pool.
///
/// Called on the thread where it happens, never under a lock of the pool; a panic in it is caught
/// and dropped. It should not block: whoever caused the event waits for it.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::{Event, Observer};
///
/// struct Print;
///
/// impl Observer for Print {
///     fn observe(&self, event: &Event<'_>) {
///         eprintln!("{event:?}");
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// `event` happened.
    fn observe(&self, event: &Event<'_>);
}
