//! The oracle: what a pool must do, written as plainly as it can be.
//!
//! Sequential, with no fairness to choose, no wake-ups and no tasks: every operation is over before
//! the next begins. Decides who gets what; knows nothing of the pool under test.

use std::collections::VecDeque;
use std::time::Duration;

/// How long an acquire may take; every step of time in a history is a round fraction of it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1000);

/// How an acquire ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With these objects.
    Served(Vec<u64>),
    Closed,
    TimedOut,
    Paused,
    TooMany,
}

struct Waiting {
    key: usize,
    wants: usize,
    hand: Vec<u64>,
    since: Duration,
    deadline: Duration,
}

/// An object in somebody's hands, and whether the pool was cleared meanwhile.
pub(crate) struct Out {
    pub(crate) id: u64,
    cleared: bool,
}

#[derive(Default)]
pub(crate) struct Model {
    idle: VecDeque<u64>,
    pub(crate) out: Vec<Out>,
    line: VecDeque<Waiting>,
    /// Acquires that ended since somebody last looked.
    pub(crate) done: Vec<(usize, Outcome)>,
    pub(crate) limit: usize,
    pub(crate) paused: bool,
    pub(crate) closed: bool,
    pub(crate) refusing: bool,
    pub(crate) created: u64,
    pub(crate) retired: u64,
    pub(crate) detached: u64,
    pub(crate) acquired: u64,
    pub(crate) timed_out: u64,
    now: Duration,
}

impl Model {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    pub(crate) fn in_hands(&self) -> usize {
        self.line.iter().map(|waiting| waiting.hand.len()).sum()
    }

    /// Idle as a report would say it: what a waiter for several has collected is not in use yet.
    pub(crate) fn idle(&self) -> usize {
        self.idle.len() + self.in_hands()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.line.len()
    }

    fn total(&self) -> usize {
        self.idle() + self.out.len()
    }

    /// How long the head of the line has waited.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        self.line.front().map(|first| self.now - first.since)
    }

    pub(crate) fn acquire(&mut self, key: usize, wants: usize, patience: Duration) {
        if wants > self.limit {
            return self.done.push((key, Outcome::TooMany));
        }
        if self.closed {
            return self.done.push((key, Outcome::Closed));
        }
        self.line.push_back(Waiting {
            key,
            wants,
            hand: Vec::new(),
            since: self.now,
            deadline: self.now + patience,
        });
        self.serve();
    }

    pub(crate) fn try_acquire(&mut self) -> Option<u64> {
        if self.closed || self.paused {
            return None;
        }
        let id = self.idle.pop_front()?;
        self.hand_out(id);
        Some(id)
    }

    fn hand_out(&mut self, id: u64) {
        self.acquired += 1;
        self.out.push(Out { id, cleared: false });
    }

    /// First come, first served, from what is idle and what may be made.
    fn serve(&mut self) {
        while !self.paused && !self.closed && !self.line.is_empty() {
            let may_create = !self.refusing && self.total() < self.limit;
            let id = match self.idle.pop_front() {
                Some(id) => id,
                None if may_create => {
                    self.created += 1;
                    self.created
                }
                None => return,
            };
            self.line[0].hand.push(id);
            if self.line[0].hand.len() == self.line[0].wants
                && let Some(served) = self.line.pop_front()
            {
                served.hand.iter().for_each(|id| self.hand_out(*id));
                self.done.push((served.key, Outcome::Served(served.hand)));
            }
        }
    }

    /// Objects that nobody holds any more.
    fn take_back(&mut self, ids: Vec<u64>) {
        self.idle.extend(ids);
        while !self.idle.is_empty() && (self.closed || self.total() > self.limit) {
            self.idle.pop_front();
            self.retired += 1;
        }
        self.serve();
    }

    pub(crate) fn release(&mut self, index: usize) {
        let out = self.out.remove(index);
        if out.cleared {
            self.retired += 1;
            self.serve();
        } else {
            self.take_back(vec![out.id]);
        }
    }

    pub(crate) fn discard(&mut self, index: usize) {
        self.out.remove(index);
        self.retired += 1;
        self.serve();
    }

    pub(crate) fn detach(&mut self, index: usize) {
        self.out.remove(index);
        self.detached += 1;
        self.serve();
    }

    fn part(&mut self, outcome: &Outcome, who: impl Fn(&Waiting) -> bool) {
        let (parting, staying) = self.line.drain(..).partition(|waiting| who(waiting));
        self.line = staying;
        let parting: VecDeque<Waiting> = parting;
        let mut hands = Vec::new();
        for waiting in parting {
            self.done.push((waiting.key, outcome.clone()));
            hands.extend(waiting.hand);
        }
        self.take_back(hands);
    }

    /// The acquire's future was dropped.
    pub(crate) fn cancel(&mut self, key: usize) {
        self.part(&Outcome::Closed, |waiting| waiting.key == key);
        self.done.retain(|(done, _)| *done != key);
    }

    pub(crate) fn resize(&mut self, limit: usize) {
        self.limit = limit;
        self.part(&Outcome::TooMany, |waiting| waiting.wants > limit);
    }

    pub(crate) fn pause(&mut self) {
        self.paused = true;
    }

    pub(crate) fn resume(&mut self) {
        self.paused = false;
        self.serve();
    }

    pub(crate) fn clear(&mut self) {
        self.retired += self.idle.drain(..).count() as u64;
        self.out.iter_mut().for_each(|out| out.cleared = true);
        self.serve();
    }

    /// Lets the first idle object go, and every `every`th after it; answers how many.
    pub(crate) fn thin_out(&mut self, every: usize) -> usize {
        let before = self.idle.len();
        let mut position = 0;
        self.idle.retain(|_| {
            position += 1;
            (position - 1) % every != 0
        });
        let retired = before - self.idle.len();
        self.retired += retired as u64;
        self.serve();
        retired
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.part(&Outcome::Closed, |_| true);
    }

    pub(crate) fn advance(&mut self, span: Duration) {
        self.now += span;
        let now = self.now;
        let outcome = if self.paused {
            Outcome::Paused
        } else {
            let late = self.line.iter().filter(|waiting| waiting.deadline <= now);
            self.timed_out += late.count() as u64;
            Outcome::TimedOut
        };
        self.part(&outcome, |waiting| waiting.deadline <= now);
    }

    pub(crate) fn recover(&mut self, span: Duration) {
        self.refusing = false;
        self.advance(span);
        self.serve();
    }
}
