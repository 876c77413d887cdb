//! S2: two callers, eight objects: whether a second one gets in the way of the first.

use std::time::Duration;

use super::players::{self, Entry};
use super::{Callers, NANOS, Scenario};
use crate::contender::Workers;
use crate::contenders::{FLOOR, MUTEX, SEMAPHORE};
use crate::load::{Hold, Load};

const OBJECTS: usize = 8;

const fn load(span: Duration) -> Load {
    Load {
        callers: 2,
        hold: Hold::Nothing,
        batch: 256,
        timed: false,
        span,
    }
}

pub(crate) static THREADS: Scenario = Scenario {
    id: "S2",
    callers: Callers::Threads,
    title: "two threads, 8 objects, never empty",
    measures: &[NANOS],
    bases: &[FLOOR, MUTEX],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::Contended, OBJECTS, |pool, span| {
            Ok(vec![pool.run(&load(span))?.nanos_per_op()])
        })
    },
};

pub(crate) static TASKS: Scenario = Scenario {
    id: "S2",
    callers: Callers::Tasks,
    title: "two tasks on two workers, 8 objects, never empty",
    measures: &[NANOS],
    bases: &[FLOOR, SEMAPHORE],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        let pool = (OBJECTS, Workers::Two);
        players::tasks(contender, Entry::Contended, pool, |pool, span| {
            Ok(vec![pool.run(&load(span))?.nanos_per_op()])
        })
    },
};
