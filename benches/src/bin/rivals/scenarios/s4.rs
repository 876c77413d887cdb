//! S4: many callers, few objects, a microsecond of work each: throughput, and how long who waits for it.

use std::time::Duration;

use super::players::{self, Entry};
use super::{Callers, Measure, Scenario};
use crate::contender::Workers;
use crate::contenders::{MUTEX, SEMAPHORE};
use crate::figures::jain;
use crate::load::{Failure, Hold, Load, Sample, calibrated};

const OBJECTS: usize = 4;

const fn micros(name: &'static str) -> Measure {
    Measure {
        name,
        unit: "µs",
        digits: 1,
        less_is_better: true,
    }
}

/// Where they are in what [`figures`] answers.
pub(crate) const JAIN: usize = 1;
pub(crate) const LONGEST: usize = 5;

pub(crate) static MEASURES: [Measure; 6] = [
    Measure {
        name: "throughput",
        unit: "Mop/s",
        digits: 3,
        less_is_better: false,
    },
    Measure {
        name: "Jain",
        unit: "",
        digits: 4,
        less_is_better: false,
    },
    micros("wait p50"),
    micros("p99"),
    micros("p99.9"),
    micros("longest"),
];

fn load(callers: usize, hold: Hold, span: Duration) -> Load {
    Load {
        callers,
        hold,
        batch: 1,
        timed: true,
        span,
    }
}

pub(super) fn figures(sample: &Sample) -> Result<Vec<f64>, Failure> {
    let waits = sample.times.as_ref();
    let waits = waits.ok_or_else(|| Failure::refused("waits were not measured"))?;
    let micros = |nanos: u64| nanos as f64 / 1e3;
    Ok(vec![
        sample.per_second() / 1e6,
        jain(&sample.callers),
        micros(waits.value_at_quantile(0.5)),
        micros(waits.value_at_quantile(0.99)),
        micros(waits.value_at_quantile(0.999)),
        micros(waits.max()),
    ])
}

pub(crate) static THREADS: Scenario = Scenario {
    id: "S4",
    callers: Callers::Threads,
    title: "16 threads, 4 objects, held for 1 µs",
    measures: &MEASURES,
    bases: &[MUTEX, "r2d2"],
    contended: true,
    stretch: 5,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::Waiting, OBJECTS, |pool, span| {
            let hold = Hold::Work(calibrated(Duration::from_micros(1)));
            figures(&pool.run(&load(16, hold, span))?)
        })
    },
};

pub(crate) static TASKS: Scenario = Scenario {
    id: "S4",
    callers: Callers::Tasks,
    title: "64 tasks on two workers, 4 objects, held for 1 µs and across a yield",
    measures: &MEASURES,
    bases: &[SEMAPHORE, "deadpool"],
    contended: true,
    stretch: 5,
    rounds: None,
    open: |contender| {
        let pool = (OBJECTS, Workers::Two);
        players::tasks(contender, Entry::Waiting, pool, |pool, span| {
            let hold = Hold::WorkAndYield(calibrated(Duration::from_micros(1)));
            figures(&pool.run(&load(64, hold, span))?)
        })
    },
};
