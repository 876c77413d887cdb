//! The order in line: was a waiter overtaken more often than it may be?
//!
//! No matter of linearizability, which knows no line; a property of its own, found in the same
//! history. Decides by what is certain only: who *surely* stood in line, and who *surely* was served
//! first.
//!
//! A waiter surely stands in line from the moment at which its future was polled and pending, which
//! the recorder is told with [`Log::looked`](crate::Log::looked): once when it is first polled, and
//! then again each time it was polled because it had been woken. It was surely still there at any
//! moment before the object that it got at last was put back, or was first seen.
//!
//! # Premise
//!
//! Nothing is created, so that a waiter is only woken for an object: the pool is full before the
//! first one waits, and nobody discards, detaches, resizes, pauses or closes while somebody does.

use std::fmt;

use crate::history::{Call, History, Operation};

/// The promise about the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nobody who comes after a waiter is served before it.
    Strict,
    /// Nobody who comes after a waiter *has been woken in vain* is served before it; so it is woken
    /// in vain once at most.
    Bounded,
}

/// A waiter that was overtaken though it may not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Overtaken {
    /// Who waited.
    pub waiter: Operation,
    /// Who came after it and was served before it.
    pub by: Operation,
    /// The promise.
    pub policy: Policy,
}

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiter, by, policy } = self;
        write!(
            f,
            "{policy:?}: the waiter\n{waiter}, seen in line at {:?},\nwas overtaken by\n{by}",
            waiter.looked
        )
    }
}

/// Whether every waiter in `history` was treated as `policy` promises.
///
/// # Errors
///
/// The first that was not.
pub fn check(history: &History, policy: Policy) -> Result<(), Box<Overtaken>> {
    for waiter in history.operations() {
        if let Some(by) = overtaker(history, waiter, policy) {
            return Err(Box::new(Overtaken {
                waiter: waiter.clone(),
                by: by.clone(),
                policy,
            }));
        }
    }
    Ok(())
}

fn overtaker<'h>(
    history: &'h History,
    waiter: &Operation,
    policy: Policy,
) -> Option<&'h Operation> {
    let since = match policy {
        Policy::Strict => waiter.looked.first(),
        Policy::Bounded => waiter.looked.get(1),
    };
    let since = *since?;
    let until = surely_waiting_until(history, waiter)?;
    history
        .operations()
        .iter()
        .find(|other| other.got().is_some() && other.invoked > since && other.answered_at() < until)
}

/// Until when it surely was not served yet; none when nothing is known.
fn surely_waiting_until(history: &History, waiter: &Operation) -> Option<u64> {
    let Some(id) = waiter.got() else {
        // Pending to the end: it never was.
        let pending = waiter.call == Call::Acquire && waiter.answer.is_none();
        return pending.then_some(u64::MAX);
    };
    let releases = history.operations().iter();
    let releases = releases.filter(|other| other.call == Call::Release(id));
    releases
        .map(|release| release.invoked)
        .filter(|at| *at < waiter.answered_at())
        .max()
}
