//! Recording: who asked what and was answered what, in one order.
//!
//! Decides when an event happened. Knows nothing of what the calls mean.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::history::{Answer, Call, History, Operation, Reply};

#[derive(Debug, Default)]
struct Shared {
    /// The moment: one more with each event.
    clock: AtomicU64,
    actors: AtomicUsize,
    handed_in: Mutex<Vec<Operation>>,
}

/// Collects one history. Clones collect the same one.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Shared>);

impl Recorder {
    /// With nothing recorded.
    pub fn new() -> Self {
        Self::default()
    }

    /// A log of its own for one caller. May be moved to another thread.
    pub fn log(&self) -> Log {
        Log {
            // ord: Relaxed, only tells them apart.
            actor: self.0.actors.fetch_add(1, Ordering::Relaxed),
            shared: Arc::clone(&self.0),
            operations: Vec::new(),
        }
    }

    /// What the logs that were dropped have handed in, and takes it out: once they all are, this is
    /// the history.
    pub fn history(&self) -> History {
        let handed_in = &self.0.handed_in;
        let mut handed_in = handed_in.lock().unwrap_or_else(PoisonError::into_inner);
        History::new(std::mem::take(&mut *handed_in))
    }
}

/// What one caller saw. Dropped, it is handed in; calls without an answer are pending then.
///
/// One caller may have several calls under way, as one that polls futures by hand does.
#[derive(Debug)]
pub struct Log {
    actor: usize,
    shared: Arc<Shared>,
    operations: Vec<Operation>,
}

/// A call that was made and not yet answered. Dropping it leaves the call pending.
#[derive(Debug)]
#[must_use = "a call without an answer is pending for ever"]
pub struct Ticket(usize);

impl Log {
    /// Write this down right before the call is made.
    pub fn call(&mut self, call: Call) -> Ticket {
        // Room before the stamp: the call itself comes right after it.
        self.operations.reserve(1);
        // ord: Acquire, pairs with the Release in `reply`: what was answered before has happened
        // before. The counter is only ever added to, so that later ones continue the release.
        let at = self.shared.clock.fetch_add(1, Ordering::Acquire);
        self.operations.push(Operation {
            actor: self.actor,
            call,
            invoked: at,
            answer: None,
            looked: Vec::new(),
            crowded: false,
        });
        Ticket(self.operations.len() - 1)
    }

    /// Write this down right after the answer came. A future that was dropped is answered with
    /// [`Reply::Cancelled`], after the drop.
    #[allow(clippy::needless_pass_by_value, reason = "a call is answered once")]
    pub fn reply(&mut self, call: Ticket, reply: Reply) {
        // ord: Release, pairs with the Acquire in `call`.
        let at = self.shared.clock.fetch_add(1, Ordering::Release);
        self.operations[call.0].answer = Some(Answer { at, reply });
    }

    /// A waiter was polled, for the first time or after it was woken, and went on waiting; only
    /// [`fairness`](crate::fairness) asks for it.
    pub fn looked(&mut self, call: &Ticket) {
        // ord: Release, as an answer: who calls after this happens after this.
        let at = self.shared.clock.fetch_add(1, Ordering::Release);
        self.operations[call.0].looked.push(at);
    }

    /// Makes the call and writes both down.
    pub fn record<T>(
        &mut self,
        call: Call,
        make: impl FnOnce() -> T,
        reply: impl FnOnce(&T) -> Reply,
    ) -> T {
        let call = self.call(call);
        let answer = make();
        // The stamp comes at once: reading the answer takes no step of the pool.
        let reply = reply(&answer);
        self.reply(call, reply);
        answer
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let handed_in = &self.shared.handed_in;
        let mut handed_in = handed_in.lock().unwrap_or_else(PoisonError::into_inner);
        handed_in.append(&mut self.operations);
    }
}
