//! A smaller history that fails in the same way, for a human to read.
//!
//! Decides what may be left out without making a fault of what was none: whatever comes after the
//! end of the shortest faulty beginning, answers that took nothing, and whole turns of an object
//! from its acquire to its release.

use crate::check::{Fault, check_within};
use crate::history::{Call, History, Operation, Reply};
use crate::spec::Spec;

/// Less than for a verdict: what cannot be decided soon is not made smaller.
const BUDGET: usize = 100_000;

/// The smallest faulty part of `history` that can be found quickly; `history` itself if it is not
/// faulty.
pub fn shrunk(history: &History, spec: &Spec) -> History {
    let faulty = |history: &History| {
        let verdict = check_within(history, spec, BUDGET);
        matches!(verdict, Err(Fault::NotLinearizable { .. }))
    };
    if !faulty(history) {
        return history.clone();
    }
    let mut smallest = shortest_beginning(history, &faulty);
    let mut index = 0;
    while index < smallest.len() {
        let without = without_turn(&smallest, index);
        match without.filter(&faulty) {
            Some(smaller) => smallest = smaller,
            None => index += 1,
        }
    }
    smallest
}

/// Beginnings of a linearizable history are linearizable, so that there is a first that is not.
fn shortest_beginning(history: &History, faulty: &impl Fn(&History) -> bool) -> History {
    let (mut good, mut bad) = (0, history.end());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if faulty(&history.until(middle)) {
            bad = middle;
        } else {
            good = middle;
        }
    }
    history.until(bad)
}

/// Without this call, and with a turn without its end too; none where leaving it out could make a
/// fault.
fn without_turn(history: &History, index: usize) -> Option<History> {
    let operations = history.operations();
    let this = &operations[index];
    match (this.call, this.reply()) {
        (Call::Acquire | Call::TryAcquire, Some(Reply::Got(id))) => {
            let end = end_of_turn(operations, this, id)?;
            Some(history.filtered(|other| other != index && other != end))
        }
        (Call::Acquire | Call::TryAcquire, _) => Some(history.filtered(|other| other != index)),
        _ => None,
    }
}

/// The release of what `this` got, if nobody else had that object in between.
fn end_of_turn(operations: &[Operation], this: &Operation, id: u64) -> Option<usize> {
    let mut later = operations.iter().enumerate().filter(|(_, other)| {
        let concerns = other.got() == Some(id) || other.gives_up() == Some(id);
        concerns && other.invoked > this.invoked
    });
    let (end, release) = later.next()?;
    let sure = release.call == Call::Release(id) && release.invoked > this.answered_at();
    sure.then_some(end)
}
