//! Events as a test keeps them: without borrowed parts, comparable.
//!
//! Knows nothing of when they are told.

use nebula_resource::{Event, RetireReason};

/// An event, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Created(u64),
    CreateFailed(String),
    CheckFailed(u64),
    Retired(u64, RetireReason),
    TimedOut,
    Leaked(u64),
    NestedAcquire,
    Reconfigured,
    Closed,
    Other,
}

impl From<&Event<'_>> for Told {
    fn from(event: &Event<'_>) -> Self {
        match event {
            Event::Created { id, .. } => Self::Created(*id),
            Event::CreateFailed { error, .. } => Self::CreateFailed(error.to_string()),
            Event::CheckFailed { id, .. } => Self::CheckFailed(*id),
            Event::Retired { id, reason } => Self::Retired(*id, *reason),
            Event::TimedOut { .. } => Self::TimedOut,
            Event::Leaked { id, .. } => Self::Leaked(*id),
            Event::NestedAcquire { .. } => Self::NestedAcquire,
            Event::Reconfigured => Self::Reconfigured,
            Event::Closed => Self::Closed,
            _ => Self::Other,
        }
    }
}
