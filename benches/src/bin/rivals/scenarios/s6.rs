//! S6: what pools take from the allocator, and a thousand callers who all wait in vain.

use super::players::{self, Entry};
use super::{Callers, Measure, Scenario};
use crate::contender::Workers;

const fn bytes(name: &'static str) -> Measure {
    Measure {
        name,
        unit: "B",
        digits: 0,
        less_is_better: true,
    }
}

const fn allocations(name: &'static str) -> Measure {
    Measure {
        name,
        unit: "",
        digits: 3,
        less_is_better: true,
    }
}

pub(crate) const EMPTY: usize = 0;
pub(crate) const OBJECT: usize = 1;
pub(crate) const IDLE: usize = 3;
pub(crate) const WAITING: usize = 4;
pub(crate) const LATEST: usize = 5;

pub(crate) static TASKS: Scenario = Scenario {
    id: "S6",
    callers: Callers::Tasks,
    title: "memory: an empty pool of max_size 10; an object more, beyond itself; a waiter and its future; \
            allocations; 1000 waiters with 50 ms",
    measures: &[
        bytes("pool"),
        bytes("object"),
        bytes("waiter"),
        allocations("allocations per acquire"),
        allocations("per wait"),
        Measure {
            name: "latest answer",
            unit: "ms",
            digits: 1,
            less_is_better: true,
        },
        bytes("of the object its place"),
    ],
    bases: &[],
    contended: false,
    stretch: 1,
    rounds: Some(1),
    open: |contender| {
        let pool = (1, Workers::Caller);
        players::tasks(contender, Entry::Waiting, pool, |pool, _| pool.footprint())
    },
};
