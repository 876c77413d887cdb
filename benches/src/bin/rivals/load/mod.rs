//! What callers do in a round, and what is counted.
//!
//! Decides the vocabulary; `threads` and `tasks` carry it out. Knows no contender and no scenario.

mod footprint;
mod handover;
mod meeting;
mod runtime;
mod sample;
mod storm;
mod tasks;
mod threads;
mod work;

use std::fmt;
use std::time::Duration;

pub(crate) use runtime::{block_on, runtime};
pub(crate) use sample::{Caller, Sample};
pub(crate) use tasks::open_tasks;
pub(crate) use threads::open_threads;
pub(crate) use work::{Work, calibrated, work};

/// What a caller does while it holds an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Hold {
    /// Nothing but look at it.
    Nothing,
    /// Computes for so long.
    Work(Work),
    /// Computes, and lets the other tasks run. (A thread only computes.)
    WorkAndYield(Work),
}

/// What every caller repeats until the round is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) callers: usize,
    pub(crate) hold: Hold,
    /// How many times between two looks at the clock.
    pub(crate) batch: u64,
    /// Whether each wait is measured; of a caller that never waits, each batch.
    pub(crate) timed: bool,
    pub(crate) span: Duration,
}

/// Why a contender is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Hung,
    Lost(String),
    Exceeded(String),
    Refused(String),
}

impl Failure {
    pub(crate) fn refused(why: impl fmt::Debug) -> Self {
        Self::Refused(format!("{why:?}"))
    }
}

impl Failure {
    /// In a cell of a table.
    pub(crate) const fn in_short(&self) -> &'static str {
        match self {
            Self::Hung => "failed: hung",
            Self::Lost(_) => "failed: lost objects",
            Self::Exceeded(_) => "failed: too many",
            Self::Refused(_) => "failed: error",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_short())?;
        match self {
            Self::Hung => Ok(()),
            Self::Lost(what) | Self::Exceeded(what) | Self::Refused(what) => write!(f, " ({what})"),
        }
    }
}

/// What is wrong where `found` of `objects` could be had at once, and `alive` exist.
fn recounted(found: usize, alive: usize, objects: usize, bounded: bool) -> Result<(), Failure> {
    if found < objects {
        return Err(Failure::Lost(format!("{found} left of {objects}")));
    }
    if bounded && alive > objects {
        return Err(Failure::Exceeded(format!("{alive} where {objects} may be")));
    }
    Ok(())
}

/// A pool with threads to call it.
pub(crate) trait Threads: Send + Sync {
    /// One round of `load`.
    fn run(&self, load: &Load) -> Result<Sample, Failure>;

    /// One caller that goes round so many pools like this one: nanoseconds for each acquire.
    fn go_round(&self, pools: usize, span: Duration) -> Result<f64, Failure>;

    /// Two callers and one object: how long from one's release to the other's acquire.
    fn hand_over(&self, span: Duration) -> Result<Sample, Failure>;

    /// Whether all objects can be had at once, and are as many as they may be.
    fn recount(&self, bounded: bool) -> Result<(), Failure>;
}

/// A pool with tasks to call it.
pub(crate) trait Tasks: Send + Sync {
    /// One round of `load`.
    fn run(&self, load: &Load) -> Result<Sample, Failure>;

    /// Two callers and one object that changes hands each time.
    fn hand_over(&self, span: Duration) -> Result<Sample, Failure>;

    /// Callers that give up, at random polls and after random times.
    fn storm(&self, callers: usize, span: Duration) -> Result<Sample, Failure>;

    /// What such a pool takes from the allocator; see [`footprint`].
    fn footprint(&self) -> Result<Vec<f64>, Failure>;

    /// Whether all objects can be had at once, and are as many as they may be.
    fn recount(&self, bounded: bool) -> Result<(), Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_are_lost_and_too_many_exceed() {
        assert_eq!(recounted(4, 4, 4, true), Ok(()));
        assert!(matches!(recounted(3, 4, 4, true), Err(Failure::Lost(_))));
        assert!(matches!(
            recounted(4, 5, 4, true),
            Err(Failure::Exceeded(_))
        ));
        assert_eq!(recounted(4, 32, 4, false), Ok(()), "it has no bound");
    }

    #[test]
    fn a_failure_says_that_it_is_one() {
        assert_eq!(Failure::Hung.to_string(), "failed: hung");
        let lost = Failure::Lost("3 left of 4".to_owned());
        assert_eq!(lost.to_string(), "failed: lost objects (3 left of 4)");
    }
}
