//! The keeper: the one thread behind the system clock, which moves coarse time on and wakes
//! those whose alarm is due.
//!
//! Decides when that thread works and when it sleeps. Knows nothing of who reads the time, of
//! futures, or of hand-moved clocks.
//!
//! # When it sleeps
//!
//! The keeper cannot see readers, for they only load. So it works for [`SHIFT`] after the coarse
//! cell was made fresh, gives the cell up, and leaves it to the next reader to make it fresh
//! again: constant use costs one dear reading per shift, none at all costs no wake-up at all.
//!
//! It parks rather than waiting on a condition variable, because [`Keeper::coarse`] must be able
//! to wake it from a destructor, where no lock may be taken.
//!
//! # No alarm is lost
//!
//! Alarms and `armed`, the time at which the keeper will look again by itself, change together
//! under one lock. Either a registration comes first, and the keeper arms itself for it; or it
//! comes after, sees when the keeper means to look, and unparks it if that is too late. `park`
//! remembers an `unpark` that comes before it. While wakers run, which may park this very thread
//! and so swallow a token, `armed` is zero, and the keeper looks once more before it parks.

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::Duration;

use super::alarms::{AlarmId, Alarms};
use super::coarse::CoarseCell;
use super::precise;
use crate::guarded::contained;
use crate::tick::Tick;

/// How often a fresh cell is moved on.
const PERIOD: Duration = Duration::from_millis(250);
/// How long a cell is looked after once it was made fresh: eight periods.
const SHIFT: Duration = Duration::from_millis(8 * 250);
/// How long to leave it at that when no thread could be started.
const RETRY: Duration = Duration::from_millis(250);

static SYSTEM: Keeper = Keeper::new(start);

/// The keeper of the process.
#[inline]
pub(super) fn system() -> &'static Keeper {
    &SYSTEM
}

/// Starts the thread of `keeper`.
type Start = fn(&'static Keeper) -> io::Result<Thread>;

/// What keeper, readers and sleepers share.
#[derive(Debug)]
pub(super) struct Keeper {
    coarse: CoarseCell,
    plan: Mutex<Plan>,
    /// Set once the thread runs; it never ends.
    thread: OnceLock<Thread>,
    /// Held while starting the thread; no attempt before this time.
    retry_at: Mutex<Tick>,
    start: Start,
}

#[derive(Debug)]
struct Plan {
    alarms: Alarms,
    /// When the keeper will look at the alarms by itself: zero means before it parks again.
    armed: Tick,
}

/// The keeper's own memory of the cell it looks after.
#[derive(Debug)]
struct Shift {
    next: Tick,
    end: Tick,
}

impl Keeper {
    const fn new(start: Start) -> Self {
        Self {
            coarse: CoarseCell::new(),
            plan: Mutex::new(Plan {
                alarms: Alarms::new(),
                armed: Tick::ZERO,
            }),
            thread: OnceLock::new(),
            retry_at: Mutex::new(Tick::ZERO),
            start,
        }
    }

    /// See [`Clock::coarse`](super::Clock::coarse).
    #[inline]
    pub(super) fn coarse(&'static self) -> Tick {
        match self.coarse.fresh() {
            Some(at) => at,
            None => self.revive(),
        }
    }

    #[cold]
    fn revive(&'static self) -> Tick {
        let kept = self.thread.get().is_some()
            || match self.retry_at.try_lock() {
                Ok(retry_at) => self.hire(retry_at),
                Err(TryLockError::Poisoned(poisoned)) => self.hire(poisoned.into_inner()),
                // Somebody is at it. A destructor may not wait for that, and need not: the cell
                // just stays stale for this reading.
                Err(TryLockError::WouldBlock) => false,
            };
        let (at, revived) = self.coarse.refresh(kept, precise::now);
        if revived {
            self.unpark();
        }
        at
    }

    /// See [`Clock::wake_at`](super::Clock::wake_at); `None` if it went off within the call.
    pub(super) fn register(&'static self, at: Tick, waker: Waker) -> Option<AlarmId> {
        if self.thread.get().is_none() && !self.hire(lock(&self.retry_at)) {
            // Nobody to keep it: better too early, and asked again, than never.
            contained(|| waker.wake());
            thread::yield_now();
            return None;
        }
        let mut plan = lock(&self.plan);
        let id = plan.alarms.insert(at, waker);
        let urgent = at < plan.armed;
        if urgent {
            // Spares later registrations the wake-up that this one is about to give.
            plan.armed = at;
        }
        drop(plan);
        if urgent {
            self.unpark();
        }
        Some(id)
    }

    /// See [`Clock::cancel`](super::Clock::cancel).
    ///
    /// The keeper stays armed for it: it wakes once for nothing, which costs less than waking it
    /// to say so.
    pub(super) fn cancel(&self, alarm: AlarmId) -> bool {
        let waker = lock(&self.plan).alarms.remove(alarm);
        let pending = waker.is_some();
        contained(|| drop(waker));
        pending
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Starts the thread unless it runs or has failed to a moment ago; whether it runs.
    fn hire(&'static self, mut retry_at: MutexGuard<'_, Tick>) -> bool {
        if self.thread.get().is_some() {
            return true;
        }
        let now = precise::now();
        if now < *retry_at {
            return false;
        }
        match (self.start)(self) {
            Ok(thread) => self.thread.set(thread).is_ok(),
            Err(_) => {
                *retry_at = now.after(RETRY);
                false
            }
        }
    }

    fn work(&self) -> ! {
        let mut shift = None;
        loop {
            let until = self.round(&mut shift, precise::now());
            if until == Tick::NEVER {
                thread::park();
            } else if until != Tick::ZERO {
                thread::park_timeout(until.since(precise::now()));
            }
        }
    }

    /// Does what is due at `now`; when to look again, where zero means at once.
    fn round(&self, shift: &mut Option<Shift>, now: Tick) -> Tick {
        let next_period = self.tend(shift, now);
        let mut plan = lock(&self.plan);
        let due = plan.alarms.take_due(now);
        plan.armed = if due.is_empty() {
            next_period.min(plan.alarms.next())
        } else {
            Tick::ZERO
        };
        let until = plan.armed;
        drop(plan);
        for waker in due {
            contained(|| waker.wake());
        }
        until
    }

    /// Looks after the coarse cell; when to do so again.
    fn tend(&self, shift: &mut Option<Shift>, now: Tick) -> Tick {
        if self.coarse.fresh().is_none() {
            *shift = None;
            return Tick::NEVER;
        }
        let shift_now = shift.get_or_insert(Shift {
            next: now,
            end: now.after(SHIFT),
        });
        if now >= shift_now.end {
            self.coarse.give_up();
            *shift = None;
            return Tick::NEVER;
        }
        if now >= shift_now.next {
            self.coarse.advance(now);
            shift_now.next = now.after(PERIOD).min(shift_now.end);
        }
        shift_now.next
    }
}

/// No user code runs under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(keeper: &'static Keeper) -> io::Result<Thread> {
    let builder = thread::Builder::new().name("nebula-clock".into());
    let handle = builder.spawn(move || keeper.work())?;
    Ok(handle.thread().clone())
}

#[cfg(test)]
mod tests;
