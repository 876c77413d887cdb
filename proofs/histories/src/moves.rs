//! The moves of the sequential pool: what a call may do next, and what it is answered then.
//!
//! Decides every step of [`Spec`](crate::Spec)'s table. Knows nothing of searching.

use crate::history::{Call, Reply};
use crate::spec::Spec;
use crate::state::State;

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Nothing has happened yet.
    Todo,
    /// It found the pool open.
    Admitted,
    /// It holds an object that it will put back: a caller that goes away, or somebody who trims and
    /// finds that nothing need go.
    Holding(u8),
    /// It has still to see whether objects must go.
    Trimming,
    Done,
}

/// A call as the sequential pool sees it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) call: Call,
    pub(crate) reply: Option<Reply>,
    /// The object it names, in its call or in its answer.
    pub(crate) object: u8,
    pub(crate) crowded: bool,
    /// A close or a pause overlaps it: being let in and taking must be told apart.
    pub(crate) slow: bool,
    /// The pool shrinks or closes meanwhile: what it holds for a moment must be told apart.
    pub(crate) holds: bool,
    /// For a resize: how many new objects may be on their way.
    pub(crate) late: u32,
}

/// What may come of a call: how far it is then, and the pool.
pub(crate) type Moves = Vec<(Stage, State)>;

impl Task {
    /// Adds everything that it may do next.
    pub(crate) fn moves(&self, spec: &Spec, stage: Stage, state: State, to: &mut Moves) {
        match (stage, self.call) {
            (Stage::Done, _) => {}
            (Stage::Trimming, _) => self.trim(spec, state, to),
            (Stage::Holding(object), Call::Acquire) => self.put_back(object, state, to),
            (Stage::Holding(object), _) => {
                to.extend(state.put_back(object).map(|state| (Stage::Trimming, state)));
            }
            (_, Call::Acquire | Call::TryAcquire) => self.acquire(spec, stage, state, to),
            (_, Call::Release(_)) => self.put_back(self.object, state, to),
            (_, Call::Discard(_) | Call::Detach(_)) => to.extend(done(state.gone(self.object))),
            (_, Call::Resize(limit)) => self.then_trim(state.resized(limit, self.late), to),
            (_, Call::Close) => self.then_trim(closed(state), to),
            (_, Call::Pause) => self.set_paused(true, state, to),
            (_, Call::Resume) => self.set_paused(false, state, to),
        }
    }

    fn acquire(&self, spec: &Spec, stage: Stage, state: State, to: &mut Moves) {
        match self.reply {
            Some(Reply::Got(_)) => self.take(stage, state, to),
            Some(Reply::Closed) if state.closed => to.push((Stage::Done, state)),
            Some(Reply::Paused) if state.paused && !state.closed => {
                to.push((Stage::Done, state));
            }
            Some(Reply::Nothing | Reply::TimedOut | Reply::Failed) => {
                self.miss(spec, stage, state, to);
            }
            Some(Reply::Cancelled) | None => self.go_away(spec, stage, state, to),
            _ => {}
        }
    }

    fn take(&self, stage: Stage, state: State, to: &mut Moves) {
        if stage == Stage::Admitted || state.open() {
            let taken = state.taken(self.object);
            to.extend(taken.map(|state| (Stage::Done, state)));
        }
        self.be_admitted(stage, state, to);
    }

    fn be_admitted(&self, stage: Stage, state: State, to: &mut Moves) {
        if self.slow && stage == Stage::Todo && state.open() {
            to.push((Stage::Admitted, state));
        }
    }

    fn miss(&self, spec: &Spec, stage: Stage, state: State, to: &mut Moves) {
        if spec.checks_wait {
            to.push((Stage::Done, state.doubted()));
        } else if self.crowded || spec.rounds || !state.open() {
            to.push((Stage::Done, state));
        } else {
            to.extend(done(state.with_nothing_idle()));
        }
        self.hold_for_a_moment(stage, state, to);
    }

    fn go_away(&self, spec: &Spec, stage: Stage, state: State, to: &mut Moves) {
        let left = if spec.checks_wait {
            state.doubted()
        } else {
            state
        };
        to.push((Stage::Done, left));
        self.hold_for_a_moment(stage, state, to);
    }

    /// What it was handed when it was about to leave goes back.
    fn hold_for_a_moment(&self, stage: Stage, state: State, to: &mut Moves) {
        if !self.holds {
            return;
        }
        if stage == Stage::Admitted || state.open() {
            hold_one(state, to);
        }
        self.be_admitted(stage, state, to);
    }

    fn put_back(&self, object: u8, state: State, to: &mut Moves) {
        if let Some(state) = state.put_back(object) {
            self.then_trim(state, to);
        }
    }

    /// Where nothing need go at this moment, whoever changes that will see to it.
    fn then_trim(&self, state: State, to: &mut Moves) {
        let stage = if state.surplus() > 0 {
            Stage::Trimming
        } else {
            Stage::Done
        };
        to.push((stage, state));
    }

    fn trim(&self, spec: &Spec, state: State, to: &mut Moves) {
        let surplus = state.surplus();
        // What maintenance holds at this moment is trimmed when it comes back.
        let least = if spec.rounds { 0 } else { surplus };
        for count in least..=surplus {
            to.push((Stage::Done, state.trimmed(count)));
        }
        if self.holds {
            hold_one(state, to);
        }
    }

    fn set_paused(&self, paused: bool, mut state: State, to: &mut Moves) {
        let changed = state.paused != paused;
        state.paused = paused;
        if self
            .reply
            .is_none_or(|reply| reply == Reply::Changed(changed))
        {
            to.push((Stage::Done, state));
        }
    }
}

fn hold_one(state: State, to: &mut Moves) {
    for object in state.idle.members() {
        let held = state.taken(object);
        to.extend(held.map(|state| (Stage::Holding(object), state)));
    }
}

const fn closed(mut state: State) -> State {
    state.closed = true;
    state
}

fn done(state: Option<State>) -> Option<(Stage, State)> {
    state.map(|state| (Stage::Done, state))
}
