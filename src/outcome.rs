//! How bad an error is that a caller met with while it used an instance.
//!
//! Decides what each severity means for the instance and for the resource, and what an error is taken
//! for where its resource says nothing. Knows nothing of who counts.

use std::error::Error;
use std::fmt;
use std::io;

/// How bad an error is: for the instance that it came from, and for the resource.
///
/// A resource says which of its errors is what with
/// [`Resource::classify`](crate::Resource::classify); guards ask it when an error is
/// [reported](crate::ManagedGuard::report).
///
/// | severity | the instance | the resource |
/// |---|---|---|
/// | `Harmless` | is used again | it answered: counts as a success |
/// | `Transient` | is used again | counts as a failure |
/// | `Fatal` | is cleaned up | counts as a failure |
/// | `Poisoned` | is cleaned up | is not to blame: counts as nothing |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The caller's own fault: an ill-formed query, a constraint that was violated. The resource has
    /// answered, and is well.
    Harmless,
    /// It may work the next time: the server is overloaded, or took too long.
    Transient,
    /// The instance is of no use any more: its connection is gone.
    Fatal,
    /// Nobody knows what state the instance is in: an answer was cut off half-way, a session is dirty.
    Poisoned,
}

impl Severity {
    /// Every severity.
    pub const ALL: [Self; 4] = [Self::Harmless, Self::Transient, Self::Fatal, Self::Poisoned];

    /// What an error is taken for where nobody knows better: fatal, if it or any of its causes is an
    /// [`io::Error`] that says that a connection is gone; transient otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::Severity;
    /// use std::io;
    ///
    /// let gone = io::Error::from(io::ErrorKind::ConnectionReset);
    /// assert_eq!(Severity::of(&gone), Severity::Fatal);
    /// let slow = io::Error::from(io::ErrorKind::TimedOut);
    /// assert_eq!(Severity::of(&slow), Severity::Transient);
    /// ```
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        // Bounded: nothing keeps an error from being its own cause.
        for _ in 0..MOST_CAUSES {
            let Some(error) = next else { break };
            if ends_a_connection(error) {
                return Self::Fatal;
            }
            next = error.source();
        }
        Self::Transient
    }

    /// Whether the instance is not used again.
    pub const fn spoils_the_instance(self) -> bool {
        matches!(self, Self::Fatal | Self::Poisoned)
    }

    /// Whether it speaks against the resource.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Transient | Self::Fatal)
    }

    /// A short name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Transient => "transient",
            Self::Fatal => "fatal",
            Self::Poisoned => "poisoned",
        }
    }
}

/// How far down a chain of causes is looked.
const MOST_CAUSES: usize = 32;

fn ends_a_connection(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected,
        UnexpectedEof,
    };
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            BrokenPipe
                | ConnectionAborted
                | ConnectionRefused
                | ConnectionReset
                | NotConnected
                | UnexpectedEof
        )
    })
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the query failed")]
    struct Query(#[source] io::Error);

    #[test]
    fn a_lost_connection_is_recognised_however_deep() {
        let lost = Query(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(Severity::of(&lost), Severity::Fatal);
        let other = Query(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(Severity::of(&other), Severity::Transient);
        assert_eq!(Severity::of(&fmt::Error), Severity::Transient);
    }

    /// An error that claims to be its own cause.
    #[derive(Debug, thiserror::Error)]
    #[error("again")]
    struct Again;

    #[derive(Debug)]
    struct Circular;

    impl fmt::Display for Circular {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("circular")
        }
    }

    impl Error for Circular {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            static CIRCULAR: Circular = Circular;
            Some(&CIRCULAR)
        }
    }

    #[test]
    fn a_circle_of_causes_ends() {
        assert_eq!(Severity::of(&Circular), Severity::Transient);
        assert_eq!(Severity::of(&Again), Severity::Transient);
    }

    #[test]
    fn what_each_means() {
        let means =
            Severity::ALL.map(|severity| (severity.spoils_the_instance(), severity.is_failure()));
        let table = [(false, false), (false, true), (true, true), (true, false)];
        assert_eq!(means, table);
    }
}
