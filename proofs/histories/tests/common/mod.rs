//! Histories that a pool surely can have: one thing at a time, and then every call is stretched
//! over the moment at which it happened.
//!
//! A pool of its own, as plain as can be, that shares nothing with the checker's.

use fastrand::Rng;
use nebula_resource_histories::{Call, History, Operation, Reply};

/// What a history is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) actors: usize,
    pub(crate) calls: usize,
    pub(crate) limit: usize,
    /// With closes, pauses and changes of the limit; without, only takers and givers.
    pub(crate) owners: bool,
}

#[derive(Default)]
struct Plain {
    idle: Vec<u64>,
    out: Vec<(usize, u64)>,
    made: u64,
    limit: usize,
    paused: bool,
    closed: bool,
}

impl Plain {
    fn alive(&self) -> usize {
        self.idle.len() + self.out.len()
    }

    fn hand_out(&mut self, actor: usize, rng: &mut Rng) -> Option<u64> {
        let room = self.alive() < self.limit;
        let id = if room && (self.idle.is_empty() || rng.u8(..) < 32) {
            self.made += 1;
            self.made
        } else if self.idle.is_empty() {
            return None;
        } else {
            self.idle.swap_remove(rng.usize(..self.idle.len()))
        };
        self.out.push((actor, id));
        Some(id)
    }

    fn acquire(&mut self, actor: usize, rng: &mut Rng) -> Reply {
        if self.closed {
            Reply::Closed
        } else if self.paused {
            Reply::Paused
        } else if rng.u8(..) < 16 {
            Reply::Cancelled
        } else {
            self.hand_out(actor, rng)
                .map_or(Reply::TimedOut, Reply::Got)
        }
    }

    fn try_acquire(&mut self, actor: usize, rng: &mut Rng) -> Reply {
        if self.closed || self.paused || self.idle.is_empty() {
            return Reply::Nothing;
        }
        let id = self.idle.swap_remove(rng.usize(..self.idle.len()));
        self.out.push((actor, id));
        Reply::Got(id)
    }

    fn trim(&mut self, rng: &mut Rng) {
        while !self.idle.is_empty() && (self.closed || self.alive() > self.limit) {
            self.idle.swap_remove(rng.usize(..self.idle.len()));
        }
    }

    /// Ends the use of something that `actor` holds, one way or another.
    fn end_use(&mut self, actor: usize, rng: &mut Rng) -> Option<(Call, Reply)> {
        let at = self.out.iter().position(|(holder, _)| *holder == actor)?;
        let (_, id) = self.out.swap_remove(at);
        let call = match rng.u8(..) {
            0..24 => Call::Discard(id),
            24..40 => Call::Detach(id),
            _ => {
                self.idle.push(id);
                self.trim(rng);
                Call::Release(id)
            }
        };
        Some((call, Reply::Done))
    }

    fn own(&mut self, rng: &mut Rng) -> (Call, Reply) {
        match rng.u8(..4) {
            0 if rng.u8(..) < 64 => {
                self.closed = true;
                self.trim(rng);
                (Call::Close, Reply::Done)
            }
            1 => {
                let changed = !std::mem::replace(&mut self.paused, true);
                (Call::Pause, Reply::Changed(changed))
            }
            2 => {
                let changed = std::mem::replace(&mut self.paused, false);
                (Call::Resume, Reply::Changed(changed))
            }
            _ => {
                self.limit = rng.usize(1..5);
                self.trim(rng);
                (Call::Resize(self.limit), Reply::Done)
            }
        }
    }
}

/// One such history. At its end everything has been given back.
pub(crate) fn history(plan: Plan) -> History {
    let mut rng = Rng::with_seed(plan.seed);
    let mut pool = Plain {
        limit: plan.limit,
        ..Plain::default()
    };
    let mut calls = Vec::new();
    while calls.len() < plan.calls {
        let actor = rng.usize(..plan.actors);
        let busy = pool
            .out
            .iter()
            .filter(|(holder, _)| *holder == actor)
            .count();
        let (call, reply) = match rng.u8(..16) {
            0 if plan.owners => pool.own(&mut rng),
            0..3 => (Call::TryAcquire, pool.try_acquire(actor, &mut rng)),
            3..7 if busy == 0 => (Call::Acquire, pool.acquire(actor, &mut rng)),
            _ => match pool.end_use(actor, &mut rng) {
                Some(end) => end,
                None => (Call::Acquire, pool.acquire(actor, &mut rng)),
            },
        };
        calls.push((actor, call, reply));
    }
    while let Some((actor, _)) = pool.out.first().copied() {
        let end = pool.end_use(actor, &mut rng);
        calls.extend(end.map(|(call, reply)| (actor, call, reply)));
    }
    stretched(&calls, &mut rng)
}

/// Every call begins some time before its moment and is answered some time after it.
fn stretched(calls: &[(usize, Call, Reply)], rng: &mut Rng) -> History {
    const STEP: u64 = 1_000_000;
    /// Over so many others it is stretched at most.
    const REACH: u64 = 6;
    let mut operations: Vec<Operation> = Vec::new();
    for (index, (actor, call, reply)) in calls.iter().enumerate() {
        let moment = (index as u64 + REACH) * STEP;
        let previous = operations.iter_mut().rev().find(|one| one.actor == *actor);
        let mut invoked = moment - rng.u64(1..REACH * STEP);
        if let Some(answer) = previous.and_then(|one| one.answer.as_mut()) {
            // Between both moments lies the answer of the one and then the call of the other.
            let before = answer.at.min(moment - 2);
            answer.at = before;
            invoked = invoked.max(before + 1);
        }
        let answered = moment + rng.u64(1..REACH * STEP);
        operations.push(Operation::new(*actor, *call, (invoked, answered), *reply));
    }
    History::new(operations)
}
