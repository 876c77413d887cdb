//! What has happened so far: counters off the fast path, and two histograms.
//!
//! Relaxed increments on slow paths only (acquisitions are counted in each object's record).
//! Nobody decides by them, but for [`Missed`], of which any reading will do.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::histogram::WaitHistogram;
pub use crate::histogram::WaitSummary;
use crate::retire::RetireReason;

const REASONS: usize = RetireReason::ALL.len();

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
    waited: AtomicU64,
    timed_out: AtomicU64,
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
        self.retired[reason.index()].fetch_add(1, Relaxed);
    }

    pub(crate) fn detached(&self) {
        self.detached.fetch_add(1, Relaxed);
    }

    pub(crate) fn destroyed(&self) {
        self.destroyed.fetch_add(1, Relaxed);
    }

    pub(crate) fn waited(&self, span: Duration) {
        self.waited.fetch_add(1, Relaxed);
        self.wait.record(span);
    }

    pub(crate) fn timed_out(&self) {
        self.timed_out.fetch_add(1, Relaxed);
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.fetch_add(1, Relaxed);
    }

    pub(crate) fn held(&self, span: Duration) {
        self.hold.record(span);
    }

    /// `uses` and `recycles` come from the objects' records.
    pub(crate) fn totals(&self, (uses, recycles): (u64, u64)) -> Totals {
        let by_reason = std::array::from_fn(|reason| self.retired[reason].load(Relaxed));
        Totals {
            acquired: uses,
            waited: self.waited.load(Relaxed),
            timed_out: self.timed_out.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            created: self.created.load(Relaxed),
            create_failures: self.create_failures.load(Relaxed),
            create_elided: self.create_elided.load(Relaxed),
            recycled: recycles,
            retired: by_reason.iter().sum(),
            detached: self.detached.load(Relaxed),
            destroyed: self.destroyed.load(Relaxed),
            wait: self.wait.summary(),
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
pub(crate) struct Missed(AtomicU64);

impl Missed {
    pub(crate) fn note(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Relaxed);
    }

    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}
