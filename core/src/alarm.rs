//! A pool's one alarm: the earliest of all that it wants to be woken for.
//!
//! Decides which registration stands. What is due when it rings, and when it must ring next, is
//! worked out then, from all there is (`Shared::ring`): so an earlier alarm may replace a later one
//! without the later one being remembered.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::Tick;
use crate::clock::{AlarmId, Clock};

#[derive(Default)]
pub(crate) struct Alarm(Mutex<Option<(Tick, AlarmId)>>);

impl Alarm {
    /// Has `bell` woken at `at` or before. Answers `false` when that happened within the call: `at`
    /// had come on a hand-moved clock, or there is no thread to keep the time.
    pub(crate) fn set(&self, clock: &Clock, at: Tick, bell: &Waker) -> bool {
        // One whose time has come rings, or has rung: it does not stand for a later one.
        let now = clock.now();
        let stands = |set: &Option<(Tick, AlarmId)>| set.is_some_and(|(t, _)| now < t && t <= at);
        if stands(&self.lock()) {
            return true;
        }
        // Registered without the lock: within that call it may ring.
        let Some(id) = clock.try_wake_at(at, bell.clone()) else {
            return false;
        };
        let mut set = self.lock();
        let spare = if stands(&set) {
            Some((at, id))
        } else {
            set.replace((at, id))
        };
        drop(set);
        if let Some((_, id)) = spare {
            clock.cancel(id);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Tick, AlarmId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn the_earliest_stands_and_the_others_are_taken_back() {
        let hand = ManualClock::new();
        let (clock, alarm, bell) = (Clock::manual(&hand), Alarm::default(), Waker::noop());
        let at = |seconds| hand.now().after(Duration::from_secs(seconds));
        for seconds in [30, 20, 25, 10, 15] {
            assert!(alarm.set(&clock, at(seconds), bell));
            assert_eq!(hand.pending_alarms(), 1);
        }
        assert_eq!(hand.next_alarm(), Some(at(10)));
    }

    #[test]
    fn one_that_has_rung_stands_for_nothing() {
        let hand = ManualClock::new();
        let (clock, alarm, bell) = (Clock::manual(&hand), Alarm::default(), Waker::noop());
        let later = hand.now().after(Duration::from_secs(9));
        alarm.set(&clock, hand.now().after(Duration::from_secs(1)), bell);
        hand.advance(Duration::from_secs(1));
        assert!(alarm.set(&clock, later, bell));
        assert_eq!(hand.next_alarm(), Some(later));
        assert!(!alarm.set(&clock, hand.now(), bell), "due: rings at once");
    }
}
