//! A pool's one alarm: the earliest of all that it wants to be woken for.
//!
//! Decides which registration stands. What is due when it rings, and when it must ring next, is
//! worked out then, from all there is (`Shared::ring`): so an earlier alarm may replace a later one
//! without the later one being remembered.

use std::task::Waker;

use crate::Tick;
use crate::clock::{AlarmId, Clock};
use crate::primitives::around::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(crate) struct Alarm(Mutex<Option<(Tick, AlarmId)>>);

impl Alarm {
    /// Has `bell` woken at `at` or before. Answers `false` when that happened within the call: `at`
    /// had come on a hand-moved clock, or there is no thread to keep the time.
    pub(crate) fn set(&self, clock: &Clock, at: Tick, bell: &Waker) -> bool {
        if stands(*self.lock(), clock.now(), at) {
            return true;
        }
        // Registered without the lock: within that call it may ring.
        let Some(id) = clock.try_wake_at(at, bell.clone()) else {
            return false;
        };
        self.note(clock, at, id);
        true
    }

    /// Writes down a registration, and takes back the one that it makes needless: itself or a later
    /// one. Never one whose time has come, which may not have rung yet: somebody counts on it.
    fn note(&self, clock: &Clock, at: Tick, id: AlarmId) {
        let mut set = self.lock();
        // Read under the lock: this one may have rung before it was written down. Then whoever rang
        // has looked at everything, and what was set thereafter is not for this one to replace.
        let now = clock.now();
        if at <= now {
            return;
        }
        let needless = if stands(*set, now, at) {
            Some((at, id))
        } else {
            set.replace((at, id)).filter(|(t, _)| now < *t)
        };
        drop(set);
        if let Some((_, id)) = needless {
            clock.cancel(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Tick, AlarmId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what is set rings at `at` or before. One whose time has come rings, or has rung: it does
/// not stand for a later one.
fn stands(set: Option<(Tick, AlarmId)>, now: Tick, at: Tick) -> bool {
    set.is_some_and(|(t, _)| now < t && t <= at)
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
    // The two that follow: found by the soak, seed 4921217093169816700.

    /// A caller with a short deadline was preempted between the two halves of `set`; its alarm rang,
    /// the next one was set, and the caller took that one back.
    #[test]
    fn one_that_rings_before_it_is_written_down_takes_none_back() {
        let hand = ManualClock::new();
        let (clock, alarm, bell) = (Clock::manual(&hand), Alarm::default(), Waker::noop());
        let soon = hand.now().after(Duration::from_secs(1));
        let id = clock.try_wake_at(soon, bell.clone()).unwrap();
        hand.advance(Duration::from_secs(1));
        let later = hand.now().after(Duration::from_secs(9));
        assert!(alarm.set(&clock, later, bell));
        alarm.note(&clock, soon, id);
        assert_eq!(hand.next_alarm(), Some(later));
        assert!(alarm.set(&clock, later.after(Duration::from_secs(1)), bell));
        assert_eq!(hand.pending_alarms(), 1, "it still stands for later ones");
    }

    /// An alarm whose time had come, and that the clock's thread had not come round to, was taken
    /// back in favour of a later one.
    #[test]
    fn one_that_is_about_to_ring_is_not_taken_back() {
        let hand = ManualClock::new();
        let (clock, alarm, bell) = (Clock::manual(&hand), Alarm::default(), Waker::noop());
        // A hand-moved clock is never late: one that is pending stands in for one that is due.
        let late = clock.try_wake_at(hand.now().after(Duration::from_secs(1)), bell.clone());
        *alarm.lock() = late.map(|id| (hand.now(), id));
        assert!(alarm.set(&clock, hand.now().after(Duration::from_secs(9)), bell));
        assert_eq!(hand.pending_alarms(), 2);
    }
}
