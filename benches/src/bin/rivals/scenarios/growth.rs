//! How cost grows: with `max_size`, pools, threads, and waiters; now and ever.
//!
//! Each measure is one point of a curve. Those of a round share its time.

use std::sync::Arc;
use std::time::Duration;

use super::players::{self, Entry, Player};
use super::{Callers, Measure, Opened, Scenario};
use crate::contender::{Contender, Workers};
use crate::contenders::{MUTEX, SEMAPHORE};
use crate::load::{Failure, Hold, Load, Threads, calibrated};

const BATCH: u64 = 256;

const fn nanos(name: &'static str) -> Measure {
    Measure {
        name,
        unit: "ns",
        digits: 1,
        less_is_better: true,
    }
}

/// One caller that never waits; see S1.
const fn alone(span: Duration) -> Load {
    Load {
        callers: 1,
        hold: Hold::Nothing,
        batch: BATCH,
        timed: true,
        span,
    }
}

fn alone_takes(pool: &dyn Threads, span: Duration) -> Result<f64, Failure> {
    Ok(pool.run(&alone(span))?.median_time()? / BATCH as f64)
}

/// The part of a round that one of `points` has.
fn share(span: Duration, points: usize) -> Duration {
    span / u32::try_from(points).unwrap_or(u32::MAX)
}

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

/// r2d2 walks through its free places under its lock, and would take minutes to fill.
const R2D2_STOPS_AT: usize = 1_000;

/// One pool of each size.
struct BySize(Vec<Option<Arc<dyn Threads>>>);

impl Player for BySize {
    fn play(&self, span: Duration) -> Result<Vec<f64>, Failure> {
        let span = share(span, self.0.len());
        let one = |pool: &Option<Arc<dyn Threads>>| match pool {
            Some(pool) => alone_takes(&**pool, span),
            None => Ok(f64::NAN),
        };
        self.0.iter().map(one).collect()
    }

    fn finish(&self) -> Result<(), Failure> {
        let mut pools = self.0.iter().flatten();
        pools.try_for_each(|pool| pool.recount(true))
    }
}

fn by_size(contender: &Contender) -> Opened {
    let door = contender
        .threads
        .filter(|_| Entry::Waiting.admits(contender));
    let Some(open) = door else {
        return Ok(None);
    };
    let one = |size| {
        let stops = contender.name == "r2d2" && size > R2D2_STOPS_AT;
        if stops {
            Ok(None)
        } else {
            open(size).map(Some)
        }
    };
    let pools = SIZES.into_iter().map(one).collect::<Result<_, _>>()?;
    Ok(Some(Arc::new(BySize(pools))))
}

pub(crate) static SIZE: Scenario = Scenario {
    id: "GO",
    callers: Callers::Threads,
    title: "growth with max_size: one thread, never empty; of many objects at least 1000 are made",
    measures: &[
        nanos("10"),
        nanos("100"),
        nanos("1000"),
        nanos("10000"),
        nanos("100000"),
    ],
    bases: &[MUTEX],
    contended: false,
    stretch: 2,
    rounds: None,
    open: by_size,
};

pub(crate) static POOLS: Scenario = Scenario {
    id: "GP",
    callers: Callers::Threads,
    title: "growth with pools: one thread goes round so many pools of one object",
    measures: &[nanos("1"), nanos("10"), nanos("100"), nanos("1000")],
    bases: &[MUTEX],
    contended: false,
    stretch: 2,
    rounds: None,
    open: |contender| {
        // r2d2 has three threads per pool.
        if contender.name == "r2d2" {
            return Ok(None);
        }
        players::threads(contender, Entry::Waiting, 1, |pool, span| {
            let counts = [1, 10, 100, 1_000];
            let span = share(span, counts.len());
            let one = |pools| pool.go_round(pools, span);
            counts.into_iter().map(one).collect()
        })
    },
};

pub(crate) static THREADS: Scenario = Scenario {
    id: "GT",
    callers: Callers::Threads,
    title: "growth with threads: so many on 8 objects, 50 ns of work while holding",
    measures: &[
        nanos("1"),
        nanos("2"),
        nanos("4"),
        nanos("8"),
        nanos("16"),
        nanos("32"),
    ],
    bases: &[MUTEX],
    contended: true,
    stretch: 2,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::Waiting, 8, |pool, span| {
            let counts = [1, 2, 4, 8, 16, 32];
            let one = |callers| {
                let load = Load {
                    callers,
                    hold: Hold::Work(calibrated(Duration::from_nanos(50))),
                    batch: 32,
                    timed: false,
                    span: share(span, counts.len()),
                };
                Ok(pool.run(&load)?.nanos_per_op())
            };
            counts.into_iter().map(one).collect()
        })
    },
};

pub(crate) static WAITERS: Scenario = Scenario {
    id: "GW",
    callers: Callers::Tasks,
    title: "growth with waiters: so many tasks on 4 objects, held across a yield",
    measures: &[nanos("8"), nanos("64"), nanos("512"), nanos("4096")],
    bases: &[SEMAPHORE, "deadpool"],
    contended: true,
    stretch: 2,
    rounds: None,
    open: |contender| {
        let pool = (4, Workers::Two);
        players::tasks(contender, Entry::Waiting, pool, |pool, span| {
            let counts = [8, 64, 512, 4_096];
            let one = |callers| {
                let load = Load {
                    callers,
                    hold: Hold::WorkAndYield(calibrated(Duration::from_nanos(50))),
                    batch: 1,
                    timed: false,
                    span: share(span, counts.len()),
                };
                Ok(pool.run(&load)?.nanos_per_op())
            };
            counts.into_iter().map(one).collect()
        })
    },
};

pub(crate) static HISTORY: Scenario = Scenario {
    id: "GA",
    callers: Callers::Threads,
    title: "growth with waiters that ever waited: one thread, before and after 32 threads on 8 objects",
    measures: &[nanos("before"), nanos("after")],
    bases: &[MUTEX],
    contended: false,
    stretch: 2,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::Waiting, 8, |pool, span| {
            let span = share(span, 3);
            let before = alone_takes(pool, span)?;
            pool.run(&Load {
                callers: 32,
                hold: Hold::Work(calibrated(Duration::from_micros(1))),
                batch: 1,
                timed: false,
                span,
            })?;
            Ok(vec![before, alone_takes(pool, span)?])
        })
    },
};
