//! What time it is, and who wants to be woken when: the one place that reads a clock or draws a
//! random number.
//!
//! Decides which clock answers (the system's, or one moved by hand) and what each reading costs.
//! Knows nothing of pools: the engine takes `now` as an argument, and its callers get it here.
//!
//! | file | decides |
//! |---|---|
//! | `precise` | how a [`std::time::Instant`] becomes a [`Tick`] |
//! | `coarse` | what a reader may take for the time without asking the system |
//! | `alarms` | which waker is due, in which order |
//! | `keeper` | when the one thread behind the system clock works and when it sleeps |
//! | `manual` | what happens when time is moved by hand |
//! | `sleep` | how a future waits for a moment |

mod alarms;
mod coarse;
mod keeper;
mod manual;
mod precise;
mod sleep;

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::tick::Tick;

pub use alarms::AlarmId;
pub use manual::ManualClock;
pub use sleep::Sleep;

/// Tells the time, wakes at a given moment, and draws random numbers for jitter.
///
/// Two kinds: [`system`](Self::system), shared by the whole process, and
/// [`manual`](Self::manual), where time stands still until [`ManualClock::advance`] moves it and
/// random numbers repeat from run to run. Cheap to clone. Neither needs an async runtime.
///
/// Ticks of different clocks must not be compared, with one exception: all system clocks are
/// the same clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use nebula_resource_core::clock::{Clock, ManualClock};
///
/// let hand = ManualClock::new();
/// let clock = Clock::manual(&hand);
/// let start = clock.now();
/// hand.advance(Duration::from_secs(600));
/// assert_eq!(clock.now().since(start), Duration::from_secs(600));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<ManualClock>),
}

impl Clock {
    /// The process-wide monotonic clock.
    ///
    /// Behind it stands one thread, `nebula-clock`, started by the first [`coarse`](Self::coarse)
    /// or [`wake_at`](Self::wake_at) of the process. It wakes four times a second while coarse
    /// time is being read, at each alarm, and otherwise never. If it cannot be started (a thread
    /// limit), readings stay correct and become dearer, alarms turn into polling, and every
    /// quarter of a second it is tried again.
    ///
    /// A process made by `fork` without `exec` does not inherit that thread.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until `hand` is [advanced](ManualClock::advance).
    pub fn manual(hand: &Arc<ManualClock>) -> Self {
        Self(Source::Manual(Arc::clone(hand)))
    }

    /// The time now, to the nanosecond as far as the system knows it.
    ///
    /// Costs a clock read, some 20 ns. Never runs backwards.
    pub fn now(&self) -> Tick {
        match &self.0 {
            Source::System => precise::now(),
            Source::Manual(hand) => hand.now(),
        }
    }

    /// The time a moment ago, for the price of a load; for ages that are told in seconds.
    ///
    /// At most 250 ms behind [`now`](Self::now), plus however late the scheduler runs the
    /// keeper; never ahead of it. Successive readings never run backwards. The first reading
    /// after a quiet spell is precise and costs a clock read and a wake-up. On a manual clock
    /// this is `now`.
    ///
    /// # Blocking
    ///
    /// Never, and it takes no lock that somebody else may hold; fit for a destructor. The first
    /// call of the process starts a thread.
    #[inline]
    pub fn coarse(&self) -> Tick {
        match &self.0 {
            Source::System => keeper::system().coarse(),
            Source::Manual(hand) => hand.now(),
        }
    }

    /// Wakes `waker` once, as soon as the time is `at`; at once if that has passed.
    ///
    /// [`Tick::NEVER`] never comes. On the system clock the waker is called on the keeper's
    /// thread, so it should be quick, as wakers are: one that blocks delays every other alarm,
    /// and coarse time with them.
    /// On a manual clock it is called within [`ManualClock::advance`], or within this call when
    /// `at` has passed. No lock is held while it runs, and a panic in it is contained.
    ///
    /// A wake-up is a hint, as everywhere: look at the clock again. It comes early, from within
    /// this call, when the keeper's thread cannot be started.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{task::Waker, time::Duration};
    /// use nebula_resource_core::clock::Clock;
    ///
    /// let clock = Clock::system();
    /// let alarm = clock.wake_at(clock.now().after(Duration::from_secs(60)), Waker::noop().clone());
    /// assert!(clock.cancel(alarm));
    /// assert!(!clock.cancel(alarm));
    /// ```
    pub fn wake_at(&self, at: Tick, waker: Waker) -> AlarmId {
        self.register(at, waker).unwrap_or(AlarmId::SPENT)
    }

    /// [`wake_at`](Self::wake_at), with `None` for an alarm that went off within the call.
    pub(crate) fn try_wake_at(&self, at: Tick, waker: Waker) -> Option<AlarmId> {
        self.register(at, waker)
    }

    /// Takes an alarm back, and answers whether it was still pending.
    ///
    /// After `false` the waker has been called, or is about to be: an alarm that is going off
    /// cannot be stopped.
    pub fn cancel(&self, alarm: AlarmId) -> bool {
        match &self.0 {
            Source::System => keeper::system().cancel(alarm),
            Source::Manual(hand) => hand.cancel(alarm),
        }
    }

    /// A future that is ready once the time is `at`; see [`Sleep`].
    pub fn sleep_until(&self, at: Tick) -> Sleep {
        Sleep::new(self.clone(), at)
    }

    /// A future that is ready once `span` has passed, counted from this call; see [`Sleep`].
    pub fn sleep(&self, span: Duration) -> Sleep {
        self.sleep_until(self.now().after(span))
    }

    /// The moment of this clock that `instant` stands for.
    ///
    /// Exact on the system clock. A manual clock knows no instants: there the distance from the
    /// real present, to either side, is laid off from its own present.
    pub fn deadline(&self, instant: Instant) -> Tick {
        match &self.0 {
            Source::System => precise::tick_of(instant),
            Source::Manual(hand) => precise::laid_off(hand.now(), Instant::now(), instant),
        }
    }

    /// 64 random bits, to spread out what would otherwise happen all at once; not for secrets.
    ///
    /// On a manual clock the sequence follows from its [seed](ManualClock::with_seed).
    pub fn jitter(&self) -> u64 {
        match &self.0 {
            Source::System => fastrand::u64(..),
            Source::Manual(hand) => hand.jitter(),
        }
    }

    /// [`wake_at`](Self::wake_at), with `None` for an alarm that went off within the call: only
    /// so can a sleeper know that it must ask again.
    fn register(&self, at: Tick, waker: Waker) -> Option<AlarmId> {
        match &self.0 {
            Source::System => keeper::system().register(at, waker),
            Source::Manual(hand) => hand.register(at, waker),
        }
    }
}

impl From<&Arc<ManualClock>> for Clock {
    fn from(hand: &Arc<ManualClock>) -> Self {
        Self::manual(hand)
    }
}

impl From<Arc<ManualClock>> for Clock {
    fn from(hand: Arc<ManualClock>) -> Self {
        Self(Source::Manual(hand))
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
