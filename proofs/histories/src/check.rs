//! The search: can every answer be explained by some order of moments?
//!
//! Decides which call takes its next step, and gives up no sooner than all orders were tried or the
//! budget is spent. Knows nothing of what a pool is: see `moves`.

use std::collections::HashSet;
use std::fmt;

use crate::history::{Call, History, Operation, Reply};
use crate::moves::{Moves, Stage, Task};
use crate::spec::Spec;
use crate::state::{MOST_OBJECTS, State};

/// So many configurations may be visited by [`check`].
const BUDGET: usize = 1_000_000;

/// Why a history was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No order of moments explains it.
    #[error("not linearizable: nothing explains the answer of\n{operation}\nin\n{history}")]
    NotLinearizable {
        /// The call at which the best attempt ended.
        operation: Operation,
        /// All of it.
        history: History,
    },
    /// The search was too long: nothing is known.
    #[error("undecided after {visited} configurations")]
    Undecided {
        /// How many were looked at.
        visited: usize,
    },
    /// An answer that does not belong to its call.
    #[error("no pool answers like that: {0}")]
    Malformed(Operation),
    /// More objects than the checker has room for.
    #[error("a history may speak of {MOST_OBJECTS} objects at most")]
    TooManyObjects,
}

/// How a history was explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Configurations that were looked at.
    pub visited: usize,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linearizable ({} configurations)", self.visited)
    }
}

/// Whether `history` is one that the pool of `spec` can have.
///
/// # Errors
///
/// [`Fault`]: it is not, or that could not be decided, or it is no history of a pool at all.
pub fn check(history: &History, spec: &Spec) -> Result<Witness, Fault> {
    check_within(history, spec, BUDGET)
}

/// [`check`] with so many configurations at most.
///
/// # Errors
///
/// As [`check`].
pub fn check_within(history: &History, spec: &Spec, budget: usize) -> Result<Witness, Fault> {
    let tasks = tasks(history, spec)?;
    let search = Search {
        spec,
        operations: history.operations(),
        tasks,
        seen: HashSet::new(),
        furthest: (0, 0),
    };
    search.run(history, budget)
}

/// How far every call has come, and the state of the pool. Calls are known by their number in the
/// history; all before `first` are done, and none after the window has begun.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Configuration {
    first: usize,
    window: Vec<Stage>,
    state: State,
}

impl Configuration {
    fn stage(&self, call: usize) -> Stage {
        match call.checked_sub(self.first) {
            None => Stage::Done,
            Some(place) => self.window.get(place).copied().unwrap_or(Stage::Todo),
        }
    }

    fn after(&self, call: usize, stage: Stage, state: State) -> Self {
        let mut next = Self {
            state,
            ..self.clone()
        };
        let place = call - self.first;
        if place >= next.window.len() {
            next.window.resize(place + 1, Stage::Todo);
        }
        next.window[place] = stage;
        let undone = next.window.iter().position(|stage| *stage != Stage::Done);
        let done = undone.unwrap_or(next.window.len());
        next.window.drain(..done);
        next.first += done;
        next
    }
}

struct Search<'h> {
    spec: &'h Spec,
    operations: &'h [Operation],
    tasks: Vec<Task>,
    seen: HashSet<Configuration>,
    /// The last answer that some attempt came to, and its call.
    furthest: (u64, usize),
}

impl Search<'_> {
    fn run(mut self, history: &History, budget: usize) -> Result<Witness, Fault> {
        let mut stack = vec![Configuration {
            first: 0,
            window: Vec::new(),
            state: State::new(self.spec),
        }];
        while let Some(configuration) = stack.pop() {
            let Some(next) = self.next_answer(&configuration) else {
                let visited = self.seen.len();
                return Ok(Witness { visited });
            };
            let answer = (self.operations[next].answered_at(), next);
            self.furthest = self.furthest.max(answer);
            if self.seen.len() >= budget {
                return Err(Fault::Undecided { visited: budget });
            }
            if self.seen.insert(configuration.clone()) {
                self.expand(&configuration, next, &mut stack);
            }
        }
        Err(Fault::NotLinearizable {
            operation: self.operations[self.furthest.1].clone(),
            history: history.clone(),
        })
    }

    /// The call that is answered first of those that are not done; none when all are.
    fn next_answer(&self, from: &Configuration) -> Option<usize> {
        let mut next: Option<usize> = None;
        for call in from.first..self.operations.len() {
            let (this, answer) = (
                &self.operations[call],
                next.map(|next| self.operations[next].answered_at()),
            );
            if answer.is_some_and(|answer| answer < this.invoked) {
                // And so do all that follow.
                break;
            }
            let sooner = this.answered_at() < answer.unwrap_or(u64::MAX);
            if sooner && from.stage(call) != Stage::Done {
                next = Some(call);
            }
        }
        next
    }

    /// Every call may go on that was made before the next answer came.
    fn expand(&self, from: &Configuration, next: usize, stack: &mut Vec<Configuration>) {
        let answer_at = self.operations[next].answered_at();
        let minimal = (from.first..self.operations.len())
            .take_while(|call| self.operations[*call].invoked < answer_at)
            .filter(|call| *call != next);
        let mut moves = Moves::new();
        let begin = stack.len();
        // The last in is the first out: whoever must be explained first is tried first.
        for call in minimal.chain([next]) {
            let task = &self.tasks[call];
            task.moves(self.spec, from.stage(call), from.state, &mut moves);
            // A step that changes nothing for others costs nothing: no other order need be tried.
            if let Some((stage, state)) = free_step(task, &moves, from.state) {
                stack.truncate(begin);
                stack.push(from.after(call, stage, state));
                return;
            }
            let after = moves.drain(..);
            stack.extend(after.map(|(stage, state)| from.after(call, stage, state)));
        }
    }
}

/// A step that changes nothing, neither now nor if it came later: such a call only looks.
fn free_step(task: &Task, moves: &Moves, state: State) -> Option<(Stage, State)> {
    let same = |next: &&(Stage, State)| next.1 == state;
    // Who may hold something later is not done with yet; and to set what is set already is
    // something else once it has been changed.
    let only_looks = !task.holds && !matches!(task.call, Call::Resize(_));
    match moves.as_slice() {
        [only] if only_looks => Some(*only).filter(|next| same(&next)),
        several => several
            .iter()
            .filter(same)
            .find(|next| next.0 == Stage::Admitted)
            .copied(),
    }
}

fn tasks(history: &History, spec: &Spec) -> Result<Vec<Task>, Fault> {
    let mut objects = Vec::new();
    let operations = history.operations();
    operations
        .iter()
        .map(|operation| {
            if !fits(operation) {
                return Err(Fault::Malformed(operation.clone()));
            }
            let object = match operation.gives_up().or_else(|| operation.got()) {
                Some(id) => number(id, &mut objects).ok_or(Fault::TooManyObjects)?,
                None => 0,
            };
            Ok(task(operation, object, operations, spec))
        })
        .collect()
}

fn number(id: u64, objects: &mut Vec<u64>) -> Option<u8> {
    let known = objects.iter().position(|known| *known == id);
    let index = known.unwrap_or_else(|| {
        objects.push(id);
        objects.len() - 1
    });
    u8::try_from(index).ok().filter(|_| index < MOST_OBJECTS)
}

fn task(this: &Operation, object: u8, all: &[Operation], spec: &Spec) -> Task {
    let meanwhile = |of: fn(&Operation) -> bool| {
        let others = all.iter().filter(|other| *other != this);
        others
            .filter(|other| of(other) && other.overlaps(this))
            .count()
    };
    // What they were handed when they were about to leave goes back.
    let leaving = |other: &Operation| {
        let nothing = other.got().is_none() && other.reply() != Some(Reply::Closed);
        other.call == Call::Acquire && nothing
    };
    let shrinks = meanwhile(|other| matches!(other.call, Call::Resize(_) | Call::Close));
    let trims =
        |other: &Operation| matches!(other.call, Call::Release(_) | Call::Resize(_) | Call::Close);
    // Who trims finds that nothing need go only when another one has trimmed meanwhile.
    let rivals = meanwhile(|other| {
        let gives = other.call == Call::Acquire && other.got().is_none();
        gives || matches!(other.call, Call::Release(_) | Call::Resize(_) | Call::Close)
    });
    Task {
        call: this.call,
        reply: this.reply(),
        object,
        crowded: this.crowded,
        slow: meanwhile(|other| matches!(other.call, Call::Close | Call::Pause)) > 0,
        holds: shrinks > 0 && (leaving(this) || trims(this) && rivals > 1),
        late: (spec.creates_at_once + meanwhile(leaving)) as u32,
    }
}

/// Whether the answer is one that the call can have.
fn fits(operation: &Operation) -> bool {
    let Some(reply) = operation.reply() else {
        return true;
    };
    match operation.call {
        Call::Acquire => matches!(
            reply,
            Reply::Got(_)
                | Reply::TimedOut
                | Reply::Closed
                | Reply::Paused
                | Reply::Failed
                | Reply::Cancelled
        ),
        Call::TryAcquire => matches!(reply, Reply::Got(_) | Reply::Nothing),
        Call::Pause | Call::Resume => matches!(reply, Reply::Changed(_)),
        _ => reply == Reply::Done,
    }
}
