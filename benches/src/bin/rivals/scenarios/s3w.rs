//! S3W: S3 with tasks that let others run while they hold, so that most acquires wait.

use std::time::Duration;

use super::players::{self, Entry};
use super::{Callers, NANOS, Scenario};
use crate::contender::Workers;
use crate::contenders::SEMAPHORE;
use crate::load::{Hold, Load, calibrated};

fn load(span: Duration) -> Load {
    Load {
        callers: 64,
        hold: Hold::WorkAndYield(calibrated(Duration::from_nanos(50))),
        batch: 8,
        timed: false,
        span,
    }
}

pub(crate) static TASKS: Scenario = Scenario {
    id: "S3W",
    callers: Callers::Tasks,
    title: "64 tasks on two workers, 8 objects, held across a yield",
    measures: &[NANOS],
    bases: &[SEMAPHORE, "deadpool", "bb8"],
    contended: true,
    stretch: 1,
    rounds: None,
    open: |contender| {
        let pool = (8, Workers::Two);
        players::tasks(contender, Entry::Waiting, pool, |pool, span| {
            Ok(vec![pool.run(&load(span))?.nanos_per_op()])
        })
    },
};
