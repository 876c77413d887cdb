//! What the callers count: operations, and how long each waited for its connection.
//!
//! Knows nothing of pools.

use std::collections::HashMap;
use std::thread::JoinHandle;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Error;

/// The kinds of callers, as their rows in the database call them.
pub(crate) const THREAD: &str = "thread";
pub(crate) const TOKIO: &str = "tokio task";
pub(crate) const SMOL: &str = "smol task";

/// In nanoseconds; longer than any acquire may take.
const LONGEST_WAIT: u64 = 60_000_000_000;

/// How many rows the database holds, per kind of caller.
pub(crate) type Rows = HashMap<String, i64>;

pub(crate) fn found(rows: &Rows, kind: &str) -> u64 {
    rows.get(kind).map_or(0, |count| count.unsigned_abs())
}

/// One caller's operations, or those of many.
pub(crate) struct Tally {
    operations: u64,
    waits: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self {
            operations: 0,
            waits: Histogram::new_with_max(LONGEST_WAIT, 3)?,
        })
    }

    /// A connection was had after so long.
    pub(crate) fn waited(&mut self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.waits.saturating_record(nanos);
    }

    /// An operation is complete: its row is in the database.
    pub(crate) const fn done(&mut self) {
        self.operations += 1;
    }

    pub(crate) const fn operations(&self) -> u64 {
        self.operations
    }

    /// The wait that this share of all operations did not exceed.
    pub(crate) fn wait_at(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.waits.value_at_quantile(quantile))
    }

    fn add(&mut self, other: &Self) -> Result<(), Error> {
        self.operations += other.operations;
        Ok(self.waits.add(&other.waits)?)
    }
}

/// The tallies of the three kinds.
pub(crate) struct Crowd {
    pub(crate) threads: Tally,
    pub(crate) tokio: Tally,
    pub(crate) smol: Tally,
}

impl Crowd {
    /// Each kind with its name.
    pub(crate) const fn kinds(&self) -> [(&'static str, &Tally); 3] {
        [
            (THREAD, &self.threads),
            (TOKIO, &self.tokio),
            (SMOL, &self.smol),
        ]
    }

    /// Everybody together.
    pub(crate) fn everybody(&self) -> Result<Tally, Error> {
        let mut all = Tally::new()?;
        for (_, tally) in self.kinds() {
            all.add(tally)?;
        }
        Ok(all)
    }
}

/// Adds up what callers of one kind bring home; the first error is the answer.
pub(crate) fn sum(callers: impl Iterator<Item = Result<Tally, Error>>) -> Result<Tally, Error> {
    let mut sum = Tally::new()?;
    for tally in callers {
        sum.add(&tally?)?;
    }
    Ok(sum)
}

/// Waits for a thread, and takes its panic for an error.
pub(crate) fn join(thread: JoinHandle<Result<Tally, Error>>) -> Result<Tally, Error> {
    thread.join().map_err(|_| "a thread panicked")?
}
