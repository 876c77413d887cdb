//! Which waker is due when: an ordered table of one-shot alarms.
//!
//! Decides the order in which alarms go off: by time, and in order of registration where the
//! times are equal. Knows nothing of locks or threads, and calls no waker: whoever holds the
//! lock around the table takes them out and wakes them after letting go of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use crate::tick::Tick;

/// Names one alarm of one clock, to [cancel](super::Clock::cancel) it.
///
/// Unique within the process: the name of an alarm that has gone off, or that belongs to another
/// clock, cancels nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId {
    at: Tick,
    serial: u64,
}

impl AlarmId {
    /// The name of no alarm.
    pub(super) const SPENT: Self = Self {
        at: Tick::NEVER,
        serial: 0,
    };
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// The table.
#[derive(Debug)]
pub(super) struct Alarms(BTreeMap<AlarmId, Waker>);

impl Alarms {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn insert(&mut self, at: Tick, waker: Waker) -> AlarmId {
        // ord: Relaxed: only uniqueness is asked for; the lock around the table gives the order.
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let id = AlarmId { at, serial };
        self.0.insert(id, waker);
        id
    }

    pub(super) fn remove(&mut self, id: AlarmId) -> Option<Waker> {
        self.0.remove(&id)
    }

    /// The time of the first alarm; [`Tick::NEVER`] if there is none that ever comes.
    pub(super) fn next(&self) -> Tick {
        self.0
            .first_key_value()
            .map_or(Tick::NEVER, |(id, _)| id.at)
    }

    /// How many there are, those that never come included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the first alarm out if it is due at `now`.
    pub(super) fn pop_due(&mut self, now: Tick) -> Option<(Tick, Waker)> {
        let first = self.0.first_entry()?;
        let at = first.key().at;
        (at <= now && at != Tick::NEVER).then(|| (at, first.remove()))
    }

    /// Takes out all that are due at `now`, in order.
    pub(super) fn take_due(&mut self, now: Tick) -> Vec<Waker> {
        std::iter::from_fn(|| self.pop_due(now))
            .map(|(_, waker)| waker)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_come_by_time_then_by_registration_and_never_never_comes() {
        let mut alarms = Alarms::new();
        let waker = || Waker::noop().clone();
        let late = alarms.insert(Tick::from_nanos(20), waker());
        let one = alarms.insert(Tick::from_nanos(10), waker());
        let two = alarms.insert(Tick::from_nanos(10), waker());
        let never = alarms.insert(Tick::NEVER, waker());
        assert!(one < two && two < late && late < never);
        assert_eq!(alarms.take_due(Tick::from_nanos(9)).len(), 0);
        assert_eq!(alarms.take_due(Tick::from_nanos(10)).len(), 2);
        assert!(alarms.remove(one).is_none());
        assert_eq!(alarms.next(), Tick::from_nanos(20));
        assert!(alarms.remove(late).is_some());
        assert!(alarms.pop_due(Tick::NEVER).is_none());
        assert_eq!((alarms.next(), alarms.len()), (Tick::NEVER, 1));
        assert!(alarms.remove(AlarmId::SPENT).is_none());
    }
}
