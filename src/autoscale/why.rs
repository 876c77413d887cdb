//! What is to be done and why, in words that an operator can act upon.
//!
//! Vocabulary only.

use std::fmt;
use std::time::Duration;

use crate::lifecycle::State;

/// How much is wanted of a pool, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Demand {
    /// Instances in use and callers in line.
    pub wanted: usize,
    /// How many instances there may be.
    pub of: usize,
}

impl Demand {
    pub(crate) const fn new(wanted: usize, of: usize) -> Self {
        Self { wanted, of }
    }
}

/// Shows as `9 of 10`.
impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.wanted, self.of)
    }
}

/// Why a pool is to be larger or smaller, or to stay as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// Demand has been high for long: there is to be more.
    HighDemand {
        /// As last measured.
        demand: Demand,
        /// From here on it is high.
        watermark: f64,
        /// How long it has been.
        lasted: Duration,
    },
    /// Demand has been low for long: there is to be less.
    LowDemand {
        /// As last measured.
        demand: Demand,
        /// Up to here it is low.
        watermark: f64,
        /// How long it has been.
        lasted: Duration,
    },
    /// The size was beyond the policy's limits.
    OutOfBounds {
        /// The least that the policy allows.
        min: usize,
        /// The most that it allows.
        max: usize,
    },
    /// Somebody said so.
    ByHand,
    /// Nothing has been measured yet.
    NotMeasured,
    /// Demand is neither high nor low.
    InBetween {
        /// As last measured.
        demand: Demand,
    },
    /// Demand is high or low, but has not been so for long.
    NotForLong {
        /// As last measured.
        demand: Demand,
        /// For so much longer it would have to be.
        left: Duration,
    },
    /// There was a change, or one that failed, a short while ago.
    Resting {
        /// For so much longer there is none.
        left: Duration,
    },
    /// Demand is high or low, and the size as large or as small as the policy allows.
    AtLimit {
        /// As last measured.
        demand: Demand,
    },
    /// Callers wait although there may be more instances than there are: it takes long to make them,
    /// or fails, and room for more would not help.
    RoomUnused {
        /// Callers in line.
        waiting: usize,
        /// Instances there are.
        size: usize,
        /// Instances there may be.
        of: usize,
    },
    /// A step, however small, would have to be taken back at once.
    WouldNotLast {
        /// As last measured.
        demand: Demand,
    },
    /// The resource is not in a state to be measured.
    NotServing {
        /// Its state.
        state: State,
    },
    /// The pool is paused.
    Paused,
    /// Switched off.
    Disabled,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HighDemand {
                demand,
                watermark,
                lasted,
            } => {
                let lasted = Seconds(*lasted);
                write!(
                    f,
                    "demand ({demand}) has been high ({watermark} or more) for {lasted}"
                )
            }
            Self::LowDemand {
                demand,
                watermark,
                lasted,
            } => {
                let lasted = Seconds(*lasted);
                write!(
                    f,
                    "demand ({demand}) has been low ({watermark} or less) for {lasted}"
                )
            }
            Self::OutOfBounds { min, max } => {
                write!(f, "the policy allows from {min} to {max}")
            }
            Self::ByHand => f.write_str("set by hand"),
            hold => hold.fmt_hold(f),
        }
    }
}

impl Why {
    /// Why nothing is to be done.
    fn fmt_hold(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InBetween { demand } => write!(f, "demand ({demand}) is neither high nor low"),
            Self::NotForLong { demand, left } => {
                let left = Seconds(*left);
                write!(
                    f,
                    "demand ({demand}) is not what it was; if it lasts, a step in {left}"
                )
            }
            Self::Resting { left } => {
                write!(
                    f,
                    "a change was tried a short while ago; the next in {} at the earliest",
                    Seconds(*left)
                )
            }
            Self::AtLimit { demand } => {
                write!(f, "demand is {demand}, and the policy allows no other size")
            }
            Self::RoomUnused { waiting, size, of } => write!(
                f,
                "{waiting} callers wait although there are only {size} of {of} instances: \
                 making them is what takes long"
            ),
            Self::WouldNotLast { demand } => {
                write!(
                    f,
                    "demand is {demand}: a step would have to be taken back at once"
                )
            }
            Self::NotServing { state } => write!(f, "the resource is {state}"),
            Self::Paused => f.write_str("the pool is paused"),
            Self::Disabled => f.write_str("autoscaling is switched off"),
            _ => f.write_str("nothing has been measured yet"),
        }
    }
}

/// Shows as `12.5 s`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

/// What a pool's policy would have it be; see [`Autoscaler::recommendation`](super::Autoscaler).
///
/// Shows as one line: `from 10 to 12: demand (9 of 10) has been high (0.8 or more) for 30.0 s`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recommendation {
    /// `max_size`, as last measured.
    pub from: usize,
    /// What it should be; the same where nothing is to be changed.
    pub to: usize,
    /// Why, or why not.
    pub why: Why,
}

impl Recommendation {
    pub(crate) const fn stay(at: usize, why: Why) -> Self {
        Self {
            from: at,
            to: at,
            why,
        }
    }

    /// Whether anything should be changed.
    pub const fn is_change(&self) -> bool {
        self.from != self.to
    }
}

impl fmt::Display for Recommendation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, why } = self;
        if self.is_change() {
            write!(f, "from {from} to {to}: {why}")
        } else {
            write!(f, "stay at {from}: {why}")
        }
    }
}
