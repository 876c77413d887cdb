//! Circuit breakers: who stops asking a resource that fails, and finds out when to ask again.
//!
//! Decides when a breaker is asked and told; when it opens is decided by its `machine`, and what can
//! happen at all by one table:
//!
//! | state | cause | next state |
//! |---|---|---|
//! | `closed` | `consecutive_failures` | `open` |
//! | `closed` | `failure_rate` | `open` |
//! | `closed` | `slow_rate` | `open` |
//! | `closed` | `forced_open` | `forced_open` |
//! | `closed` | `forced_closed` | `forced_closed` |
//! | `closed` | `reset` | `closed` |
//! | `open` | `waited` | `half_open` |
//! | `open` | `tried_now` | `half_open` |
//! | `open` | `forced_open` | `forced_open` |
//! | `open` | `forced_closed` | `forced_closed` |
//! | `open` | `reset` | `closed` |
//! | `half_open` | `trial_failed` | `open` |
//! | `half_open` | `trials_passed` | `closed` |
//! | `half_open` | `forced_open` | `forced_open` |
//! | `half_open` | `forced_closed` | `forced_closed` |
//! | `half_open` | `reset` | `closed` |
//! | `forced_open` | `forced_closed` | `forced_closed` |
//! | `forced_open` | `reset` | `closed` |
//! | `forced_closed` | `forced_open` | `forced_open` |
//! | `forced_closed` | `reset` | `closed` |
//!
//! # What counts
//!
//! | what | counts as |
//! |---|---|
//! | [`report`](crate::ManagedGuard::report) of a transient or fatal error | a failure |
//! | [`report`](crate::ManagedGuard::report) of a harmless error, [`report_ok`](crate::ManagedGuard::report_ok) | a success |
//! | a guard that is dropped without a word | a success |
//! | [`discard`](crate::ManagedGuard::discard) | a failure |
//! | a guard that is dropped by a panic, or whose instance was poisoned | nothing |
//! | an instance that could not be made | a failure, once however many wait for it |
//! | an instance that was made | nothing: what matters is whether it works |
//! | an instance that failed its validation | nothing |
//! | an acquire that timed out in line, was cancelled or refused | nothing |
//! | a trial that timed out while its instance was made or checked | a failure |
//!
//! What was begun before a breaker closed says nothing about how things are now, and is not counted.
//! A breaker opens with a failure, or with a slow call, never with a success.

mod call;
mod config;
mod ear;
mod front;
mod machine;
mod state;
mod tally;
mod window;
mod words;

use std::fmt;
use std::sync::Arc;

use nebula_resource_core::{Tick, ValidationError};

pub(crate) use call::{Breakers, Call};
pub(crate) use config::fraction;
pub use config::{BreakerConfig, Window};
pub(crate) use ear::Ear;
use front::Front;
pub use state::{BreakerState, Cause};
pub use words::BreakerOpen;

use crate::manager::watch::Watch;

/// A circuit breaker: lets callers through to a resource while it works, and turns them away at once
/// while it does not.
///
/// Most programs need none of this type: a registration that is [given](crate::manager::Registration::breaker)
/// a [`BreakerConfig`] has a breaker of its own, and [`Handle::breaker`](crate::Handle::breaker) finds
/// it. Made here and [given](crate::manager::Registration::shared_breaker) to several registrations, it
/// is one for all of them, which depend on the same thing and fail together. All who share one go by
/// one clock.
///
/// Clones are the same breaker.
///
/// # Examples
///
/// ```
/// use nebula_resource::breaker::{Breaker, BreakerConfig, BreakerState};
/// use nebula_resource::{Context, Manager, ResourceError, Scope};
/// # use nebula_resource::{BlockingResource, CreateContext};
/// # struct Table;
/// # impl BlockingResource for Table {
/// #     type Config = ();
/// #     type Instance = u32;
/// #     type Error = std::io::Error;
/// #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
/// # }
///
/// let datacenter = Breaker::new("datacenter", BreakerConfig::default())?;
/// let manager = Manager::new();
/// let orders = manager.register("orders", Table, ()).shared_breaker(&datacenter).wait()?;
/// let stock = manager.register("stock", Table, ()).shared_breaker(&datacenter).wait()?;
/// drop((orders.acquire_blocking()?, stock.acquire_blocking()?));
///
/// datacenter.force_open(); // it is being moved
/// let refused = stock.acquire_blocking().unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "\"stock\" is not asked: its circuit breaker \"datacenter\" is forced open (by hand); \
///      it stays so until somebody resets it",
/// );
///
/// datacenter.reset();
/// assert_eq!(datacenter.state(), BreakerState::Closed);
/// assert!(stock.acquire_blocking().is_ok());
/// # Ok::<(), nebula_resource::BoxError>(())
/// ```
#[derive(Clone)]
pub struct Breaker(Arc<Front>);

/// A circuit breaker, at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerStatus {
    /// What it is called.
    pub name: Arc<str>,
    /// Where it stands.
    pub state: BreakerState,
    /// Why it is not closed, and what was said last; `None` while it is.
    pub why: Option<Arc<str>>,
    /// When it is tried next, by the clock of those who use it; `None` unless it is open.
    pub open_until: Option<Tick>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Calls in its window, as of the last time that it was told of one.
    pub calls: u64,
    /// Of those, how many failed.
    pub failed: u64,
    /// Of those, how many were slow.
    pub slow: u64,
}

impl Breaker {
    /// A breaker that is closed.
    ///
    /// # Errors
    ///
    /// About the first setting that is out of its limits.
    pub fn new(name: impl Into<Arc<str>>, config: BreakerConfig) -> Result<Self, ValidationError> {
        config.validate()?;
        Ok(Self(Arc::new(Front::new(name.into(), config))))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it stands. One that has been open for long enough is half-open only when the next
    /// caller asks.
    pub fn state(&self) -> BreakerState {
        self.0.status().state
    }

    /// Where it stands, and what it goes by.
    pub fn status(&self) -> BreakerStatus {
        self.0.status()
    }

    /// Lets nobody through, until [`reset`](Self::reset) or [`force_closed`](Self::force_closed).
    pub fn force_open(&self) {
        self.0.told(Cause::ForcedOpen);
    }

    /// Lets everybody through, whatever becomes of them, until [`reset`](Self::reset) or
    /// [`force_open`](Self::force_open).
    pub fn force_closed(&self) {
        self.0.told(Cause::ForcedClosed);
    }

    /// Begins anew: closed, with nothing counted, and going by what it is told again.
    pub fn reset(&self) {
        self.0.told(Cause::Reset);
    }

    /// Has it tried now, where it is open: the next caller is let through, to see how it fares. For
    /// whoever knows that the resource is back, such as a health check.
    pub fn try_now(&self) {
        self.0.told(Cause::TriedNow);
    }

    /// Whether both are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Tells of its changes by way of this registration, among others.
    pub(crate) fn speaks_through(&self, watch: &Arc<Watch>) {
        self.0.speaks_through(Arc::downgrade(watch));
    }

    /// Its registration has another configuration, which was proven to work: what the last one did
    /// says nothing about it. What was forced stays so.
    pub(crate) fn renew(&self) {
        self.0.renew();
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
