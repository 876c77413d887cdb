//! How many connections there were, are, and were being made at once.
//!
//! Decides when an attempt is over: with the first byte from the server, or with the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use super::Shared;

#[derive(Debug, Default)]
pub(super) struct Counts {
    attempts: AtomicU64,
    attempting: AtomicUsize,
    peak: AtomicUsize,
    live: AtomicUsize,
}

impl Counts {
    pub(super) fn attempts(&self) -> u64 {
        self.attempts.load(SeqCst)
    }

    pub(super) fn attempting(&self) -> usize {
        self.attempting.load(SeqCst)
    }

    pub(super) fn peak(&self) -> usize {
        self.peak.load(SeqCst)
    }

    pub(super) fn forget_peak(&self) {
        self.peak.store(self.attempting(), SeqCst);
    }

    pub(super) fn live(&self) -> usize {
        self.live.load(SeqCst)
    }
}

/// One connection, as it is counted; ends with its drop.
pub(super) struct Counted {
    shared: Arc<Shared>,
    attempting: bool,
}

impl Counted {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let counts = &shared.counts;
        counts.attempts.fetch_add(1, SeqCst);
        counts.live.fetch_add(1, SeqCst);
        let now = counts.attempting.fetch_add(1, SeqCst) + 1;
        counts.peak.fetch_max(now, SeqCst);
        Self {
            shared: Arc::clone(shared),
            attempting: true,
        }
    }

    /// The server has answered.
    pub(super) fn answered(&mut self) {
        if std::mem::take(&mut self.attempting) {
            self.shared.counts.attempting.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.answered();
        self.shared.counts.live.fetch_sub(1, SeqCst);
    }
}
