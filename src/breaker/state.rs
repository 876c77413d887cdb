//! The states of a circuit breaker, and the one table of what leads from which to which.
//!
//! Decides what can happen at all. Knows nothing of when.

use std::fmt;

/// Where a circuit breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Everybody is let through.
    Closed,
    /// Nobody is, for a while.
    Open,
    /// A few are, to see how they fare.
    HalfOpen,
    /// Nobody is, until somebody says otherwise.
    ForcedOpen,
    /// Everybody is, whatever becomes of them, until somebody says otherwise.
    ForcedClosed,
}

/// What makes a circuit breaker change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// So many failures in a row.
    ConsecutiveFailures,
    /// Too large a share of calls has failed.
    FailureRate,
    /// Too large a share of calls was slow.
    SlowRate,
    /// It has been open for long enough, and somebody asks.
    Waited,
    /// Somebody said that it is to be tried now.
    TriedNow,
    /// A trial failed.
    TrialFailed,
    /// Enough trials succeeded.
    TrialsPassed,
    /// Opened by hand.
    ForcedOpen,
    /// Closed by hand.
    ForcedClosed,
    /// Set back by hand, or with another configuration of its resource.
    Reset,
}

use BreakerState::{Closed, ForcedClosed, ForcedOpen, HalfOpen, Open};

/// What leads from where to where. Nothing else can happen.
///
/// The table in the documentation of [`breaker`](super) is this one; a test compares them.
const TABLE: [(BreakerState, &[(Cause, BreakerState)]); 5] = [
    (
        Closed,
        &[
            (Cause::ConsecutiveFailures, Open),
            (Cause::FailureRate, Open),
            (Cause::SlowRate, Open),
            (Cause::ForcedOpen, ForcedOpen),
            (Cause::ForcedClosed, ForcedClosed),
            (Cause::Reset, Closed),
        ],
    ),
    (
        Open,
        &[
            (Cause::Waited, HalfOpen),
            (Cause::TriedNow, HalfOpen),
            (Cause::ForcedOpen, ForcedOpen),
            (Cause::ForcedClosed, ForcedClosed),
            (Cause::Reset, Closed),
        ],
    ),
    (
        HalfOpen,
        &[
            (Cause::TrialFailed, Open),
            (Cause::TrialsPassed, Closed),
            (Cause::ForcedOpen, ForcedOpen),
            (Cause::ForcedClosed, ForcedClosed),
            (Cause::Reset, Closed),
        ],
    ),
    (
        ForcedOpen,
        &[(Cause::ForcedClosed, ForcedClosed), (Cause::Reset, Closed)],
    ),
    (
        ForcedClosed,
        &[(Cause::ForcedOpen, ForcedOpen), (Cause::Reset, Closed)],
    ),
];

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 5] = [Closed, Open, HalfOpen, ForcedOpen, ForcedClosed];

    /// Where `cause` leads from here; `None` where it changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::breaker::{BreakerState, Cause};
    ///
    /// let tripped = BreakerState::Closed.after(Cause::FailureRate);
    /// assert_eq!(tripped, Some(BreakerState::Open));
    /// assert_eq!(BreakerState::ForcedClosed.after(Cause::FailureRate), None);
    /// ```
    pub fn after(self, cause: Cause) -> Option<Self> {
        let (_, row) = TABLE.iter().find(|(state, _)| *state == self)?;
        let entry = row.iter().find(|(of, _)| *of == cause);
        entry.map(|(_, next)| *next)
    }

    /// Whether everybody is let through.
    pub const fn admits_all(self) -> bool {
        matches!(self, Closed | ForcedClosed)
    }

    /// A short name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Closed => "closed",
            Open => "open",
            HalfOpen => "half_open",
            ForcedOpen => "forced_open",
            ForcedClosed => "forced_closed",
        }
    }
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 10] = [
        Self::ConsecutiveFailures,
        Self::FailureRate,
        Self::SlowRate,
        Self::Waited,
        Self::TriedNow,
        Self::TrialFailed,
        Self::TrialsPassed,
        Self::ForcedOpen,
        Self::ForcedClosed,
        Self::Reset,
    ];

    /// A short name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureRate => "failure_rate",
            Self::SlowRate => "slow_rate",
            Self::Waited => "waited",
            Self::TriedNow => "tried_now",
            Self::TrialFailed => "trial_failed",
            Self::TrialsPassed => "trials_passed",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Reset => "reset",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Closed => "closed",
            Open => "open",
            HalfOpen => "half-open",
            ForcedOpen => "forced open",
            ForcedClosed => "forced closed",
        })
    }
}

/// Reads on after "it was opened: ".
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ConsecutiveFailures => "too many failures in a row",
            Self::FailureRate => "too many calls failed",
            Self::SlowRate => "too many calls were slow",
            Self::Waited => "it was open for long enough",
            Self::TriedNow => "somebody wants it tried",
            Self::TrialFailed => "a trial failed",
            Self::TrialsPassed => "the trials passed",
            Self::ForcedOpen => "by hand",
            Self::ForcedClosed => "by hand",
            Self::Reset => "it was set back",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table in the documentation: state, cause, next state.
    fn documented() -> Vec<[String; 3]> {
        let text = include_str!("mod.rs");
        let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `"));
        let cells = |row: &str| {
            let bare = row.replace(['`', ' '], "");
            let mut cells = bare.split('|').map(str::to_owned);
            [(); 3].map(|()| cells.next().unwrap_or_default())
        };
        rows.map(cells).collect()
    }

    #[test]
    fn the_documented_table_is_the_one_in_force() {
        let in_force: Vec<_> = TABLE
            .iter()
            .flat_map(|(from, row)| row.iter().map(move |(cause, to)| (from, cause, to)))
            .map(|(from, cause, to)| [from.name(), cause.name(), to.name()].map(str::to_owned))
            .collect();
        assert_eq!(documented(), in_force);
    }

    #[test]
    fn every_state_has_its_row_and_nothing_else_happens() {
        for state in BreakerState::ALL {
            for cause in Cause::ALL {
                let in_table = TABLE
                    .iter()
                    .filter(|(of, _)| *of == state)
                    .flat_map(|(_, row)| row.iter())
                    .find(|(of, _)| *of == cause)
                    .map(|(_, next)| *next);
                assert_eq!(state.after(cause), in_table, "{state}, {cause:?}");
            }
            assert_eq!(state.after(Cause::Reset), Some(Closed), "{state}");
        }
    }
}
