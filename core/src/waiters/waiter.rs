//! One who waits: what it asked for, how it stands, and what it has in its hand.
//!
//! Decides nothing; the queue moves it from one standing to the next.

use std::task::Waker;
use std::time::Duration;

use crate::Tick;
use crate::waiters::Failure;

/// No place.
pub(super) const NIL: u32 = u32::MAX;

/// How a waiter stands.
///
/// | state | in line | moves to |
/// |-------|---------|----------|
/// | Waiting | yes | Woken (an object lies there), Served, Expired, Refused |
/// | Woken | yes | Lost (looked, found nothing), Served, Expired, Refused; Waiting when the pool was paused meanwhile |
/// | Lost | yes | Served, Expired, Refused; no newcomer passes it any more |
/// | Served | no | Expired (its objects are in its hand, and it does not fetch them in time; or the pool closes) |
/// | Expired | no | – |
/// | Refused | no | – (the pool was closed, creations fail, or it asks for too many) |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Waiting,
    Woken,
    Lost,
    Served,
    Expired,
    Refused,
}

impl Standing {
    pub(super) const fn in_line(self) -> bool {
        matches!(self, Self::Waiting | Self::Woken | Self::Lost)
    }
}

/// What a waiter asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// How many objects, all or none.
    pub(crate) objects: u32,
    pub(crate) since: Tick,
    pub(crate) deadline: Tick,
    /// Goes to the head of the line: it was served before, and what it got was no good.
    pub(crate) returning: bool,
    /// Woken to race for an object rather than handed one in its sleep: a thread, which needs a context
    /// switch before it can use it.
    pub(crate) races: bool,
}

impl Wish {
    /// The same, with no more than `span` from when it began to wait.
    pub(crate) fn within(self, span: Duration) -> Self {
        Self {
            deadline: self.deadline.min(self.since.after(span)),
            ..self
        }
    }
}

/// One cache line: it is written by who joins, who serves and who is served, mostly on different
/// processors.
#[repr(align(64))]
pub(crate) struct Waiter<G> {
    /// Since when it waits.
    pub(crate) since: Tick,
    pub(crate) deadline: Tick,
    pub(crate) waker: Option<Waker>,
    /// The first object in its hand.
    pub(super) hand: Option<G>,
    /// What few have.
    rare: Option<Box<Rare<G>>>,
    /// How many objects it asked for.
    pub(crate) objects: u32,
    /// Of those in line; of a place that nobody has, the next such place.
    pub(super) next: u32,
    pub(super) previous: u32,
    pub(crate) standing: Standing,
    /// See [`Wish::races`].
    pub(super) races: bool,
    /// Was woken to see whether it can start a creation, and has not looked yet.
    pub(crate) nudged: bool,
    /// Runs a creation itself, and cannot start another.
    pub(crate) busy: bool,
}

pub(super) struct Rare<G> {
    /// Objects in its hand after the first one, if it asked for several.
    pub(super) more: Vec<G>,
    /// Why it was refused, if a creation that failed was the reason.
    pub(super) refusal: Option<Failure>,
}

/// What a waiter takes along.
pub(crate) struct Left<G> {
    pub(crate) hand: Option<G>,
    pub(crate) more: Vec<G>,
    /// User code, both the waker and the cause of the refusal: to be dropped without the lock.
    _rest: (Option<Waker>, Option<Failure>),
}

impl<G> Waiter<G> {
    pub(super) const fn new(wish: Wish) -> Self {
        Self {
            since: wish.since,
            deadline: wish.deadline,
            waker: None,
            hand: None,
            rare: None,
            objects: wish.objects,
            next: NIL,
            previous: NIL,
            standing: Standing::Waiting,
            races: wish.races,
            nudged: false,
            busy: false,
        }
    }

    /// How many objects it still lacks.
    pub(super) fn lacks(&self) -> usize {
        let more = self.rare.as_ref().map_or(0, |rare| rare.more.len());
        self.objects as usize - usize::from(self.hand.is_some()) - more
    }

    pub(super) fn rare(&mut self) -> &mut Rare<G> {
        self.rare.get_or_insert_with(|| {
            Box::new(Rare {
                more: Vec::new(),
                refusal: None,
            })
        })
    }

    /// Whether others may depend on what it does next: it was woken, handed something, passed over, or told
    /// to look. One that only stood there can go as it came.
    pub(crate) const fn has_a_turn(&self) -> bool {
        !matches!(self.standing, Standing::Waiting) || self.nudged
    }

    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.standing, Standing::Refused)
    }

    /// Whether it is out of line with something in its hand, and has not come for it yet.
    pub(super) const fn is_to_fetch(&self) -> bool {
        !self.standing.in_line() && self.hand.is_some()
    }

    /// Why it was refused, told once.
    pub(crate) fn take_refusal(&mut self) -> Option<Failure> {
        self.rare.as_mut()?.refusal.take()
    }

    /// All that is in its hand.
    pub(super) fn take_hand(&mut self) -> impl Iterator<Item = G> + use<G> {
        let more = self
            .rare
            .as_mut()
            .map(|rare| std::mem::take(&mut rare.more));
        self.hand.take().into_iter().chain(more.unwrap_or_default())
    }

    /// What it takes along.
    pub(super) fn take(&mut self) -> Left<G> {
        let (more, refusal) = match self.rare.take() {
            Some(rare) => (rare.more, rare.refusal),
            None => (Vec::new(), None),
        };
        Left {
            hand: self.hand.take(),
            more,
            _rest: (self.waker.take(), refusal),
        }
    }
}
