//! The engine's part in creation: permits and the gate, before and after.
//!
//! Keeps I5 and I6. Knows nothing of how an object is made.

use crate::Tick;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::guarded::contained;
use crate::record::ObjectState;
use crate::waiters::{Cause, Failure, Gate, Wakes};

impl<T> Engine<T> {
    /// Whether a creation that has not begun yet still has somebody to serve.
    pub(crate) fn creation_wanted(&self) -> bool {
        let line = self.line.lock();
        line.queue.lacking() >= line.gate.creating()
    }

    /// A new object: handed to the head of the line, or put aside.
    pub(crate) fn deliver(&self, entry: Box<Entry<T>>) {
        entry.record.set_state(ObjectState::Idle);
        // Now, so that giving it back allocates nothing.
        self.idle.prepare();
        let settings = self.settings();
        let mut wakes = Wakes::default();
        let mut line = self.line.lock();
        let state = self.permits.state();
        let head = line.queue.first().filter(|_| state.open() && state.keeps());
        let left = match head {
            Some(head) => {
                wakes.push(line.queue.grant(head, entry));
                None
            }
            None => {
                let mut entry = entry;
                // Nobody looks at it soon: when it fails, it will have been good for a while.
                entry.newborn = false;
                Some(entry)
            }
        };
        let lacking = line.queue.lacking();
        let failure = line.gate.succeeded(lacking, &settings.config);
        // proof: deliver-serves
        self.serve_locked(&mut line, &mut wakes);
        drop(line);
        wakes.wake();
        if let Some(entry) = left {
            // proof: deliver-gives
            self.give(entry);
        }
        contained(|| drop(failure));
    }

    /// A creation failed; answers when the next one may be tried. Whoever calls this sees to it that
    /// `sweep` is called then.
    pub(crate) fn creation_failed(&self, now: Tick, cause: Cause, random: u64) -> Tick {
        let backoff = self.settings().config.create_backoff;
        self.stats.create_failed();
        self.creation_over(|gate| gate.failed(now, cause, backoff, random))
    }

    /// A creation failed, or was not tried because others did, and this failure is in force for
    /// every pool of the backend; otherwise as `creation_failed`.
    pub(crate) fn creation_refused(&self, failure: Failure) -> Tick {
        self.creation_over(|gate| (failure.clone(), gate.refused(failure)))
    }

    fn creation_over(&self, note: impl FnOnce(&mut Gate) -> (Failure, Option<Failure>)) -> Tick {
        self.release_permit();
        self.note_failure(note)
    }

    /// An object that was made for somebody failed its first check; answers when the next one may be
    /// made. Whoever calls this sees to it that `sweep` is called then.
    pub(crate) fn stillborn(&self, now: Tick, cause: Cause, random: u64) -> Tick {
        let backoff = self.settings().config.create_backoff;
        self.note_failure(|gate| gate.stillborn(now, cause, backoff, random))
    }

    /// An object that was made for somebody is good.
    pub(crate) fn thrives(&self) {
        let failure = self.line.lock().gate.thrives();
        if failure.is_some() {
            self.serve();
            contained(|| drop(failure));
        }
    }

    fn note_failure(&self, note: impl FnOnce(&mut Gate) -> (Failure, Option<Failure>)) -> Tick {
        let mut line = self.line.lock();
        // The old cause is dropped after the lock: it is user code.
        let (failure, _before) = note(&mut line.gate);
        line.alarm = line.alarm.min(failure.retry_at);
        drop(line);
        if self.settings().config.fail_fast {
            self.refuse_all(Some(&failure));
        }
        failure.retry_at
    }

    /// Others found the backend there again; answers whether this pool had a failure in force, and
    /// so is to be rung.
    pub(crate) fn hasten(&self, now: Tick) -> bool {
        self.line.lock().gate.hasten(now)
    }

    /// A creation takes long: there is room for another, if more than one is wanted.
    pub(crate) fn creation_slowed(&self) {
        let mut wakes = Wakes::default();
        let mut line = self.line.lock();
        line.gate.slowed();
        // proof: slow-makes-room
        self.serve_locked(&mut line, &mut wakes);
        drop(line);
        wakes.wake();
    }

    /// One that takes long is about to end.
    pub(crate) fn slow_creation_ends(&self) {
        self.line.lock().gate.slow_ends();
    }

    /// A creation ended without an outcome.
    pub(crate) fn creation_withdrawn(&self) {
        self.release_permit();
        self.line.lock().gate.withdrawn();
        // proof: withdrawal-frees
        self.permit_freed();
    }
}
