//! Taking idle objects, giving them back, and letting them go: the fast path and its slow turns.
//!
//! The order that makes it sound (proof in `docs/protocols/wakeup.md`):
//!
//! ```text
//! give:  put into idle ; fence F1, unless by a swap ; look at the line's word and at the permits
//! join:  publish the line's word ; fence F2 ; look into idle (not behind others who are handed to)
//! close, shrink: change the permits ; fence F3 ; empty idle
//! ```
//!
//! Of two that cross, at least one sees the other.

use crate::Tick;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::guarded::contained;
use crate::idle::Put;
use crate::primitives::{Ordering, fence};
use crate::record::{ObjectState, Record};
use crate::retire::RetireReason;
use crate::waiters::{Locked, Place, Wakes};

impl<T> Engine<T> {
    /// What a newcomer may take without joining the line.
    #[inline]
    pub(crate) fn take(&self) -> Option<Box<Entry<T>>> {
        // Neither reading is ordered: a newcomer that misses a waiter, a pause or a close which
        // happens at the same time has simply come before it.
        if self.line.bars_newcomers() || !self.permits.state().open() {
            return None;
        }
        self.idle.take()
    }

    /// Puts an object aside for the next caller, and serves who waits.
    #[inline]
    pub(crate) fn give(&self, entry: Box<Entry<T>>) {
        if !self.line.is_empty() {
            return self.give_in_line(entry);
        }
        // ord: F1, pairs with F2 in `join` and F3 in `trim_after_change`. Without it the put may
        // sink below the two readings, and a waiter that looked before the put sleeps on. A thread's own
        // slot needs none: both sides swap it, and the later of two swaps sees what the earlier one's
        // thread had written.
        if self.idle.put(entry) == Put::Loosely {
            // proof: fence-give
            fence(Ordering::SeqCst);
        }
        // proof: give-looks-again
        if !self.line.is_empty() || !self.permits.state().keeps() {
            self.settle();
        }
    }

    /// Somebody waits: decide under the lock who gets the object.
    #[cold]
    fn give_in_line(&self, entry: Box<Entry<T>>) {
        let mut line = self.line.lock();
        let state = self.permits.state();
        // proof: give-in-line-keeps
        if !state.keeps() {
            drop(line);
            // No fence: settling looks again under the lock.
            let _put = self.idle.put(entry);
            return self.settle();
        }
        let (mut waker, mut told) = (None, false);
        let heir = state.open().then(|| self.heir(&mut line)).flatten();
        if let Some(heir) = heir {
            told = line.queue.waiter(heir).nudged;
            waker = line.queue.grant(heir, entry);
        } else {
            // Counted before it lies there: a newcomer that takes it at once has passed somebody,
            // who must be known for that when it comes back.
            // proof: give-wakes-one-each
            if state.open() && line.queue.woken() <= self.idle.in_ring() {
                waker = line.wake_next();
            }
            self.idle.put_last(entry);
        }
        drop(line);
        if let Some(waker) = waker {
            crate::waiters::wake(waker);
        }
        // It was told of a permit as well, which it needs no more, and may not come to say so for long.
        // proof: granted-passes-the-nudge-on
        if told {
            self.permit_freed();
        }
    }

    /// Into whose hand an object goes that comes back; nobody's, where it is put aside to be raced for.
    fn heir(&self, line: &mut Locked<'_, T>) -> Option<Place> {
        // More are woken than objects lie there: one of them has been passed already, and does
        // not know it yet. However long it takes to look, it is not passed again.
        // proof: loses-once
        if line.hands_over() || line.queue.woken() > self.idle.in_ring() {
            return line.queue.first();
        }
        // proof: task-is-handed-to
        line.queue.first_asleep_task()
    }

    /// After an object was put aside and somebody waits, or the pool shrinks or closes.
    #[cold]
    fn settle(&self) {
        // proof: settle-trims
        self.trim();
        // proof: settle-serves
        self.serve();
    }

    /// Retires idle objects while there are more than may stay. The caller has changed the
    /// permits and fenced (F3), or has put an object aside and fenced (F1).
    pub(crate) fn trim(&self) {
        while !self.permits.state().keeps() {
            let Some(entry) = self.idle.search() else {
                return;
            };
            let reason = if self.permits.state().closed() {
                RetireReason::Closed
            } else {
                RetireReason::Surplus
            };
            // Two that trim at once may both have seen one too many; the permit decides.
            // proof: trim-sheds
            if self.permits.shed() {
                self.hang_up(entry, reason);
            } else {
                self.idle.put_last(entry);
                // proof: fence-trim
                fence(Ordering::SeqCst);
            }
        }
    }

    /// After the permits were changed so that less may stay.
    pub(crate) fn trim_after_change(&self) {
        // ord: F3, pairs with F1 in `give`: an object put aside at the same moment is found here,
        // or its giver finds the change.
        // proof: fence-change
        fence(Ordering::SeqCst);
        self.trim();
    }

    /// Lets an object go for good, and its permit with it. It is destroyed later, by whoever
    /// drains the retired: nothing here blocks or allocates.
    pub(crate) fn retire(&self, entry: Box<Entry<T>>, reason: RetireReason) {
        entry.record.set_state(ObjectState::Retired);
        // The books before the chain: whoever destroys it may be waiting for the last permit.
        self.release_permit();
        self.hang_up(entry, reason);
        // proof: retire-frees
        self.permit_freed();
    }

    /// Gives a permit back; who waits for a closed pool to settle is told.
    pub(crate) fn release_permit(&self) {
        self.permits.release();
        // proof: permit-tells
        if self.permits.state().closed() {
            self.tell_settled();
        }
    }

    /// Rings for those who wait for the pool to settle. Their wakers are user code.
    pub(crate) fn tell_settled(&self) {
        contained(|| {
            self.settled.notify(usize::MAX);
        });
    }

    /// [`Self::retire`] for an object whose permit is gone already.
    fn hang_up(&self, mut entry: Box<Entry<T>>, reason: RetireReason) {
        entry.record.set_state(ObjectState::Retired);
        entry.retired = Some(reason);
        self.stats.retired(reason);
        self.retired.push(entry);
        self.bell.wake_by_ref();
        // Where nothing runs in the background, whoever waits for the pool to settle destroys it.
        // Either its draining came before our hanging up, and we see the pool closed; or it finds it.
        // proof: hang-up-tells
        if self.permits.state().closed() {
            self.tell_settled();
        }
    }

    /// Retires an object that somebody else still holds and will drop.
    pub(crate) fn write_off(&self, record: &Record, reason: RetireReason) {
        record.set_state(ObjectState::Retired);
        self.stats.retired(reason);
        self.release_permit();
        self.permit_freed();
    }

    /// Takes an object out for good; it is its taker's now, the pool may make another.
    pub(crate) fn detach(&self, entry: Entry<T>) -> T {
        entry.record.set_state(ObjectState::Retired);
        self.stats.detached();
        self.release_permit();
        // proof: detach-frees
        self.permit_freed();
        entry.object
    }

    /// A permit was freed: whoever waits may start a creation on it.
    pub(crate) fn permit_freed(&self) {
        // ord: F1 for permits, pairs with F2 in `join`: of a waiter that found no permit and a
        // permit that found no waiter, one is wrong.
        // proof: fence-permit
        fence(Ordering::SeqCst);
        // proof: permit-looks-again
        if !self.line.is_empty() {
            self.serve();
        }
    }

    /// Hands idle objects to those who wait, in order, and has a creation started if need be.
    #[cold]
    pub(crate) fn serve(&self) {
        let mut wakes = Wakes::default();
        loop {
            let mut line = self.line.lock();
            self.serve_locked(&mut line, &mut wakes);
            let again = wakes.is_full();
            drop(line);
            wakes.wake();
            if !again {
                return;
            }
        }
    }

    /// Marks a returned object: put aside at `now`.
    #[inline]
    pub(crate) fn put_aside(&self, entry: &mut Entry<T>, now: Tick) {
        // The configuration may have been changed while it was out. It is looked at closely only when
        // somebody wants it, but the stock goes by its lifetime from now on.
        if entry.stamp != self.stamp.read() {
            entry.meet(&self.settings());
        }
        entry.record.moved(ObjectState::Idle, now);
        entry.renew_freshness(now);
    }
}
