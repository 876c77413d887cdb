//! Who is passed over: those whose time is up, and those who can never be served.
//!
//! Like the rest of the line, all of it happens under the line's lock, except waking.

use std::task::Waker;

use crate::Tick;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::waiters::{Failure, Locked, Waiter, Wakes};

impl<T> Engine<T> {
    /// The alarm rang: passes over those whose time is up, also those who were served and have not come for
    /// it, and has the next probe started.
    /// Answers when to ring again.
    pub(crate) fn sweep(&self, now: Tick) -> Option<Tick> {
        let mut wakes = Wakes::default();
        let mut line = self.line.lock();
        let wakers = line.queue.expire(now);
        let reclaimed = line.queue.reclaim(|waiter| waiter.deadline <= now);
        wakes.push(self.probe(&mut line, now));
        // Those who expired may have been on their way to an object.
        // proof: sweep-serves
        self.serve_locked(&mut line, &mut wakes);
        let next = self.next_alarm(&mut line, now);
        let again = wakes.is_full();
        drop(line);
        wakes.wake();
        wakers.into_iter().for_each(crate::waiters::wake);
        // proof: sweep-gives-back
        self.give_back(reclaimed);
        if again {
            self.serve();
        }
        next
    }

    fn probe(&self, line: &mut Locked<'_, T>, now: Tick) -> Option<Waker> {
        let due = line.gate.rang(now);
        due.then(|| self.nudge_first(line)).flatten()
    }

    fn next_alarm(&self, line: &mut Locked<'_, T>, now: Tick) -> Option<Tick> {
        let retry_at = line
            .gate
            .failure()
            .map(|failure| failure.retry_at)
            .filter(|at| *at > now && line.queue.len() > 0);
        let next = line
            .queue
            .earliest_deadline()
            .min(retry_at.unwrap_or(Tick::NEVER));
        line.alarm = next;
        (next < Tick::NEVER).then_some(next)
    }

    /// The alarm that `look` asked for was not set: whoever looks next asks again.
    pub(crate) fn alarm_missed(&self) {
        self.line.lock().alarm = Tick::NEVER;
    }

    /// Since when the one that has waited longest waits.
    pub(crate) fn oldest_waiter(&self) -> Option<Tick> {
        let mut line = self.line.lock();
        let first = line.queue.first()?;
        Some(line.queue.waiter(first).since)
    }

    /// Refuses everybody in line: the pool is closed, or creations fail and nobody shall wait. What those had
    /// in their hands goes back; with the pool closed, also what somebody was served and has not fetched.
    pub(crate) fn refuse_all(&self, failure: Option<&Failure>) {
        let closed = failure.is_none();
        self.refuse(failure, |_| true, |waiter| closed || waiter.is_refused());
    }

    /// Refuses those who ask for more objects than there may be by now: they would collect what
    /// others wait for, and never have enough.
    pub(crate) fn refuse_greedy(&self) {
        let limit = self.permits.state().limit();
        let greedy = |waiter: &Waiter<Box<Entry<T>>>| waiter.objects as usize > limit;
        self.refuse(None, greedy, |waiter| waiter.is_refused());
    }

    fn refuse(
        &self,
        failure: Option<&Failure>,
        who: impl Fn(&Waiter<Box<Entry<T>>>) -> bool,
        gives_back: impl Fn(&Waiter<Box<Entry<T>>>) -> bool,
    ) {
        let mut line = self.line.lock();
        let wakers = line.queue.refuse(failure, who);
        let reclaimed = line.queue.reclaim(gives_back);
        drop(line);
        wakers.into_iter().for_each(crate::waiters::wake);
        // proof: refused-give-back
        self.give_back(reclaimed);
    }

    fn give_back(&self, reclaimed: Vec<Box<Entry<T>>>) {
        for mut entry in reclaimed {
            // When it fails now, it will have been good for a while.
            entry.newborn = false;
            self.give(entry);
        }
    }
}
