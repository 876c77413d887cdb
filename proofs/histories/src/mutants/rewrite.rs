//! Mutants that change answers which were given.

use super::{turns, unknown};
use crate::history::{Answer, Call, History, Operation, Reply};
use crate::spec::Spec;

/// The same history, in which `index` was answered with `reply`, and gave up what it got then.
fn answered(history: &History, index: usize, reply: Reply) -> History {
    let mut operations = history.operations().to_vec();
    let end = turns(&operations)
        .into_iter()
        .find_map(|(start, end)| end.filter(|_| start == index));
    if let (Some(end), Reply::Got(id)) = (end, reply) {
        let call = &mut operations[end].call;
        *call = match *call {
            Call::Discard(_) => Call::Discard(id),
            Call::Detach(_) => Call::Detach(id),
            _ => Call::Release(id),
        };
    }
    if let Some(answer) = &mut operations[index].answer {
        answer.reply = reply;
    }
    History::new(operations)
}

fn acquired(operations: &[Operation]) -> impl Iterator<Item = (usize, &Operation, u64)> {
    let all = operations.iter().enumerate();
    all.filter_map(|(index, operation)| Some((index, operation, operation.got()?)))
}

/// Somebody who comes and is answered within another one's turn gets the same object.
pub(super) fn held_twice(history: &History) -> Vec<History> {
    let operations = history.operations();
    let mut made = Vec::new();
    for (start, end) in turns(operations) {
        let Some(id) = operations[start].got() else {
            continue;
        };
        let from = operations[start].answered_at();
        let until = end.map_or(u64::MAX, |end| operations[end].invoked);
        let within = acquired(operations)
            .filter(|(_, other, _)| other.invoked > from && other.answered_at() < until);
        made.extend(within.map(|(index, ..)| answered(history, index, Reply::Got(id))));
    }
    made
}

/// Somebody who comes after an object has gone for good gets it.
pub(super) fn after_discard(history: &History) -> Vec<History> {
    let operations = history.operations();
    let mut made = Vec::new();
    for going in operations {
        let (Call::Discard(id) | Call::Detach(id)) = going.call else {
            continue;
        };
        let later =
            acquired(operations).filter(|(_, other, _)| other.invoked > going.answered_at());
        made.extend(later.map(|(index, ..)| answered(history, index, Reply::Got(id))));
    }
    made
}

/// As many are known to be alive as there may be: nothing new can come.
pub(super) fn never_created(history: &History, spec: &Spec) -> Vec<History> {
    let operations = history.operations();
    let shakes = |operation: &Operation| {
        let lost = spec.checks_wait && operation.got().is_none();
        let goes = matches!(
            operation.call,
            Call::Discard(_) | Call::Detach(_) | Call::Resize(_) | Call::Close
        );
        goes || lost
    };
    let steady = operations.iter().find(|operation| shakes(operation));
    let steady = steady.map_or(u64::MAX, |operation| operation.invoked);
    let within = acquired(operations).filter(|(_, operation, _)| {
        let mut known: Vec<u64> = acquired(operations)
            .filter(|(_, other, _)| other.answered_at() < operation.invoked)
            .map(|(.., id)| id)
            .collect();
        known.sort_unstable();
        known.dedup();
        known.len() >= spec.limit && operation.answered_at() < steady
    });
    let id = unknown(history);
    within
        .map(|(index, ..)| answered(history, index, Reply::Got(id)))
        .collect()
}

/// An object that is given up more often than it can have been got, or the other way round.
fn out_of_step(operations: &[Operation], id: u64) -> bool {
    operations.iter().map(Operation::answered_at).any(|moment| {
        let answered = |of: &dyn Fn(&Operation) -> bool| {
            let mine = operations.iter().filter(|operation| of(operation));
            mine.filter(|operation| operation.answered_at() <= moment)
                .count()
        };
        let begun = |of: &dyn Fn(&Operation) -> bool| {
            let mine = operations.iter().filter(|operation| of(operation));
            mine.filter(|operation| operation.invoked < moment).count()
        };
        let got = |operation: &Operation| operation.got() == Some(id);
        let gave = |operation: &Operation| operation.gives_up() == Some(id);
        answered(&gave) > begun(&got) || answered(&got) > begun(&gave) + 1
    })
}

/// Two get each other's object, where one of the two then comes back before anybody got it.
pub(super) fn swapped_replies(history: &History) -> Vec<History> {
    let operations = history.operations();
    let mut made = Vec::new();
    for (first, _, mine) in acquired(operations) {
        let others =
            acquired(operations).filter(|(other, _, theirs)| *other > first && *theirs != mine);
        for (second, _, theirs) in others {
            let mut swapped = operations.to_vec();
            set_reply(&mut swapped[first], Reply::Got(theirs));
            set_reply(&mut swapped[second], Reply::Got(mine));
            if out_of_step(&swapped, mine) || out_of_step(&swapped, theirs) {
                made.push(History::new(swapped));
            }
        }
    }
    made
}

/// A release between two turns of an object never was.
pub(super) fn dropped_release(history: &History) -> Vec<History> {
    let operations = history.operations();
    let releases = operations.iter().enumerate();
    releases
        .filter_map(|(index, operation)| {
            let Call::Release(id) = operation.call else {
                return None;
            };
            let mut without = operations.to_vec();
            without.remove(index);
            out_of_step(&without, id).then(|| History::new(without))
        })
        .collect()
}

/// Somebody is refused before anybody has closed the pool.
pub(super) fn closed_too_early(history: &History) -> Vec<History> {
    let operations = history.operations();
    let closes = operations.iter().find(|other| other.call == Call::Close);
    let closes = closes.map_or(u64::MAX, |close| close.invoked);
    let early = operations.iter().enumerate().filter(|(_, operation)| {
        operation.call == Call::Acquire && operation.answered_at() < closes
    });
    let turns = turns(operations);
    early
        .map(|(index, _)| {
            let turn = turns.iter().find(|(start, _)| *start == index);
            let end = turn.and_then(|(_, end)| *end);
            let mut early = operations.to_vec();
            set_reply(&mut early[index], Reply::Closed);
            // What it did not get it does not give up.
            end.map(|end| early.remove(end));
            History::new(early)
        })
        .collect()
}

fn set_reply(operation: &mut Operation, reply: Reply) {
    if let Some(answer) = operation.answer {
        operation.answer = Some(Answer { reply, ..answer });
    }
}
