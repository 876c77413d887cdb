//! Histories made wrong on purpose: what the checker must never accept.
//!
//! Each mutation takes a history that a pool really had, and changes it so that *no* pool that keeps
//! [`Spec`]'s promises can have it; where that is not certain, it makes none. So that every single
//! mutant that is accepted is a fault of the checker. Decides with elementary arguments, without the
//! checker's state or search.

mod append;
mod rewrite;

use crate::history::{History, Operation};
use crate::spec::Spec;

/// What was made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutation {
    /// Somebody gets what somebody else holds.
    HeldTwice,
    /// Somebody gets an object that was discarded or detached.
    AfterDiscard,
    /// A full pool hands out an object that was never made.
    NeverCreated,
    /// Somebody who comes after `close` has returned gets an object.
    AfterClose,
    /// Somebody who comes while the pool is paused gets an object.
    WhilePaused,
    /// After `resize` has returned more are handed out than there may be.
    OverLimit,
    /// Two callers' answers are exchanged.
    SwappedReplies,
    /// An object is handed out again though it never came back.
    DroppedRelease,
    /// An object comes back twice.
    ReleasedTwice,
    /// A caller is told of a close that came later.
    ClosedTooEarly,
    /// The only caller gets nothing beside an idle object.
    LonelyNothing,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::HeldTwice,
        Self::AfterDiscard,
        Self::NeverCreated,
        Self::AfterClose,
        Self::WhilePaused,
        Self::OverLimit,
        Self::SwappedReplies,
        Self::DroppedRelease,
        Self::ReleasedTwice,
        Self::ClosedTooEarly,
        Self::LonelyNothing,
    ];
}

/// Every way in which `history` can be made wrong like that; none where it cannot for certain.
pub fn mutants(history: &History, spec: &Spec, mutation: Mutation) -> Vec<History> {
    match mutation {
        Mutation::HeldTwice => rewrite::held_twice(history),
        Mutation::AfterDiscard => rewrite::after_discard(history),
        Mutation::NeverCreated => rewrite::never_created(history, spec),
        Mutation::SwappedReplies => rewrite::swapped_replies(history),
        Mutation::DroppedRelease => rewrite::dropped_release(history),
        Mutation::ClosedTooEarly => rewrite::closed_too_early(history),
        Mutation::AfterClose => append::after_close(history),
        Mutation::WhilePaused => append::while_paused(history),
        Mutation::OverLimit => append::over_limit(history, spec),
        Mutation::ReleasedTwice => append::released_twice(history),
        Mutation::LonelyNothing => append::lonely_nothing(history, spec),
    }
}

/// A number that no object has.
fn unknown(history: &History) -> u64 {
    let known = history.operations().iter();
    let known = known.filter_map(|operation| operation.got().or_else(|| operation.gives_up()));
    known.max().unwrap_or(0) + 1
}

/// The turns of an object: who got it, and the call that gave it up, where there was one.
fn turns(operations: &[Operation]) -> Vec<(usize, Option<usize>)> {
    let got = operations.iter().enumerate();
    let got = got.filter_map(|(index, operation)| Some((index, operation.got()?)));
    got.map(|(index, id)| {
        // The next time it is given up. One that overlaps the acquire ended another turn.
        let end = operations.iter().position(|other| {
            other.gives_up() == Some(id) && other.invoked > operations[index].answered_at()
        });
        (index, end)
    })
    .collect()
}
