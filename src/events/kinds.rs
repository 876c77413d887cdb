//! What can happen to a resource.
//!
//! Vocabulary only. Errors are told as they show themselves to users (`Display`): in their own
//! `Debug`, drivers are less careful with secrets.

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nebula_resource_core::{Event, RetireReason};

use crate::autoscale::Why;
use crate::breaker::Cause;
use crate::health::HealthState;
use crate::hooks::Operation;
use crate::key::Key;
use crate::lifecycle::State;
use crate::scope::Scope;

/// Something that happened to a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResourceEvent {
    /// When, by the system's clock, which may be set back.
    pub at: SystemTime,
    /// What the resource is called.
    pub key: Key,
    /// Whose it is.
    pub scope: Scope,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// Its life went on.
    StateChanged {
        /// From here.
        from: State,
        /// To here.
        to: State,
    },
    /// An instance was made.
    Created {
        /// Its number.
        id: u64,
        /// How long it took.
        took: Duration,
    },
    /// An instance could not be made.
    CreateFailed {
        /// Why.
        error: Arc<str>,
        /// In how long the next attempt is made.
        next_in: Duration,
    },
    /// A caller was given an instance.
    Acquired {
        /// Its number.
        id: u64,
        /// How long the caller waited.
        waited: Duration,
        /// On whose behalf.
        caller: Scope,
    },
    /// A caller is done with an instance: it was given back, discarded or taken out for good.
    Released {
        /// Its number.
        id: u64,
        /// How long the caller had it.
        held: Duration,
        /// On whose behalf.
        caller: Scope,
    },
    /// All instances were in use until a caller's time was up.
    Exhausted {
        /// Where the caller asked.
        at: &'static Location<'static>,
        /// How long the caller waited.
        waited: Duration,
    },
    /// An instance failed its validation or its recycling.
    CheckFailed {
        /// Its number.
        id: u64,
        /// Why.
        error: Arc<str>,
    },
    /// An instance was let go, to be cleaned up.
    CleanedUp {
        /// Its number.
        id: u64,
        /// Why.
        reason: RetireReason,
    },
    /// An instance has been out for longer than `leak_after`.
    Leaked {
        /// Its number.
        id: u64,
        /// Where it was taken.
        taken_at: &'static Location<'static>,
        /// How long ago.
        held_for: Duration,
    },
    /// A caller waits for an instance while it holds one of the same pool.
    NestedAcquire {
        /// Where it is about to wait.
        at: &'static Location<'static>,
        /// Where it took the one it holds.
        holding_since: &'static Location<'static>,
    },
    /// The settings of its pool were changed.
    Reconfigured,
    /// Its `max_size` was changed, by its autoscaling policy or by hand.
    Scaled {
        /// From this.
        from: usize,
        /// To this.
        to: usize,
        /// For this reason.
        why: Why,
    },
    /// Its autoscaling policy would have `max_size` changed, and is not to do so itself. Told once, as
    /// long as the advice is the same.
    ScalingAdvised {
        /// From this.
        from: usize,
        /// To this.
        to: usize,
        /// For this reason.
        why: Why,
    },
    /// Its autoscaling policy would have `max_size` changed, and its pool refuses.
    ScalingFailed {
        /// From this.
        from: usize,
        /// To this.
        to: usize,
        /// Why not.
        error: Arc<str>,
    },
    /// Another configuration took the place of the last one.
    Reloaded {
        /// The new configuration's number.
        generation: u64,
    },
    /// Another configuration was refused; the last one goes on serving.
    ReloadRefused {
        /// Why.
        error: Arc<str>,
    },
    /// Its pool was closed.
    Closed,
    /// A circuit breaker lets nobody through any more. Told once, however many resources share the
    /// breaker.
    BreakerOpened {
        /// What the breaker is called.
        breaker: Arc<str>,
        /// What opened it.
        cause: Cause,
        /// The same in words, with what was said last.
        why: Arc<str>,
        /// In how long it is tried again; `None` if it was opened by hand.
        tried_in: Option<Duration>,
    },
    /// A circuit breaker lets a few through, to see how they fare.
    BreakerHalfOpen {
        /// What the breaker is called.
        breaker: Arc<str>,
        /// Why now.
        cause: Cause,
    },
    /// A circuit breaker lets everybody through again.
    BreakerClosed {
        /// What the breaker is called.
        breaker: Arc<str>,
        /// Why.
        cause: Cause,
    },
    /// Its health is of another kind than before.
    HealthChanged {
        /// How it was.
        from: HealthState,
        /// How it is.
        to: HealthState,
    },
    /// It is kept from callers, until it works again.
    Quarantined {
        /// Why.
        why: Arc<str>,
        /// In how long it is tried again; `None` if nobody tries.
        next_in: Option<Duration>,
    },
    /// An attempt to bring it back failed.
    RecoveryFailed {
        /// Which one since it was quarantined, from 1.
        attempt: u32,
        /// Why.
        error: Arc<str>,
        /// In how long it is tried again.
        next_in: Option<Duration>,
    },
    /// Callers get it again.
    Recovered {
        /// After so long.
        after: Duration,
        /// After so many attempts; none, if it was released by hand or reloaded.
        attempts: u32,
    },
    /// It was given up: somebody should have a look. Told once in each quarantine.
    Escalated {
        /// Why the last attempt failed.
        why: Arc<str>,
        /// After so many attempts.
        attempts: u32,
        /// In how long it is looked at all the same; `None` for never.
        next_in: Option<Duration>,
    },
    /// A hook refused an operation, or panicked around it.
    HookObjected {
        /// What the hook is called.
        hook: Arc<str>,
        /// To what.
        operation: Operation,
        /// What it said.
        reason: Arc<str>,
    },
}

impl EventKind {
    /// What a pool tells, in our words; what we have no word for is not told.
    pub(crate) fn of_pool(event: &Event<'_>) -> Option<Self> {
        Some(match *event {
            Event::Created { id, took } => Self::Created { id, took },
            Event::CreateFailed { error, next_in } => Self::CreateFailed {
                error: error.to_string().into(),
                next_in,
            },
            Event::CheckFailed { id, error } => Self::CheckFailed {
                id,
                error: error.to_string().into(),
            },
            Event::Retired { id, reason } => Self::CleanedUp { id, reason },
            Event::TimedOut { at, waited } => Self::Exhausted { at, waited },
            Event::Leaked {
                id,
                taken_at,
                held_for,
            } => Self::Leaked {
                id,
                taken_at,
                held_for,
            },
            Event::NestedAcquire { at, holding_since } => Self::NestedAcquire { at, holding_since },
            Event::Reconfigured => Self::Reconfigured,
            Event::Closed => Self::Closed,
            _ => return None,
        })
    }
}
