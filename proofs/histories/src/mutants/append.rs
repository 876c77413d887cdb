//! Mutants that go on after the end, when nobody else is there: each call alone, or side by side.

use super::unknown;
use crate::history::{Call, History, Operation, Reply};
use crate::spec::Spec;

/// The history, and these calls after it, one after the other.
fn followed_by(history: &History, calls: &[(Call, Reply)]) -> History {
    let mut operations = history.operations().to_vec();
    let mut now = history.end();
    for (call, reply) in calls {
        operations.push(Operation::new(99, *call, (now, now + 1), *reply));
        now += 2;
    }
    History::new(operations)
}

fn has(history: &History, of: impl Fn(&Operation) -> bool) -> bool {
    history.operations().iter().any(of)
}

/// Nothing is under way at the end. A call that never ends may still do what it was to do.
fn is_over(history: &History) -> bool {
    !has(history, |operation| operation.answer.is_none())
}

pub(super) fn after_close(history: &History) -> Vec<History> {
    if !has(history, |one| {
        one.call == Call::Close && one.answer.is_some()
    }) {
        return Vec::new();
    }
    let mut objects: Vec<u64> = history
        .operations()
        .iter()
        .filter_map(Operation::got)
        .collect();
    objects.sort_unstable();
    objects.dedup();
    objects.push(unknown(history));
    let doors = [Call::Acquire, Call::TryAcquire];
    let all = objects
        .into_iter()
        .flat_map(|id| doors.map(|door| (door, id)));
    all.map(|(door, id)| followed_by(history, &[(door, Reply::Got(id))]))
        .collect()
}

/// Pauses the pool, whichever way it was: two pauses leave no doubt.
pub(super) fn while_paused(history: &History) -> Vec<History> {
    if !is_over(history) || has(history, |one| one.call == Call::Close) {
        return Vec::new();
    }
    let ids = history.operations().iter().filter_map(Operation::got);
    let ids = ids.chain([unknown(history)]);
    ids.map(|id| {
        followed_by(
            history,
            &[
                (Call::Resume, Reply::Changed(was_paused(history))),
                (Call::Pause, Reply::Changed(true)),
                (Call::Acquire, Reply::Got(id)),
            ],
        )
    })
    .collect()
}

/// As whoever resumed or paused last left it. Where several did so at once it does not matter: a
/// wrong answer makes the mutant no better.
fn was_paused(history: &History) -> bool {
    let switches = history.operations().iter();
    let switches = switches.filter(|one| matches!(one.call, Call::Pause | Call::Resume));
    let last = switches.max_by_key(|one| one.answered_at());
    last.is_some_and(|one| one.call == Call::Pause)
}

/// The pool is made small, and then more new objects are handed out than may be alive and can have
/// been on their way. All are held to the end.
pub(super) fn over_limit(history: &History, spec: &Spec) -> Vec<History> {
    if !is_over(history) || has(history, |one| one.call == Call::Close) || was_paused(history) {
        return Vec::new();
    }
    let leaving = |one: &&Operation| one.call == Call::Acquire && one.got().is_none();
    let leaving = history.operations().iter().filter(leaving).count();
    let most = 1 + spec.creates_at_once + leaving;
    let mut calls = vec![(Call::Resize(1), Reply::Done)];
    let first = unknown(history);
    let new = (first..=first + most as u64).map(|id| (Call::Acquire, Reply::Got(id)));
    calls.extend(new);
    vec![followed_by(history, &calls)]
}

pub(super) fn released_twice(history: &History) -> Vec<History> {
    let ends = history.operations().iter();
    let ends = ends.filter(|one| one.answer.is_some() && is_over(history));
    let ended: Vec<u64> = ends.filter_map(Operation::gives_up).collect();
    let held: Vec<u64> = still_out(history);
    let calls = ended.into_iter().filter(|id| !held.contains(id));
    calls
        .map(|id| followed_by(history, &[(Call::Release(id), Reply::Done)]))
        .collect()
}

/// Objects that were got once more than given up.
fn still_out(history: &History) -> Vec<u64> {
    let mut out = Vec::new();
    let operations = history.operations().iter();
    let mut by_answer: Vec<&Operation> = operations.collect();
    by_answer.sort_by_key(|one| one.answered_at());
    for one in &by_answer {
        out.extend(one.got());
    }
    for one in by_answer {
        if let Some(at) = one
            .gives_up()
            .and_then(|id| out.iter().position(|held| *held == id))
        {
            out.remove(at);
        }
    }
    out
}

/// Room, time and no rival: whoever tries must get what was just put back.
pub(super) fn lonely_nothing(history: &History, spec: &Spec) -> Vec<History> {
    let shaken = |one: &Operation| matches!(one.call, Call::Close | Call::Resize(_) | Call::Pause);
    if spec.checks_wait
        || !is_over(history)
        || has(history, shaken)
        || !still_out(history).is_empty()
    {
        return Vec::new();
    }
    let id = unknown(history);
    let mut made = vec![followed_by(
        history,
        &[
            (Call::Resize(spec.limit + history.len()), Reply::Done),
            (Call::Acquire, Reply::Got(id)),
            (Call::Release(id), Reply::Done),
            (Call::TryAcquire, Reply::Nothing),
        ],
    )];
    if has(history, |one| matches!(one.call, Call::Release(_)))
        && !has(history, |one| {
            matches!(one.call, Call::Discard(_) | Call::Detach(_))
        })
    {
        made.push(followed_by(history, &[(Call::TryAcquire, Reply::Nothing)]));
    }
    made
}
