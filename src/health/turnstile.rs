//! How callers come to a resource that has just come back: a few at first.
//!
//! Decides who may go on to the pool. They stand in line here, and only the first looks whether there is
//! room, so that many cost no more than one.

use std::pin::pin;
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Status, Tick};

use crate::primitives::{AtomicBool, Event, Mutex, MutexGuard, Ordering, PoisonError};
use crate::quarantine::Ramp;

/// How often the first in line looks whether somebody has come back.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// See the module.
pub(crate) struct Turnstile {
    /// Looked at by every caller.
    is_up: AtomicBool,
    gate: Mutex<Gate>,
    next: Event,
}

#[derive(Default)]
struct Gate {
    ramp: Option<Ramp>,
    /// Somebody is first in line.
    is_taken: bool,
    /// So many were let through, and have no instance yet.
    entering: usize,
}

impl Turnstile {
    pub(crate) fn new() -> Self {
        Self {
            is_up: AtomicBool::new(false),
            gate: Mutex::new(Gate::default()),
            next: Event::new(),
        }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on; or no more.
    pub(crate) fn put_up(&self, ramp: Option<Ramp>) {
        let is_up = ramp.is_some();
        self.gate().ramp = ramp;
        // ord: Relaxed: who comes just now may go through either way.
        self.is_up.store(is_up, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_up(&self) -> bool {
        // ord: Relaxed, as in `put_up`.
        self.is_up.load(Ordering::Relaxed)
    }

    /// Waits for one's turn. To be kept until there is an instance, or none is to be had.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the line.
    pub(crate) async fn pass(&self, clock: &Clock, pool: impl Fn() -> Status) -> Entering<'_> {
        let first = self.be_first().await;
        loop {
            let again = match self.look(clock.now(), &pool) {
                Ok(entering) => {
                    drop(first);
                    return entering;
                }
                Err(again) => again,
            };
            clock.sleep_until(again).await;
        }
    }

    async fn be_first(&self) -> First<'_> {
        loop {
            let mut told = pin!(self.next.listen());
            if !std::mem::replace(&mut self.gate().is_taken, true) {
                return First(self);
            }
            told.as_mut().await;
        }
    }

    /// Lets the first through, or says when to look again.
    fn look(&self, now: Tick, pool: &impl Fn() -> Status) -> Result<Entering<'_>, Tick> {
        let pool = pool();
        let mut gate = self.gate();
        let Some(ramp) = gate.ramp else {
            return Ok(Entering(None));
        };
        let Some(limit) = ramp.limit(now, pool.max_size) else {
            gate.ramp = None;
            drop(gate);
            // ord: Relaxed, as in `put_up`.
            self.is_up.store(false, Ordering::Relaxed);
            return Ok(Entering(None));
        };
        if pool.in_use + gate.entering < limit {
            gate.entering += 1;
            return Ok(Entering(Some(self)));
        }
        Err(ramp.next_step(now).min(now.after(LOOK_AGAIN)))
    }
}

/// The first in line; dropped, the next one is.
struct First<'t>(&'t Turnstile);

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.gate().is_taken = false;
        self.0.next.notify(1);
    }
}

/// One that was let through.
pub(crate) struct Entering<'t>(Option<&'t Turnstile>);

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if let Some(turnstile) = self.0 {
            turnstile.gate().entering -= 1;
        }
    }
}
