//! S5: one object, two callers who wait for each other.

use super::players::{self, Entry};
use super::{Callers, NANOS, Scenario};
use crate::contender::Workers;
use crate::contenders::{MUTEX, SEMAPHORE};

pub(crate) static THREADS: Scenario = Scenario {
    id: "S5",
    callers: Callers::Threads,
    title: "from one thread's release to the other one's acquire, asleep until then (median)",
    measures: &[NANOS],
    bases: &[MUTEX],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        players::threads(contender, Entry::Waiting, 1, |pool, span| {
            Ok(vec![pool.hand_over(span)?.median_time()?])
        })
    },
};

pub(crate) static TASKS: Scenario = Scenario {
    id: "S5",
    callers: Callers::Tasks,
    title: "two tasks on one thread pass an object on, with two yields each time",
    measures: &[NANOS],
    bases: &[SEMAPHORE],
    contended: false,
    stretch: 1,
    rounds: None,
    open: |contender| {
        let pool = (1, Workers::Caller);
        players::tasks(contender, Entry::Waiting, pool, |pool, span| {
            Ok(vec![pool.hand_over(span)?.nanos_per_op()])
        })
    },
};
