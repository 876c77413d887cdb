//! What callers of a resource in quarantine are told.
//!
//! Decides the words.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// That a resource is in quarantine: why, since when, and when somebody looks at it next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// Why: what the last check saw, or what was said by whoever quarantined it.
    pub why: Arc<str>,
    /// For how long it has been in quarantine.
    pub since: Duration,
    /// In how long it is tried again; zero while that goes on, `None` if nobody tries.
    pub next_attempt: Option<Duration>,
    /// How often it was tried since.
    pub attempts: u32,
    /// It was given up: it is looked at now and then, if at all.
    pub given_up: bool,
    /// Somebody quarantined it by hand.
    pub by_hand: bool,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.given_up, self.by_hand) {
            (true, _) => "has failed",
            (_, true) => "is quarantined by hand",
            _ => "is in quarantine",
        };
        write!(f, "{kind} for {}: {}; ", Span(self.since), self.why)?;
        match self.next_attempt {
            None => f.write_str("it stays so until somebody releases or reloads it")?,
            Some(Duration::ZERO) => f.write_str("it is being tried again now")?,
            Some(next) => write!(f, "it is tried again in {}", Span(next))?,
        }
        match self.attempts {
            0 => Ok(()),
            1 => f.write_str(" (1 attempt so far)"),
            more => write!(f, " ({more} attempts so far)"),
        }
    }
}

/// A span of time, in tenths of seconds.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_goes_on() {
        let hold = Hold {
            why: "connection refused".into(),
            since: Duration::from_millis(12_300),
            next_attempt: Some(Duration::from_secs(4)),
            attempts: 3,
            given_up: false,
            by_hand: false,
        };
        assert_eq!(
            hold.to_string(),
            "is in quarantine for 12.3 s: connection refused; it is tried again in 4.0 s \
             (3 attempts so far)",
        );
        let lost = Hold {
            next_attempt: None,
            given_up: true,
            ..hold
        };
        assert_eq!(
            lost.to_string(),
            "has failed for 12.3 s: connection refused; it stays so until somebody releases or \
             reloads it (3 attempts so far)",
        );
    }
}
