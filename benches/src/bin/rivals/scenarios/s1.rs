//! S1: one caller, eight objects: what an acquire and a release cost by themselves.

use std::time::Duration;

use super::players::{self, Entry};
use super::{Callers, NANOS, Scenario};
use crate::contender::Workers;
use crate::contenders::{FLOOR, MUTEX, SEMAPHORE};
use crate::load::{Failure, Hold, Load, Sample};

const OBJECTS: usize = 8;
const BATCH: u64 = 256;

const fn load(span: Duration) -> Load {
    Load {
        callers: 1,
        hold: Hold::Nothing,
        batch: BATCH,
        timed: true,
        span,
    }
}

/// Of the median batch, so that a round shows the same on a busy machine.
fn nanos_per_op(sample: &Sample) -> Result<Vec<f64>, Failure> {
    Ok(vec![sample.median_time()? / BATCH as f64])
}

pub(crate) static THREADS: Scenario = Scenario {
    id: "S1",
    callers: Callers::Threads,
    title: "one thread, 8 objects, never empty",
    measures: &[NANOS],
    bases: &[FLOOR, MUTEX, "r2d2"],
    contended: false,
    stretch: 1,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::All, OBJECTS, |pool, span| {
            nanos_per_op(&pool.run(&load(span))?)
        })
    },
};

pub(crate) static TASKS: Scenario = Scenario {
    id: "S1",
    callers: Callers::Tasks,
    title: "one future on one thread, 8 objects, never empty",
    measures: &[NANOS],
    bases: &[FLOOR, SEMAPHORE, "deadpool"],
    contended: false,
    stretch: 1,
    rounds: None,
    open: |contender| {
        let pool = (OBJECTS, Workers::Caller);
        players::tasks(contender, Entry::All, pool, |pool, span| {
            nanos_per_op(&pool.run(&load(span))?)
        })
    },
};
