//! S7: callers who give up, by the hundred. Whether anything is lost is asked at the end.

use super::players::{self, Entry};
use super::{Callers, Measure, Scenario};
use crate::contender::Workers;
use crate::contenders::SEMAPHORE;

pub(crate) static TASKS: Scenario = Scenario {
    id: "S7",
    callers: Callers::Tasks,
    title: "256 tasks, 2 objects, given up at random polls and after random times",
    measures: &[Measure {
        name: "served",
        unit: "k/s",
        digits: 1,
        less_is_better: false,
    }],
    bases: &[SEMAPHORE, "deadpool", "bb8"],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        let pool = (2, Workers::Two);
        players::tasks(contender, Entry::Waiting, pool, |pool, span| {
            Ok(vec![pool.storm(256, span)?.per_second() / 1e3])
        })
    },
};
