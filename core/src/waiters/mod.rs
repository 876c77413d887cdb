//! Who waits: the line, its lock, and the word by which the fast path sees it from outside.
//!
//! Decides nothing by itself; `engine::line` does, under the lock. The protocol is written
//! down in `docs/protocols/wakeup.md`.

mod gate;
#[cfg(all(test, not(loom)))]
mod gate_tests;
mod overload;
#[cfg(all(test, not(loom)))]
mod overload_tests;
mod queue;
#[cfg(all(test, not(loom)))]
mod queue_tests;
mod waiter;
mod wakes;

pub(crate) use gate::{Cause, Failure, Gate};
pub(crate) use overload::{Overload, Sight, Verdict};
pub(crate) use queue::{Place, Queue};
pub(crate) use waiter::{Left, Standing, Waiter, Wish};
pub(crate) use wakes::{Wakes, wake};

use std::ops::{Deref, DerefMut};

use crate::Tick;
use crate::config::{Fairness, PoolConfig};
use crate::entry::Entry;
use crate::primitives::{AtomicU32, Mutex, MutexGuard, Ordering, PoisonError};

/// The line of a pool. On cache lines of its own: while somebody waits it is written all the time, and its
/// neighbours are read by everybody. What every waiter writes comes first, side by side.
#[repr(C, align(64))]
pub(crate) struct Line<T> {
    /// `{ barred: 1, waiting: 31 }`, written by whoever holds the lock, when it lets go.
    ///
    /// | waiting | barred | meaning |
    /// |---------|--------|---------|
    /// | 0 | 0 | nobody waits: give and take do not come here |
    /// | n | 0 | a running newcomer may still take an idle object past the woken ones |
    /// | n | 1 | fairness is strict, somebody has lost once, or the head is a task: newcomers join the line |
    word: AtomicU32,
    desk: Mutex<Desk<T>>,
}

/// What the lock protects.
#[repr(C)]
pub(crate) struct Desk<T> {
    pub(crate) queue: Queue<Box<Entry<T>>>,
    /// The earliest alarm that was asked for and has not rung.
    pub(crate) alarm: Tick,
    pub(crate) strict: bool,
    pub(crate) gate: Gate,
    /// Who is turned away, where anybody is.
    pub(crate) overload: Option<Box<Overload>>,
}

const BARRED: u32 = 1 << 31;

impl<T> Line<T> {
    pub(crate) fn new(config: &PoolConfig) -> Self {
        Self {
            word: AtomicU32::new(0),
            desk: Mutex::new(Desk {
                queue: Queue::new(),
                gate: Gate::new(),
                overload: Overload::new(config),
                strict: config.fairness == Fairness::Strict,
                alarm: Tick::NEVER,
            }),
        }
    }

    /// Whether somebody waits. Callers that decide by it fence first (see `engine::give`).
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.word.load(Ordering::Relaxed) == 0
    }

    /// How many wait (a momentary count).
    pub(crate) fn waiting(&self) -> usize {
        (self.word.load(Ordering::Relaxed) & !BARRED) as usize
    }

    /// Whether newcomers must join the line rather than take an idle object.
    #[inline]
    pub(crate) fn bars_newcomers(&self) -> bool {
        self.word.load(Ordering::Relaxed) & BARRED != 0
    }

    /// The lock. No user code runs while it is held: not a waker, not a destructor.
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        Locked {
            line: self,
            desk: self.desk.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// The line, locked; publishes the word when it is let go.
pub(crate) struct Locked<'a, T> {
    line: &'a Line<T>,
    desk: MutexGuard<'a, Desk<T>>,
}

impl<T> Locked<'_, T> {
    /// Whether objects must be handed over in order rather than raced for.
    pub(crate) fn hands_over(&self) -> bool {
        let queue = &self.desk.queue;
        // proof: who-lost-is-handed-to
        self.desk.strict || queue.lost() > 0 || queue.first_is_handed_to()
    }

    /// Makes the line as it is now visible to those who do not take the lock.
    ///
    /// ord: Relaxed, because what makes it count is the SeqCst fence that follows it in `join`,
    /// and otherwise only a stale word that errs by a moment.
    pub(crate) fn publish(&self) {
        let waiting = self.desk.queue.len() as u32 & !BARRED;
        // proof: newcomers-are-barred
        let barred = waiting > 0 && self.hands_over();
        let word = waiting | if barred { BARRED } else { 0 };
        self.line.word.store(word, Ordering::Relaxed);
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = Desk<T>;

    fn deref(&self) -> &Desk<T> {
        &self.desk
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut Desk<T> {
        &mut self.desk
    }
}

impl<T> Drop for Locked<'_, T> {
    fn drop(&mut self) {
        // proof: unlock-publishes
        self.publish();
    }
}
