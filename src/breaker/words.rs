//! What a circuit breaker says: why it is not closed, and what a caller can do who is turned away.
//!
//! Decides wording; knows nothing of how it comes about.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::catch;

use super::machine::Change;
use super::state::{BreakerState, Cause};

/// A caller was turned away at once, because a circuit breaker is not closed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{key:?} is not asked: its circuit breaker {breaker:?} is {state}{}; {}", Why(why.as_deref()), Advice(*state, *retry_in))]
#[non_exhaustive]
pub struct BreakerOpen {
    /// What was asked for.
    pub key: String,
    /// What the breaker is called.
    pub breaker: Arc<str>,
    /// Where it stands.
    pub state: BreakerState,
    /// Why.
    pub why: Option<Arc<str>>,
    /// In how long it is tried again, where that is known.
    pub retry_in: Option<Duration>,
}

struct Why<'w>(Option<&'w str>);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(why) => write!(f, " ({why})"),
            None => Ok(()),
        }
    }
}

struct Advice(BreakerState, Option<Duration>);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(BreakerState::ForcedOpen, _) => {
                f.write_str("it stays so until somebody resets it")
            }
            Self(_, Some(span)) => {
                let seconds = span.as_secs_f64();
                write!(
                    f,
                    "it is tried again in {seconds:.1} s: ask then, or do without"
                )
            }
            Self(_, None) => f.write_str("a trial is under way: ask again soon, or do without"),
        }
    }
}

/// Why it has changed; nothing where what was said before still holds.
pub(super) fn why(change: &Change) -> Option<Arc<str>> {
    let counts = change.counts;
    let why = match change.cause {
        Cause::ConsecutiveFailures => format!("{} failures in a row", change.run),
        Cause::FailureRate => format!("{} of {} calls failed", counts.failed, counts.calls),
        Cause::SlowRate => format!("{} of {} calls were slow", counts.slow, counts.calls),
        Cause::TrialFailed => "a trial failed".to_owned(),
        Cause::ForcedOpen => "by hand".to_owned(),
        _ => return None,
    };
    Some(why.into())
}

/// What an error says of itself. How it does is foreign code.
pub(super) fn last_words(words: &dyn Fn() -> Option<String>) -> Option<String> {
    catch("an error's Display", words).ok().flatten()
}
