//! Why an acquire failed, in the words of whoever has to act on it.
//!
//! Decides wording; knows nothing of how failures come about.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::engine::Status;
use crate::waiters::Cause;

/// Why no object could be had.
///
/// Every variant says how long it took and how the pool stood at that moment; causes are kept and
/// reachable through [`Error::source`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// The deadline came first; or it was so near when an object came that there was no time left to
    /// recycle or validate it, while others waited who had it.
    #[error("{0}")]
    TimedOut(#[source] Box<TimedOut>),
    /// No object was idle, and none could be made.
    #[error("{0}")]
    CreateFailed(#[source] Box<CreateFailed>),
    /// The pool was closed, or its last handle dropped.
    #[error("the pool is closed")]
    Closed,
    /// The pool was paused until the deadline.
    #[error("the pool is paused (waited {}); resume it to go on", Span(*waited))]
    Paused {
        /// How long the caller waited for it to be resumed.
        waited: Duration,
    },
    /// Too many wait already, or for too long, and the pool was configured to refuse early what it could
    /// only serve late (`max_waiting`, `shed_after`).
    #[error("{0}")]
    Overloaded(#[source] Box<Overloaded>),
    /// `acquire_many` asked for more objects than there may ever be.
    #[error("{asked} objects were asked for, but max_size is {max_size}")]
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// The limit at that moment.
        max_size: usize,
    },
}

impl AcquireError {
    /// Whether the pool refused early what it could only have served late.
    pub const fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded(_))
    }

    /// Whether the caller's deadline was the reason.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

/// The report of a caller that was not let wait.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Overloaded {
    /// Which bound it met.
    pub bound: Bound,
    /// How long it waited.
    pub waited: Duration,
    /// How the pool stood.
    pub status: Status,
}

/// A bound on the waiting line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// There was no room in it: `max_waiting`.
    Full,
    /// It has not been empty for long, and the caller stood in it for `shed_after`.
    Standing,
}

impl fmt::Display for Overloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waited, status, .. } = self;
        match self.bound {
            Bound::Full => f.write_str("refused, since the waiting line is full (max_waiting)")?,
            Bound::Standing => write!(
                f,
                "given up after {} in a waiting line that does not go down (shed_after)",
                Span(*waited)
            )?,
        }
        write!(
            f,
            ": {status}; ask less often, or for more objects (max_size)"
        )
    }
}

impl Error for Overloaded {}

/// What the caller was waiting for when its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// For an object to come back.
    Waiting,
    /// For an object to be made.
    Creating,
    /// For an object to be validated or recycled.
    Validating,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Creating => "creating",
            Self::Validating => "validating",
        })
    }
}

/// The report of a timeout.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimedOut {
    /// What it was doing when the time was up.
    pub stage: Stage,
    /// How long it took.
    pub elapsed: Duration,
    /// How the pool stood.
    pub status: Status,
    /// Where the object that was out longest was taken, and how long ago.
    pub oldest_holder: Option<(&'static Location<'static>, Duration)>,
    /// Where this very thread or task had taken an object that it still held: it may have been
    /// waiting for itself.
    pub nested: Option<&'static Location<'static>>,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elapsed = Span(self.elapsed);
        write!(
            f,
            "timed out after {elapsed} {}: {}",
            self.stage, self.status
        )?;
        if let Some((at, held)) = self.oldest_holder {
            write!(f, ", oldest holder {at} for {}", Span(held))?;
        }
        if let Some(at) = self.nested {
            write!(
                f,
                "; this thread or task holds an object itself, taken at {at}"
            )?;
        }
        Ok(())
    }
}

impl Error for TimedOut {}

/// The report of a creation that failed.
///
/// Shows the cause as that shows itself to users (`Display`), in `Debug` too, where drivers are less
/// careful with secrets.
#[derive(Clone)]
#[non_exhaustive]
pub struct CreateFailed {
    /// Failed attempts in a row.
    pub attempts: u32,
    /// How long creations have been failing.
    pub failing_for: Duration,
    /// In how long the next attempt is made.
    pub next_in: Duration,
    /// How long the caller waited.
    pub waited: Duration,
    /// How the pool stood.
    pub status: Status,
    pub(crate) cause: Cause,
}

impl fmt::Debug for CreateFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateFailed")
            .field("attempts", &self.attempts)
            .field("failing_for", &self.failing_for)
            .field("next_in", &self.next_in)
            .field("waited", &self.waited)
            .field("status", &self.status)
            .field("cause", &self.cause.to_string())
            .finish()
    }
}

impl fmt::Display for CreateFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attempts, cause, ..
        } = self;
        let (failing, next) = (Span(self.failing_for), Span(self.next_in));
        write!(
            f,
            "could not create an object ({attempts} failed in a row over {failing}, next attempt in {next}): {cause}"
        )
    }
}

impl Error for CreateFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

/// A time span to one decimal: `2.0 s`, `350.0 ms`.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds >= 1.0 {
            write!(f, "{seconds:.1} s")
        } else {
            write!(f, "{:.1} ms", seconds * 1e3)
        }
    }
}
