//! A backend that several pools connect to: how many attempts it gets at once, from all of them.
//!
//! Decides which creation may begin, which waits for the outcome of another, and which is told at
//! once that the backend refuses. The arithmetic is the pools' own gate (`waiters::gate`), kept once
//! more for all of them. Knows nothing of factories, of objects, or of who waits in a pool.
//!
//! # No wake-up is lost
//!
//! Who finds no room listens first and looks then, under the lock; who makes room changes the gate
//! under that lock and notifies then. Whichever of the two has the lock first, the other sees it:
//! model `backend::pass_given_up_against_enter` in `loom-tests`.

use std::fmt;
use std::sync::Weak;

use event_listener::IntoNotification;

use crate::Tick;
use crate::clock::Clock;
use crate::config::{Backoff, PoolConfig, ValidationError};
use crate::guarded::contained;
use crate::primitives::{Arc, Event, Mutex, MutexGuard, PoisonError};
use crate::waiters::{Cause, Failure, Gate};

/// One server, or whatever else several pools get their objects from.
///
/// Given to the builders of those pools, it bounds the attempts to create for the backend as a
/// whole: at most `max_concurrent_creates` at once from all pools together and, while they fail, a
/// single probe at a time with one backoff for all (one that takes longer than a second is joined by
/// the next). A pool that would try while the backend refuses is told so without an attempt, and when
/// the first attempt succeeds, all of them go on at once. Each pool's own `max_concurrent_creates`
/// holds besides.
///
/// A clone is the same backend. Pools that share one must go by the same clock.
///
/// # Examples
///
/// ```
/// # use nebula_resource_core::{Backend, Backoff};
/// # fn main() -> Result<(), nebula_resource_core::ValidationError> {
/// let server = Backend::new("orders-db");
/// // The same with limits of its own: two attempts at once, whoever makes them.
/// let small = Backend::with_limits("reports-db", 2, Backoff::default())?;
/// assert_eq!((server.name(), small.name()), ("orders-db", "reports-db"));
/// assert_eq!(server.status().creating, 0);
/// # Ok(())
/// # }
/// ```
///
/// The pools are then built with `.backend(&server)`.
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

struct Inner {
    name: Box<str>,
    /// Only the fields that the gate reads count.
    limits: PoolConfig,
    desk: Mutex<Desk>,
    /// A pass has ended.
    ended: Event,
}

struct Desk {
    gate: Gate,
    pools: Vec<Weak<dyn Hopeful>>,
}

/// How a [`Backend`] stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendStatus {
    /// Attempts under way, of all pools.
    pub creating: usize,
    /// Failed rounds of attempts in a row; zero when the last one succeeded.
    pub failed_rounds: u32,
}

/// A pool that may have given up hope for a while.
pub(crate) trait Hopeful: Send + Sync {
    /// The backend is there again: try at once.
    fn hasten(&self);
}

/// The right to make one attempt. Dropped without an outcome, it says nothing about the backend.
pub(crate) struct Pass {
    backend: Backend,
    spent: bool,
}

enum Answer {
    Go,
    Wait,
    Refused(Failure),
}

impl Backend {
    /// A backend with the limits that a pool has by default: four attempts at once, and a backoff from
    /// 100 ms to 10 s (at most 0.8 s while somebody waits).
    pub fn new(name: impl Into<String>) -> Self {
        Self::limited(name.into(), PoolConfig::default())
    }

    /// A backend with limits of its own.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] for limits that no pool would accept either.
    pub fn with_limits(
        name: impl Into<String>,
        max_concurrent_creates: usize,
        create_backoff: Backoff,
    ) -> Result<Self, ValidationError> {
        let limits = PoolConfig {
            max_concurrent_creates,
            create_backoff,
            ..PoolConfig::default()
        };
        limits.validate()?;
        Ok(Self::limited(name.into(), limits))
    }

    fn limited(name: String, limits: PoolConfig) -> Self {
        Self(Arc::new(Inner {
            name: name.into_boxed_str(),
            limits,
            desk: Mutex::new(Desk {
                gate: Gate::new(),
                pools: Vec::new(),
            }),
            ended: Event::new(),
        }))
    }

    /// What it was named.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// How it stands at this moment.
    pub fn status(&self) -> BackendStatus {
        let desk = self.desk();
        BackendStatus {
            creating: desk.gate.creating(),
            failed_rounds: desk.gate.failure().map_or(0, |failure| failure.rounds),
        }
    }

    /// After `pool` has noted a failure that it heard of here: the backend may have come back in
    /// between, and have told the pool when it had no failure to forget.
    pub(crate) fn reassure(&self, pool: &impl Hopeful) {
        // proof: backend-looks-again
        if self.desk().gate.failure().is_none() {
            pool.hasten();
        }
    }

    /// One more may begin.
    fn made_room(&self) {
        self.0.ended.notify(1.additional());
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells `pool` from now on when there is hope again.
    pub(crate) fn join(&self, pool: Weak<dyn Hopeful>) {
        let mut desk = self.desk();
        desk.pools.retain(|pool| pool.strong_count() > 0);
        desk.pools.push(pool);
    }

    /// Waits for a pass; answers the failure in force when the backend refuses for now.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it hands on what it was told.
    pub(crate) async fn enter(&self, clock: &Clock) -> Result<Pass, Failure> {
        loop {
            let ended = self.0.ended.listen();
            match self.ask(clock.now()) {
                Answer::Go => {
                    return Ok(Pass {
                        backend: self.clone(),
                        spent: false,
                    });
                }
                Answer::Refused(failure) => return Err(failure),
                // proof: backend-listens-first
                Answer::Wait => ended.await,
            }
        }
    }

    fn ask(&self, now: Tick) -> Answer {
        let mut desk = self.desk();
        // Nothing of its own is alive to the backend: the gate's window is fully open.
        if desk.gate.admits(now, 0, usize::MAX, &self.0.limits) {
            desk.gate.started();
            return Answer::Go;
        }
        match desk.gate.failure() {
            Some(failure) if now < failure.retry_at => Answer::Refused(failure.clone()),
            _ => Answer::Wait,
        }
    }
}

impl Pass {
    /// The attempt succeeded: the backend is there.
    pub(crate) fn succeeded(mut self) {
        self.spent = true;
        let backend = &self.backend;
        let mut desk = backend.desk();
        let failure = desk.gate.succeeded(usize::MAX, &backend.0.limits);
        let pools: Vec<_> = match &failure {
            Some(_) => desk.pools.iter().filter_map(Weak::upgrade).collect(),
            None => Vec::new(),
        };
        drop(desk);
        let Some(failure) = failure else {
            return backend.made_room();
        };
        backend.0.ended.notify(usize::MAX);
        for pool in pools {
            // proof: backend-tells-the-pools
            pool.hasten();
        }
        contained(|| drop(failure));
    }

    /// The attempt takes long: where probes are made one at a time, the next one may begin.
    pub(crate) fn slowed(&self) {
        self.backend.desk().gate.slowed();
        // proof: backend-slow-makes-room
        self.backend.made_room();
    }

    /// One that takes long is about to end.
    pub(crate) fn slow_ends(&self) {
        self.backend.desk().gate.slow_ends();
    }

    /// The attempt failed; answers the failure that is now in force for all.
    pub(crate) fn failed(mut self, now: Tick, cause: Cause, random: u64) -> Failure {
        self.spent = true;
        let backend = &self.backend;
        let backoff = backend.0.limits.create_backoff;
        let mut desk = backend.desk();
        let (failure, before) = desk.gate.failed(now, cause, backoff, random);
        drop(desk);
        // proof: backend-failure-is-told
        backend.0.ended.notify(usize::MAX);
        contained(|| drop(before));
        failure
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.spent {
            self.backend.desk().gate.withdrawn();
            // proof: backend-pass-is-passed-on
            self.backend.made_room();
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("name", &self.0.name)
            .field("status", &self.status())
            .finish()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    struct Deaf;

    impl Hopeful for Deaf {
        fn hasten(&self) {}
    }

    #[test]
    fn pools_that_are_gone_are_forgotten() {
        let backend = Backend::new("a backend that outlives its pools");
        let stays: Arc<dyn Hopeful> = Arc::new(Deaf);
        backend.join(Arc::downgrade(&stays));
        for _ in 0..9 {
            let goes: Arc<dyn Hopeful> = Arc::new(Deaf);
            backend.join(Arc::downgrade(&goes));
        }
        let alive = |pool: &&Weak<dyn Hopeful>| pool.strong_count() > 0;
        let desk = backend.desk();
        assert_eq!(desk.pools.len(), 2, "one that stays, and the last");
        assert_eq!(desk.pools.iter().filter(alive).count(), 1);
    }
}
