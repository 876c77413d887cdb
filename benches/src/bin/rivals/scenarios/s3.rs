//! S3: more callers than processors, as many objects as can be held at once: an object is always idle.

use std::time::Duration;

use super::players::{self, Entry};
use super::{Callers, NANOS, Scenario};
use crate::contender::Workers;
use crate::contenders::{FLOOR, MUTEX, SEMAPHORE};
use crate::load::{Hold, Load, calibrated};

const OBJECTS: usize = 8;

fn load(callers: usize, span: Duration) -> Load {
    Load {
        callers,
        hold: Hold::Work(calibrated(Duration::from_nanos(50))),
        batch: 32,
        timed: false,
        span,
    }
}

pub(crate) static THREADS: Scenario = Scenario {
    id: "S3",
    callers: Callers::Threads,
    title: "8 threads, 8 objects, 50 ns of work while holding",
    measures: &[NANOS],
    bases: &[FLOOR, MUTEX],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::Contended, OBJECTS, |pool, span| {
            Ok(vec![pool.run(&load(8, span))?.nanos_per_op()])
        })
    },
};

pub(crate) static TASKS: Scenario = Scenario {
    id: "S3",
    callers: Callers::Tasks,
    title: "64 tasks on two workers, 8 objects, 50 ns of work while holding",
    measures: &[NANOS],
    bases: &[FLOOR, SEMAPHORE],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        let pool = (OBJECTS, Workers::Two);
        players::tasks(contender, Entry::Contended, pool, |pool, span| {
            Ok(vec![pool.run(&load(64, span))?.nanos_per_op()])
        })
    },
};
