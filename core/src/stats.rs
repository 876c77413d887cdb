//! What has happened so far: counters off the fast path, and two histograms.
//!
//! Increments on slow paths only (acquisitions are counted in each object's record). Nobody decides
//! by them, but for closing, which asks whether all that were made are gone, and [`Missed`], of which
//! any reading will do. They are read one after the other while objects come and go: the ends first,
//! with Acquire, and the beginnings last, so that no reading tells of more that have gone than ever
//! came.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

use crate::histogram::WaitHistogram;
pub use crate::histogram::WaitSummary;
use crate::retire::RetireReason;

const REASONS: usize = RetireReason::ALL.len();

/// Whether acquires, releases and waits are counted. Always, but under the private feature
/// `__without_stats`, which is there to measure what that costs (`ci/stats-cost.sh`). The debug
/// assertions keep the tests out of it, which run with all features.
pub(crate) const COUNTING: bool = cfg!(any(not(feature = "__without_stats"), debug_assertions));

fn count(counter: &AtomicU64) {
    if COUNTING {
        counter.fetch_add(1, Relaxed);
    }
}

fn measure(spans: &WaitHistogram, span: Duration) {
    if COUNTING {
        spans.record(span);
    }
}

/// Totals since the pool was made.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// Objects handed out.
    pub acquired: u64,
    /// Acquires that had to wait.
    pub waited: u64,
    /// Acquires that ended at their deadline.
    pub timed_out: u64,
    /// Acquires that were refused early, because too many waited or for too long.
    pub turned_away: u64,
    /// Acquires that were dropped while they waited.
    pub cancelled: u64,
    /// Objects made.
    pub created: u64,
    /// Creations that failed, hung, panicked, or were dropped by their runtime.
    pub create_failures: u64,
    /// Creations that were not started after all, because nobody waited any more.
    pub create_elided: u64,
    /// Objects recycled for the next caller.
    pub recycled: u64,
    /// Objects retired, for whatever reason.
    pub retired: u64,
    /// Objects taken out for good by `Guard::detach`.
    pub detached: u64,
    /// Retired objects whose destruction is complete.
    pub destroyed: u64,
    /// How long those who waited did so.
    pub wait: WaitSummary,
    /// How long objects were held; empty unless switched on.
    pub hold: WaitSummary,
    by_reason: [u64; REASONS],
}

impl Totals {
    /// Objects retired for `reason`.
    pub fn retired_for(&self, reason: RetireReason) -> u64 {
        self.by_reason[reason.index()]
    }
}

#[derive(Default)]
pub(crate) struct Stats {
    timed_out: AtomicU64,
    turned_away: AtomicU64,
    cancelled: AtomicU64,
    created: AtomicU64,
    create_failures: AtomicU64,
    create_elided: AtomicU64,
    detached: AtomicU64,
    destroyed: AtomicU64,
    retired: [AtomicU64; REASONS],
    wait: WaitHistogram,
    hold: WaitHistogram,
}

impl Stats {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn created(&self) {
        self.created.fetch_add(1, Relaxed);
    }

    pub(crate) fn create_failed(&self) {
        self.create_failures.fetch_add(1, Relaxed);
    }

    pub(crate) fn create_elided(&self) {
        self.create_elided.fetch_add(1, Relaxed);
    }

    pub(crate) fn retired(&self, reason: RetireReason) {
        self.retired[reason.index()].fetch_add(1, Release);
    }

    pub(crate) fn detached(&self) {
        self.detached.fetch_add(1, Release);
    }

    pub(crate) fn destroyed(&self) {
        self.destroyed.fetch_add(1, Release);
    }

    pub(crate) fn waited(&self, span: Duration) {
        measure(&self.wait, span);
    }

    pub(crate) fn timed_out(&self) {
        count(&self.timed_out);
    }

    pub(crate) fn turned_away(&self) {
        count(&self.turned_away);
    }

    pub(crate) fn cancelled(&self) {
        count(&self.cancelled);
    }

    pub(crate) fn held(&self, span: Duration) {
        measure(&self.hold, span);
    }

    /// `uses` and `recycles` come from the objects' records.
    pub(crate) fn totals(&self, (uses, recycles): (u64, u64)) -> Totals {
        // ord: Acquire, pairs with the Release of the increments: whoever sees an object's end sees that
        // it was made, by reading `created` below.
        let destroyed = self.destroyed.load(Acquire);
        let detached = self.detached.load(Acquire);
        let by_reason = std::array::from_fn(|reason| self.retired[reason].load(Acquire));
        let wait = self.wait.summary();
        Totals {
            acquired: uses,
            waited: wait.count,
            timed_out: self.timed_out.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            created: self.created.load(Relaxed),
            create_failures: self.create_failures.load(Relaxed),
            create_elided: self.create_elided.load(Relaxed),
            recycled: recycles,
            retired: by_reason.iter().sum(),
            detached,
            destroyed,
            wait,
            hold: self.hold.summary(),
            by_reason,
        }
    }
}

/// How much time has passed unseen, in all.
///
/// When maintenance finds itself far behind its time, the clock has leapt or the process was stopped.
/// Every object would be over its age at once, and all would be replaced in one herd. So the time
/// missed does not count towards anybody's age; it does count as idle time, so that all are
/// validated before use.
#[derive(Default)]
pub(crate) struct Missed(AtomicU32);

/// How much was missed up to a moment, in steps of 2^24 ns (17 ms), modulo 2^32 of them (two years).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MissedSteps(u32);

const STEP_BITS: u32 = 24;

impl Missed {
    /// What is less than a step is forgotten; what is more than two years counts as that.
    pub(crate) fn note(&self, span: Duration) {
        let steps = u32::try_from(span.as_nanos() >> STEP_BITS).unwrap_or(u32::MAX);
        self.0.fetch_add(steps, Relaxed);
    }

    pub(crate) fn steps(&self) -> MissedSteps {
        MissedSteps(self.0.load(Relaxed))
    }
}

impl MissedSteps {
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::from(self.0.wrapping_sub(earlier.0)) << STEP_BITS)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    #[test]
    fn waits_are_counted_unless_it_is_measured_what_that_costs() {
        let stats = Stats::new();
        stats.waited(Duration::from_secs(1));
        stats.held(Duration::from_secs(1));
        stats.timed_out();
        stats.turned_away();
        stats.cancelled();
        stats.created();
        let totals = stats.totals((0, 0));
        let once = u64::from(COUNTING);
        let waits = [
            totals.waited,
            totals.timed_out,
            totals.turned_away,
            totals.cancelled,
        ];
        assert_eq!(waits, [once; 4]);
        assert_eq!([totals.wait.count, totals.hold.count], [once; 2]);
        assert_eq!(totals.created, 1, "closing asks for it");
        let measured = cfg!(all(feature = "__without_stats", not(debug_assertions)));
        assert_eq!(COUNTING, !measured);
    }

    #[test]
    fn what_was_missed_is_told_in_steps_and_in_turns() {
        let missed = Missed::default();
        let before = missed.steps();
        missed.note(Duration::from_nanos((1 << STEP_BITS) - 1));
        assert_eq!(missed.steps(), before, "less than a step");
        missed.note(Duration::from_secs(3600));
        let hour = missed.steps().since(before);
        assert!(Duration::from_secs(3600) - hour < Duration::from_millis(17));
        let noon = missed.steps();
        missed.note(Duration::MAX);
        let most = Duration::from_nanos(u64::from(u32::MAX) << STEP_BITS);
        assert_eq!(missed.steps().since(noon), most);
        let round = missed.steps();
        missed.note(Duration::from_secs(3600));
        assert_eq!(missed.steps().since(round), hour, "over the edge");
    }

    /// Red with the counters read in the order in which they are written: an object that is made and
    /// gone between two of the readings is seen to go only.
    #[test]
    fn the_gone_are_never_more_than_the_made() {
        let (stats, over) = (Stats::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..300_000 {
                    stats.created();
                    stats.detached();
                }
                over.store(true, Relaxed);
            });
            while !over.load(Relaxed) {
                let totals = stats.totals((0, 0));
                assert!(totals.detached <= totals.created, "{totals:?}");
            }
        });
    }
}
