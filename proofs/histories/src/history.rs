//! A history: calls with the moments of their invocation and of their answer.
//!
//! Decides which calls were under way at the same time. Knows nothing of what they mean, except
//! which of them can keep a caller that does not wait from seeing an idle object.

use std::fmt;

/// What a caller asks of a pool. Objects are known by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Any door that waits, for one object.
    Acquire,
    /// The one that does not wait.
    TryAcquire,
    /// Drop of a guard; also `release().await`.
    Release(u64),
    /// `discard`.
    Discard(u64),
    /// `detach`.
    Detach(u64),
    /// `resize`, or `reconfigure` of `max_size`.
    Resize(usize),
    /// `pause`.
    Pause,
    /// `resume`.
    Resume,
    /// `close`, without waiting for the objects to be gone.
    Close,
}

/// What the pool answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// This object.
    Got(u64),
    /// None there, for one who does not wait.
    Nothing,
    /// Not in time.
    TimedOut,
    /// The pool is closed.
    Closed,
    /// The pool is paused, and was to the end of the wait.
    Paused,
    /// No object could be made.
    Failed,
    /// The caller went away before it was answered.
    Cancelled,
    /// Whether a pause, or a resumption, changed anything.
    Changed(bool),
    /// Done; for every call that answers nothing.
    Done,
}

/// An answer and its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it came.
    pub at: u64,
    /// What it was.
    pub reply: Reply,
}

/// A call with its answer, if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who asked.
    pub actor: usize,
    /// What for.
    pub call: Call,
    /// When.
    pub invoked: u64,
    /// None: pending for ever.
    pub answer: Option<Answer>,
    /// When it was seen to wait; see [`Log::looked`](crate::Log::looked).
    pub looked: Vec<u64>,
    /// Set by [`History::new`]: somebody waited, put back or moved objects meanwhile. Kept when the
    /// history is shrunk.
    pub crowded: bool,
}

impl Operation {
    /// A call that was answered; for histories written by hand. `span` is from invocation to answer.
    pub const fn new(actor: usize, call: Call, span: (u64, u64), reply: Reply) -> Self {
        Self {
            actor,
            call,
            invoked: span.0,
            answer: Some(Answer { at: span.1, reply }),
            looked: Vec::new(),
            crowded: false,
        }
    }

    /// A call that never was; for histories written by hand.
    pub const fn pending(actor: usize, call: Call, invoked: u64) -> Self {
        Self {
            actor,
            call,
            invoked,
            answer: None,
            looked: Vec::new(),
            crowded: false,
        }
    }

    /// The moment of its answer; for ever if there was none.
    pub fn answered_at(&self) -> u64 {
        self.answer.map_or(u64::MAX, |answer| answer.at)
    }

    /// What was answered.
    pub fn reply(&self) -> Option<Reply> {
        self.answer.map(|answer| answer.reply)
    }

    /// The object it was answered with.
    pub fn got(&self) -> Option<u64> {
        match self.reply() {
            Some(Reply::Got(id)) => Some(id),
            _ => None,
        }
    }

    /// Whether both were under way at some moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.invoked < other.answered_at() && other.invoked < self.answered_at()
    }

    /// The object that it puts back, throws away or takes out.
    pub const fn gives_up(&self) -> Option<u64> {
        match self.call {
            Call::Release(id) | Call::Discard(id) | Call::Detach(id) => Some(id),
            _ => None,
        }
    }

    /// Puts objects back, moves them about, or has a right to them that a newcomer has not.
    const fn crowds(&self) -> bool {
        matches!(
            self.call,
            Call::Acquire | Call::Release(_) | Call::Resize(_)
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = format!("{:?}", self.call);
        write!(f, "[{:>4}, ", self.invoked)?;
        match self.answer {
            Some(Answer { at, reply }) => {
                write!(f, "{at:>4}] {:>2}: {call:<12} -> {reply:?}", self.actor)
            }
            None => write!(f, "   …] {:>2}: {call:<12} pending", self.actor),
        }
    }
}

/// Everything that was recorded, in the order of invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Vec<Operation>);

impl History {
    /// Puts what callers recorded together.
    pub fn new(operations: Vec<Operation>) -> Self {
        let mut operations = operations;
        operations.sort_by_key(|operation| operation.invoked);
        for index in 0..operations.len() {
            let this = &operations[index];
            let others = operations.iter().enumerate();
            let crowded = others
                .filter(|(other, operation)| *other != index && operation.crowds())
                .any(|(_, operation)| operation.overlaps(this));
            operations[index].crowded |= crowded;
        }
        Self(operations)
    }

    /// The calls, by invocation.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// How many calls.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A moment after everything.
    pub fn end(&self) -> u64 {
        let moments = self.0.iter().flat_map(|operation| {
            [
                operation.invoked,
                operation.answer.map_or(0, |answer| answer.at),
            ]
        });
        moments.max().map_or(0, |last| last + 1)
    }

    /// Without some of them. What was crowded stays so.
    pub(crate) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept = self.0.iter().enumerate().filter(|(index, _)| keep(*index));
        Self(kept.map(|(_, operation)| operation.clone()).collect())
    }

    /// What was known at `moment`: later calls are not made yet, later answers not given.
    pub(crate) fn until(&self, moment: u64) -> Self {
        let mut known = self.filtered(|index| self.0[index].invoked < moment);
        for operation in &mut known.0 {
            operation.answer = operation.answer.filter(|answer| answer.at < moment);
        }
        known
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|operation| writeln!(f, "{operation}"))
    }
}
