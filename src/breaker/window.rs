//! The calls that a circuit breaker's rates are of: the last so many, or those of the last while.
//!
//! Pure: is told of each call and the time, and counts. Knows nothing of limits.

use std::collections::VecDeque;
use std::time::Duration;

use nebula_resource_core::Tick;

use super::config;

/// In how many steps a window of time moves on.
const BUCKETS: usize = 10;

/// How many calls there were, and of what kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
}

/// How one call went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Went {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// The calls in sight.
#[derive(Debug)]
pub(super) enum Window {
    Calls {
        most: usize,
        calls: VecDeque<Went>,
        counts: Counts,
    },
    Time {
        buckets: [Counts; BUCKETS],
        /// The number of the newest bucket: the time divided by the width.
        newest: u64,
    },
}

impl Counts {
    const fn add(&mut self, times: u64, went: Went) {
        self.calls = self.calls.saturating_add(times);
        if went.failed {
            self.failed = self.failed.saturating_add(times);
        }
        if went.slow {
            self.slow = self.slow.saturating_add(times);
        }
    }

    const fn remove(&mut self, went: Went) {
        self.calls -= 1;
        self.failed -= went.failed as u64;
        self.slow -= went.slow as u64;
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            failed: self.failed.saturating_add(other.failed),
            slow: self.slow.saturating_add(other.slow),
        }
    }
}

impl Window {
    pub(super) fn new(kind: config::Window) -> Self {
        match kind {
            config::Window::Calls(most) => Self::Calls {
                most: most as usize,
                calls: VecDeque::new(),
                counts: Counts::default(),
            },
            config::Window::Time(_) => Self::Time {
                buckets: [Counts::default(); BUCKETS],
                newest: 0,
            },
        }
    }

    /// So many calls went like this, in the bucket of that number (see [`bucket`]).
    pub(super) fn add(&mut self, times: u64, went: Went, bucket: u64) {
        match self {
            Self::Calls {
                most,
                calls,
                counts,
            } => {
                // More than it holds push each other out.
                for _ in 0..times.min(*most as u64) {
                    if calls.len() == *most
                        && let Some(oldest) = calls.pop_front()
                    {
                        counts.remove(oldest);
                    }
                    calls.push_back(went);
                    counts.add(1, went);
                }
            }
            Self::Time { buckets, newest } => {
                advance(buckets, newest, bucket);
                // What is told late still counts, unless it is out of sight.
                if *newest - bucket < BUCKETS as u64 {
                    buckets[place(bucket)].add(times, went);
                }
            }
        }
    }

    /// What is in sight at the time of that bucket.
    pub(super) fn counts(&mut self, bucket: u64) -> Counts {
        match self {
            Self::Calls { counts, .. } => *counts,
            Self::Time { buckets, newest } => {
                advance(buckets, newest, bucket);
                buckets
                    .iter()
                    .copied()
                    .fold(Counts::default(), Counts::plus)
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Calls { calls, counts, .. } => {
                calls.clear();
                *counts = Counts::default();
            }
            Self::Time { buckets, .. } => *buckets = [Counts::default(); BUCKETS],
        }
    }
}

/// Moves on to a bucket; those between are empty. Time that runs backwards moves nothing.
fn advance(buckets: &mut [Counts; BUCKETS], newest: &mut u64, bucket: u64) {
    if bucket <= *newest {
        return;
    }
    // However far it has leapt, each bucket is emptied once at most.
    let steps = (bucket - *newest).min(BUCKETS as u64);
    for step in 0..steps {
        buckets[place(bucket - step)] = Counts::default();
    }
    *newest = bucket;
}

const fn place(bucket: u64) -> usize {
    // Less than `BUCKETS`.
    (bucket % BUCKETS as u64) as usize
}

/// How wide the buckets of a window of time are, in nanoseconds.
pub(super) fn width(span: Duration) -> u64 {
    let width = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX) / BUCKETS as u64;
    width.max(1)
}

/// The number of the bucket that a moment is in.
pub(super) const fn bucket(at: Tick, width: u64) -> u64 {
    at.as_nanos() / width
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn any_call() -> impl Strategy<Value = Went> {
        (any::<bool>(), any::<bool>()).prop_map(|(failed, slow)| Went { failed, slow })
    }

    fn counted<'w>(calls: impl Iterator<Item = &'w Went>) -> Counts {
        let mut counts = Counts::default();
        calls.for_each(|went| counts.add(1, *went));
        counts
    }

    proptest! {
        #[test]
        fn a_window_of_calls_has_exactly_the_last_ones(
            most in 1_u32..20,
            calls in proptest::collection::vec((any_call(), 1_u64..4), 0..60),
        ) {
            let mut window = Window::new(config::Window::Calls(most));
            let mut all = Vec::new();
            for (went, times) in calls {
                window.add(times, went, 0);
                all.extend((0..times).map(|_| went));
                let last = all.iter().rev().take(most as usize);
                prop_assert_eq!(window.counts(0), counted(last));
            }
        }

        #[test]
        fn a_window_of_time_has_exactly_what_is_in_sight(
            calls in proptest::collection::vec((any_call(), 0_u64..40), 0..60),
        ) {
            let mut window = Window::new(config::Window::Time(Duration::from_secs(10)));
            let mut all: Vec<(u64, Went)> = Vec::new();
            let mut newest = 0;
            for (went, at) in calls {
                // Some are told late, or the clock was set back.
                newest = newest.max(at);
                window.add(1, went, at);
                if newest - at < BUCKETS as u64 {
                    all.push((at, went));
                }
                let in_sight = all.iter().filter(|(at, _)| newest - at < BUCKETS as u64);
                let expected = counted(in_sight.map(|(_, went)| went));
                prop_assert_eq!(window.counts(newest), expected);
            }
        }
    }

    #[test]
    fn a_leap_empties_it_at_once() {
        let mut window = Window::new(config::Window::Time(Duration::from_secs(10)));
        let failed = Went {
            failed: true,
            slow: false,
        };
        window.add(5, failed, 3);
        assert_eq!(window.counts(12).failed, 5);
        assert_eq!(window.counts(u64::MAX), Counts::default());
        assert_eq!(
            window.counts(0),
            Counts::default(),
            "and does not come back"
        );
    }

    #[test]
    fn time_is_cut_into_tenths() {
        let width = width(Duration::from_secs(10));
        assert_eq!(width, SECOND);
        let at = Tick::from_nanos(7 * SECOND + 1);
        assert_eq!(bucket(at, width), 7);
    }
}
