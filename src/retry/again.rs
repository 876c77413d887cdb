//! What an error says about trying again.
//!
//! Decides that for the errors of this crate, and for those that nobody has said anything about. Knows
//! nothing of policies.

use std::error::Error;
use std::io;
use std::time::Duration;

use nebula_resource_core::{AcquireError, BoxError};

use crate::breaker::BreakerState;
use crate::lifecycle::State;
use crate::manager::ResourceError;

/// What an error says about trying again: whether it helps, whether it may be harmful, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    pub(super) begun: Begun,
    pub(super) after: Duration,
}

/// Whether what failed may have been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    No,
    Perhaps,
    /// It does not matter: it fails again.
    Pointless,
}

impl Again {
    /// Nothing has been done yet: trying again is safe, whatever it is.
    ///
    /// To be said only where it is certain, as when no connection was to be had: a request that was
    /// sent and not answered may have been carried out.
    pub const fn not_begun() -> Self {
        Self {
            begun: Begun::No,
            after: Duration::ZERO,
        }
    }

    /// It may have been done, wholly or in part: trying again is safe only for what is idempotent.
    pub const fn perhaps() -> Self {
        Self {
            begun: Begun::Perhaps,
            after: Duration::ZERO,
        }
    }

    /// Trying again would not help.
    pub const fn pointless() -> Self {
        Self {
            begun: Begun::Pointless,
            after: Duration::ZERO,
        }
    }

    /// The same, but not before so much time has passed: a server's `Retry-After`.
    #[must_use]
    pub const fn after(self, span: Duration) -> Self {
        Self {
            after: span,
            ..self
        }
    }
}

/// An error that knows whether what failed is worth another try.
///
/// # Examples
///
/// ```
/// use nebula_resource::ResourceError;
/// use nebula_resource::retry::{Again, Retryable};
///
/// enum OrderError {
///     NoDatabase(ResourceError),
///     OutOfStock,
///     ConnectionLost,
/// }
///
/// impl Retryable for OrderError {
///     fn again(&self) -> Again {
///         match self {
///             Self::NoDatabase(error) => error.again(),
///             Self::OutOfStock => Again::pointless(),
///             Self::ConnectionLost => Again::perhaps(), // in the middle of it, for all we know
///         }
///     }
/// }
/// ```
pub trait Retryable {
    /// Whether what failed with this error is worth another try.
    fn again(&self) -> Again;

    /// This error as others know it, to be the source of [`GaveUp`](super::GaveUp). The default has
    /// none, because not every error is an [`Error`]: a box with one in it is not.
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
}

/// Whoever got no instance has done nothing with it.
impl Retryable for ResourceError {
    fn again(&self) -> Again {
        match self {
            Self::Pool { source, .. } => source.again(),
            Self::BreakerOpen(open) if open.state == BreakerState::ForcedOpen => Again::pointless(),
            Self::BreakerOpen(open) => Again::not_begun().after(open.retry_in.unwrap_or_default()),
            Self::Quarantined { hold, .. } => match hold.next_attempt {
                Some(next) => Again::not_begun().after(next),
                None => Again::pointless(),
            },
            // These pass.
            Self::NotReady {
                state: State::Created | State::Initializing | State::Quarantined,
                ..
            } => Again::not_begun(),
            _ => Again::pointless(),
        }
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

impl Retryable for AcquireError {
    fn again(&self) -> Again {
        match self {
            Self::CreateFailed(failed) => Again::not_begun().after(failed.next_in),
            Self::TimedOut(_) | Self::Paused { .. } | Self::Overloaded(_) => Again::not_begun(),
            _ => Again::pointless(),
        }
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

/// What [`ResourceError`] says, if it is one; a connection that was refused has begun nothing; and of
/// any other error it is not known how far it came.
impl Retryable for BoxError {
    fn again(&self) -> Again {
        let error: &(dyn Error + 'static) = &**self;
        if let Some(error) = error.downcast_ref::<ResourceError>() {
            return error.again();
        }
        if let Some(error) = error.downcast_ref::<AcquireError>() {
            return error.again();
        }
        match error.downcast_ref::<io::Error>() {
            Some(error) => error.again(),
            None => Again::perhaps(),
        }
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self)
    }
}

impl Retryable for io::Error {
    fn again(&self) -> Again {
        match self.kind() {
            io::ErrorKind::ConnectionRefused => Again::not_begun(),
            io::ErrorKind::InvalidInput
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::Unsupported
            | io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists => Again::pointless(),
            _ => Again::perhaps(),
        }
    }

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Cancelled;

    #[test]
    fn who_got_nothing_has_begun_nothing() {
        let waits = ResourceError::Pool {
            key: "db".to_owned(),
            source: AcquireError::Paused {
                waited: Duration::ZERO,
            },
        };
        assert_eq!(waits.again(), Again::not_begun());
        let cancelled = ResourceError::Cancelled {
            key: "db".to_owned(),
            source: Cancelled,
        };
        assert_eq!(cancelled.again(), Again::pointless());
        assert_eq!(AcquireError::Closed.again(), Again::pointless());
    }

    #[test]
    fn states_that_pass_are_worth_waiting_for() {
        let in_state = |state| {
            let key = "db".to_owned();
            ResourceError::NotReady { key, state }.again()
        };
        assert_eq!(in_state(State::Quarantined), Again::not_begun());
        assert_eq!(in_state(State::Failed), Again::pointless());
    }

    #[test]
    fn a_boxed_error_says_what_it_said_before() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(BoxError::from(refused).again(), Again::not_begun());
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(BoxError::from(reset).again(), Again::perhaps());
        assert_eq!(
            BoxError::from(AcquireError::Closed).again(),
            Again::pointless()
        );
        assert_eq!(BoxError::from("who knows").again(), Again::perhaps());
    }

    #[test]
    fn who_gives_up_hands_the_error_on() {
        let because = crate::retry::GaveUpBecause::Attempts;
        let gave_up = crate::retry::GaveUp {
            error: BoxError::from(AcquireError::Closed),
            attempts: 2,
            because,
        };
        let boxed = BoxError::from(gave_up);
        let source = boxed.source().and_then(|error| error.downcast_ref());
        assert!(matches!(source, Some(AcquireError::Closed)));
    }
}
