//! Which chore is due when, and which is at work: a table.
//!
//! Decides who is next, and when it is worth looking again. Knows nothing of locks, clocks or threads,
//! and calls nothing.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use nebula_resource_core::Tick;
use nebula_resource_core::clock::AlarmId;

use super::Chore;

/// How many chores may be at work at once, not counting those that take longer than they may.
pub(crate) const MOST_AT_ONCE: usize = 32;

/// However soon a chore wants its turn again, it waits for so long: a round has an end.
const SHORTEST: Duration = Duration::from_millis(10);

/// The longest that is waited before a round that did not come about is tried again, as a power of two
/// of seconds.
const LONGEST_REST: u32 = 6;

/// Names a chore of one ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChoreId(u64);

/// Where each chore is.
pub(super) struct Book {
    due: BTreeMap<(Tick, ChoreId), Weak<dyn Chore>>,
    /// When each of those that are waiting is due.
    waiting: BTreeMap<ChoreId, Tick>,
    busy: BTreeMap<ChoreId, Busy>,
    last: u64,
    /// When the next round begins by itself.
    pub(super) armed: Tick,
    pub(super) alarm: Option<AlarmId>,
    /// How many rounds in a row did not come about, and until when none is tried for that.
    missed: u32,
    rests_until: Tick,
}

/// A chore that has its turn or is at work.
struct Busy {
    chore: Weak<dyn Chore>,
    /// Until when it counts.
    until: Tick,
    /// When somebody wants it to come again.
    wanted: Tick,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
            waiting: BTreeMap::new(),
            busy: BTreeMap::new(),
            last: 0,
            armed: Tick::NEVER,
            alarm: None,
            missed: 0,
            rests_until: Tick::ZERO,
        }
    }
}

impl Book {
    pub(super) fn add(&mut self, chore: Weak<dyn Chore>, at: Tick) -> ChoreId {
        self.last += 1;
        let id = ChoreId(self.last);
        self.enter(id, chore, at);
        id
    }

    fn enter(&mut self, id: ChoreId, chore: Weak<dyn Chore>, at: Tick) {
        self.due.insert((at, id), chore);
        self.waiting.insert(id, at);
    }

    /// Takes it out, wherever it is.
    pub(super) fn remove(&mut self, id: ChoreId) -> Option<Weak<dyn Chore>> {
        if let Some(at) = self.waiting.remove(&id) {
            return self.due.remove(&(at, id));
        }
        self.busy.remove(&id).map(|busy| busy.chore)
    }

    pub(super) fn hasten(&mut self, id: ChoreId, at: Tick) {
        if let Some(busy) = self.busy.get_mut(&id) {
            busy.wanted = busy.wanted.min(at);
            return;
        }
        let Some(planned) = self.waiting.get(&id).copied() else {
            return;
        };
        if at < planned
            && let Some(chore) = self.due.remove(&(planned, id))
        {
            self.enter(id, chore, at);
        }
    }

    /// The first that is due, if another one may be at work: it is busy from now on.
    pub(super) fn take_due(&mut self, now: Tick) -> Option<(ChoreId, Weak<dyn Chore>)> {
        if !self.has_room(now) {
            return None;
        }
        let first = self.due.first_entry()?;
        let (at, id) = *first.key();
        if at > now || at == Tick::NEVER {
            return None;
        }
        let chore = first.remove();
        self.waiting.remove(&id);
        let busy = Busy {
            chore: Weak::clone(&chore),
            until: Tick::NEVER,
            wanted: Tick::NEVER,
        };
        self.busy.insert(id, busy);
        Some((id, chore))
    }

    /// It goes to work, and is written off if that takes longer.
    pub(super) fn works_until(&mut self, id: ChoreId, until: Tick) {
        if let Some(busy) = self.busy.get_mut(&id) {
            busy.until = until;
        }
    }

    /// It is done, and due again at `next` or when somebody wanted it to be; unless it was removed.
    pub(super) fn put_back(&mut self, id: ChoreId, next: Tick, now: Tick) {
        if let Some(Busy { chore, wanted, .. }) = self.busy.remove(&id) {
            self.enter(id, chore, next.min(wanted).max(now.after(SHORTEST)));
        }
    }

    fn has_room(&self, now: Tick) -> bool {
        let counts = |busy: &&Busy| busy.until > now;
        self.busy.len() < MOST_AT_ONCE || self.busy.values().filter(counts).count() < MOST_AT_ONCE
    }

    /// When the next round is worth its while.
    pub(super) fn next_look(&self, now: Tick) -> Tick {
        let Some((&(at, _), _)) = self.due.first_key_value() else {
            return Tick::NEVER;
        };
        let mut at = at.max(self.rests_until);
        if !self.has_room(now) {
            // Room there is when one ends, which tells, or is written off.
            let ends = self.busy.values().map(|busy| busy.until);
            at = at.max(ends.filter(|until| *until > now).min().unwrap_or(now));
        }
        at
    }

    /// The alarm has done what it is for.
    pub(super) fn round_begins(&mut self) {
        self.armed = Tick::NEVER;
        self.missed = 0;
        self.rests_until = Tick::ZERO;
    }

    /// Nobody runs the round that was due.
    pub(super) fn round_missed(&mut self, now: Tick) {
        self.armed = Tick::NEVER;
        let rest = Duration::from_secs(1 << self.missed.min(LONGEST_REST));
        self.missed = self.missed.saturating_add(1);
        self.rests_until = now.after(rest);
    }

    /// How many there are, dropped ones included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.due.len() + self.busy.len()
    }
}
