//! Those who act in a schedule, each a thread or a task of its own, and the clock that moves once they
//! can do no more without it.
//!
//! Decides when time passes and when everybody counts as stuck. Knows nothing of what they do.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nebula_resource_core::clock::ManualClock;

use crate::explore::pick;

/// In each part of a schedule the clock is moved no further than this: far enough for every bound
/// and backoff, and nothing like a day. Who waits longer waits in vain.
const MOST_TIME: Duration = Duration::from_secs(900);
/// So often may everybody else do something before it counts as stuck.
const PATIENCE: usize = 2_000;

/// Somebody who was started.
enum Party {
    Thread(shuttle::thread::JoinHandle<()>),
    Task(shuttle::future::JoinHandle<()>),
}

/// See the module.
pub(crate) struct Crew {
    hand: Arc<ManualClock>,
    time: bool,
    /// So often may everybody else do something before the clock moves on.
    pace: usize,
    parties: Mutex<Vec<Party>>,
    /// Parties that have not ended.
    busy: Arc<AtomicUsize>,
}

/// A party that has not ended.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Relaxed);
        Self(Arc::clone(busy))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Crew {
    /// Nobody yet. With `time`, the clock is moved while they are at it.
    pub(crate) fn new(hand: &Arc<ManualClock>, time: bool) -> Self {
        Self {
            hand: Arc::clone(hand),
            time,
            pace: pick(&[8, 32, 128]),
            parties: Mutex::default(),
            busy: Arc::default(),
        }
    }

    /// Whether time passes.
    pub(crate) const fn has_time(&self) -> bool {
        self.time
    }

    /// Has `act` done by a thread of its own.
    pub(crate) fn thread(&self, act: impl FnOnce() + Send + 'static) {
        let busy = Busy::new(&self.busy);
        self.add(Party::Thread(shuttle::thread::spawn(move || {
            let _busy = busy;
            act();
        })));
    }

    /// Has `act` done by a task of its own.
    pub(crate) fn task(&self, act: impl Future<Output = ()> + Send + 'static) {
        let busy = Busy::new(&self.busy);
        self.add(Party::Task(shuttle::future::spawn(async move {
            let _busy = busy;
            act.await;
        })));
    }

    fn add(&self, party: Party) {
        let mut parties = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        parties.push(party);
    }

    /// Waits for all parties. Where no time passes it just waits: if nobody can go on, shuttle says
    /// so.
    ///
    /// # Panics
    ///
    /// When one panicked, or they are stuck; then with what `report` says.
    pub(crate) fn join(&self, report: impl Fn() -> String) {
        if self.time {
            self.drive(|| self.busy.load(Relaxed) == 0, report);
        }
        let mut parties = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *parties);
        drop(parties);
        for party in all {
            match party {
                Party::Thread(thread) => thread.join().expect("a thread that does not panic"),
                Party::Task(task) => shuttle::future::block_on(task).expect("a task that ends"),
            }
        }
    }

    /// Lets the others run, and time pass, until `done`.
    ///
    /// # Panics
    ///
    /// When they are stuck, with what `report` says.
    pub(crate) fn drive(&self, done: impl Fn() -> bool, report: impl Fn() -> String) {
        let end = self.hand.now().after(MOST_TIME);
        let mut idle = 0;
        while !done() {
            shuttle::thread::yield_now();
            idle += 1;
            assert!(idle < PATIENCE, "stuck: {}", report());
            let next = self.hand.next_alarm().filter(|at| self.time && *at <= end);
            if let Some(at) = next.filter(|_| idle >= self.pace) {
                self.hand.advance(at.since(self.hand.now()));
                idle = 0;
            }
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew")
            .field("time", &self.time)
            .field("busy", &self.busy.load(Relaxed))
            .finish_non_exhaustive()
    }
}
