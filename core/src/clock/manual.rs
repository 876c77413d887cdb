//! A clock moved by hand: time passes when a test says so, and in the order it says.
//!
//! Decides what a step of time sets off. Knows nothing of the system's clock or of threads:
//! alarms go off on the thread that moves the hand.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::alarms::{AlarmId, Alarms};
use super::precise::ORIGIN;
use crate::guarded::contained;
use crate::primitives::around::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use crate::tick::Tick;

/// One before [`Tick::NEVER`], which no clock may reach.
const LATEST: Tick = Tick::from_nanos(u64::MAX - 1);

/// A clock that stands still until it is told to [`advance`](Self::advance).
///
/// Starts at one hour, so that moments in the past have ticks too. Shared by every
/// [`Clock`](super::Clock) made from it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use nebula_resource_core::clock::{Clock, ManualClock};
/// use nebula_resource_core::park::block_on;
///
/// let hand = ManualClock::new();
/// let sleep = Clock::manual(&hand).sleep(Duration::from_secs(3600));
/// hand.advance(Duration::from_secs(3600));
/// block_on(sleep); // has been an hour, and took no time
/// ```
pub struct ManualClock {
    /// Nanoseconds. Moved under the lock of `table`, read without it.
    now: AtomicU64,
    table: Mutex<Table>,
    /// State of the jitter sequence.
    seed: AtomicU64,
}

struct Table {
    alarms: Alarms,
    /// Where the hand is being moved to. On its own so that advances that meet, from another
    /// thread or from within a waker, add up.
    goal: Tick,
}

impl ManualClock {
    /// A clock that shows one hour, with jitter that is the same in every run.
    pub fn new() -> Arc<Self> {
        Self::with_seed(0)
    }

    /// As [`new`](Self::new), with a jitter sequence of its own for each `seed`.
    pub fn with_seed(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicU64::new(ORIGIN.as_nanos()),
            table: Mutex::new(Table {
                alarms: Alarms::new(),
                goal: ORIGIN,
            }),
            seed: AtomicU64::new(seed),
        })
    }

    /// What the clock shows.
    pub fn now(&self) -> Tick {
        // ord: Acquire, pairs with the Release in `move_to`: who sees a time sees what was done
        // before the hand was moved there.
        Tick::from_nanos(self.now.load(Ordering::Acquire))
    }

    /// Moves the hand on by `span`, and sets off what falls due on the way, in order of time.
    ///
    /// The clock shows the time of each alarm when its waker is called, on this thread and with
    /// no lock held; so alarms that a waker registers in turn go off too if they fall within
    /// `span`. A panic in a waker is contained. Advances that overlap add up.
    ///
    /// A task that a waker only schedules runs later, and sees the clock where it is by then: to
    /// drive such tasks through several sleeps, advance from alarm to alarm
    /// ([`next_alarm`](Self::next_alarm)) and let them run in between.
    pub fn advance(&self, span: Duration) {
        let mut table = self.table();
        table.goal = table.goal.after(span).min(LATEST);
        self.ring_due(table);
    }

    /// Moves the hand on by `span` in one jump, as after a suspend: what fell due on the way goes off
    /// late, with the clock at its goal already.
    pub fn leap(&self, span: Duration) {
        let mut table = self.table();
        table.goal = table.goal.after(span).min(LATEST);
        self.move_to(table.goal);
        self.ring_due(table);
    }

    fn ring_due<'a>(&'a self, mut table: MutexGuard<'a, Table>) {
        loop {
            let goal = table.goal;
            let Some((at, waker)) = table.alarms.pop_due(goal) else {
                break;
            };
            self.move_to(at);
            drop(table);
            contained(|| waker.wake());
            table = self.table();
        }
        self.move_to(table.goal);
    }

    /// How many alarms have been registered and have neither gone off nor been cancelled.
    pub fn pending_alarms(&self) -> usize {
        self.table().alarms.len()
    }

    /// When the next alarm goes off; `None` if nothing waits for this clock.
    pub fn next_alarm(&self) -> Option<Tick> {
        Some(self.table().alarms.next()).filter(|&at| at != Tick::NEVER)
    }

    /// See [`Clock::wake_at`](super::Clock::wake_at); `None` if it went off within the call.
    pub(super) fn register(&self, at: Tick, waker: Waker) -> Option<AlarmId> {
        let mut table = self.table();
        // Under the lock: either the hand has passed `at`, or whoever moves it there finds this.
        if at > self.now() {
            return Some(table.alarms.insert(at, waker));
        }
        drop(table);
        contained(|| waker.wake());
        None
    }

    /// See [`Clock::cancel`](super::Clock::cancel).
    pub(super) fn cancel(&self, alarm: AlarmId) -> bool {
        let waker = self.table().alarms.remove(alarm);
        let pending = waker.is_some();
        contained(|| drop(waker));
        pending
    }

    /// The next of a sequence fixed by the seed: SplitMix64, which any seed will do for, and
    /// which no new version of a dependency can change.
    pub(super) fn jitter(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        // ord: Relaxed: each caller gets a place in the sequence of its own, no more.
        let mut z = self
            .seed
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn move_to(&self, at: Tick) {
        // A maximum: an alarm may be due for a time that has passed.
        // ord: Release, pairs with the Acquire in `now`.
        self.now.fetch_max(at.as_nanos(), Ordering::Release);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Clock;
    use super::super::testing::{bell, teller};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn after_a_leap_alarms_go_off_late() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        clock.wake_at(start.after(SECOND), waker);
        hand.leap(60 * SECOND);
        assert_eq!(told.try_recv(), Ok(start.after(60 * SECOND)));
    }

    fn set() -> (Arc<ManualClock>, Clock, Tick) {
        let hand = ManualClock::new();
        let clock = Clock::manual(&hand);
        (Arc::clone(&hand), clock, hand.now())
    }

    #[test]
    fn time_stands_still_until_it_is_moved() {
        let (hand, clock, start) = set();
        assert_eq!(start, Tick::ZERO.after(SECOND * 3600));
        assert_eq!((clock.now(), clock.coarse()), (start, start));
        hand.advance(SECOND);
        assert_eq!(
            (clock.now(), clock.coarse()),
            (start.after(SECOND), start.after(SECOND))
        );
    }

    #[test]
    fn alarms_ring_in_order_of_time_each_at_its_own() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        for seconds in [3, 1, 2, 2, 9] {
            clock.wake_at(start.after(SECOND * seconds), waker.clone());
        }
        hand.advance(SECOND * 5);
        let times: Vec<Tick> = told.try_iter().collect();
        assert_eq!(
            times,
            [1, 2, 2, 3].map(|seconds| start.after(SECOND * seconds))
        );
        assert_eq!(
            (hand.now(), hand.pending_alarms()),
            (start.after(SECOND * 5), 1)
        );
        assert_eq!(hand.next_alarm(), Some(start.after(SECOND * 9)));
    }

    #[test]
    fn an_alarm_that_is_due_rings_within_the_call() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        let alarm = clock.wake_at(start, waker);
        assert_eq!(told.try_recv(), Ok(start));
        assert!(!clock.cancel(alarm));
        assert_eq!((hand.pending_alarms(), hand.next_alarm()), (0, None));
    }

    #[test]
    fn a_cancelled_alarm_does_not_ring() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        let alarm = clock.wake_at(start.after(SECOND), waker);
        assert!(!Clock::from(ManualClock::new()).cancel(alarm));
        assert!(clock.cancel(alarm));
        hand.advance(SECOND * 2);
        assert!(told.try_recv().is_err());
        assert!(!clock.cancel(alarm));
    }

    #[test]
    fn alarms_set_by_wakers_ring_within_the_same_advance() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        let chain = clock.clone();
        let link = move || chain.wake_at(chain.now().after(SECOND), waker.clone());
        clock.wake_at(start.after(SECOND), bell(link));
        hand.advance(SECOND * 3);
        assert_eq!(told.try_recv(), Ok(start.after(SECOND * 2)));
        assert_eq!(hand.now(), start.after(SECOND * 3));
    }

    #[test]
    fn advances_from_within_a_waker_add_up() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        let inner = Arc::clone(&hand);
        clock.wake_at(
            start.after(SECOND),
            bell(move || inner.advance(SECOND * 10)),
        );
        clock.wake_at(start.after(SECOND * 11), waker);
        hand.advance(SECOND * 2);
        assert_eq!(told.try_recv(), Ok(start.after(SECOND * 11)));
        assert_eq!(hand.now(), start.after(SECOND * 12));
    }

    #[test]
    fn advances_from_several_threads_add_up() {
        let (hand, _, start) = set();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| hand.advance(SECOND)));
            }
        });
        assert_eq!(hand.now(), start.after(SECOND * 400));
    }

    #[test]
    fn a_panicking_waker_stops_neither_time_nor_the_next_alarm() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        clock.wake_at(start.after(SECOND), bell(|| panic!("a waker")));
        clock.wake_at(start.after(SECOND * 2), waker);
        hand.advance(SECOND * 3);
        assert_eq!(told.try_recv(), Ok(start.after(SECOND * 2)));
        assert_eq!(hand.now(), start.after(SECOND * 3));
    }

    #[test]
    fn time_has_an_end_which_is_not_never() {
        let (hand, clock, _) = set();
        clock.wake_at(Tick::NEVER, Waker::noop().clone());
        hand.advance(Duration::MAX);
        hand.advance(Duration::MAX);
        assert_eq!(hand.now(), LATEST);
        assert!(LATEST < Tick::NEVER, "or what is never due would be");
        assert_eq!((hand.pending_alarms(), hand.next_alarm()), (1, None));
    }

    #[test]
    fn jitter_repeats_for_a_seed_and_differs_between_seeds() {
        let draw = |seed| {
            let clock = Clock::from(ManualClock::with_seed(seed));
            [clock.jitter(), clock.jitter(), clock.jitter()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        // The published test vector of SplitMix64.
        assert_eq!(
            draw(1234567)[..2],
            [6457827717110365317, 3203168211198807973]
        );
    }
}
