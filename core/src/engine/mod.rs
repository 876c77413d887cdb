//! The parts put together: idle objects, permits, the line, the stamp, the retired.
//!
//! Decides what happens to an object and to a permit, step by step. Takes `now` as an argument
//! and reads no clock; calls no user code (it never runs a factory, and wakes wakers after the
//! lock); spawns nothing. Invariants, cited where they are kept:
//!
//! - I1 (`permits`): total ≤ limit, except after the limit was lowered.
//! - I2 (`idle`): an object is in at most one store, and never while somebody holds it.
//! - I3 (`line`): when the lock is let go and the pool is open, an idle object in the ring has a woken
//!   waiter on its way to it, or nobody waits.
//! - I4 (`line`): a waiter leaves the line at most once, and whatever was put into its hand goes to
//!   its owner, or back to the pool when the owner is gone.
//! - I5 (`line`): while somebody lacks an object, and a permit and the gate are free, a creation is
//!   under way or somebody was nudged to start one.
//! - I6 (`books`): created = alive + destroyed + detached, and permits = alive + creating.

mod admit;
mod books;
mod control;
mod creation;
mod give;
mod line;
mod registry;
mod retired;
mod stock;
mod sweep;

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::Tick;
use crate::config::PoolConfig;
use crate::entry::Entry;
use crate::idle::Idle;
use crate::permits::Permits;
use crate::primitives::{AtomicU64, Event, Mutex, Ordering, Snapshot};
use crate::stamp::{Stamp, StampCell};
use crate::stats::{Missed, Stats};
use crate::waiters::Line;

pub use books::{Audit, Status};
pub(crate) use line::{Look, Looking, Parting};
pub use registry::ObjectInfo;
pub(crate) use registry::Registry;
pub(crate) use retired::Retired;
pub(crate) use stock::lead;

/// A configuration with what is derived from it, computed once.
pub(crate) struct Settings {
    pub(crate) config: PoolConfig,
    /// How long an idle object is trusted without being validated: 0 never, `u64::MAX` for ever.
    pub(crate) trust_nanos: u64,
    pub(crate) max_uses: u64,
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl Settings {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            trust_nanos: config.validate_after.map_or(u64::MAX, nanos),
            max_uses: config.max_uses.unwrap_or(u64::MAX),
            config,
        }
    }
}

/// A pool without a factory, a clock or a runtime.
pub(crate) struct Engine<T> {
    pub(crate) idle: Idle<T>,
    pub(crate) permits: Permits,
    pub(crate) stamp: StampCell,
    pub(crate) line: Line<T>,
    pub(crate) retired: Retired<T>,
    settings: Snapshot<Settings>,
    /// In nanoseconds, beside the settings: to look it up there is to count a reference, on a line that all
    /// who wait would write.
    acquire_timeout: AtomicU64,
    /// Serialises those who change the configuration.
    changing: Mutex<()>,
    pub(crate) ceiling: usize,
    pub(crate) registry: Registry,
    pub(crate) stats: Stats,
    /// Rings when an object was destroyed or taken out for good, and when the pool closes.
    pub(crate) settled: Event,
    /// Time that passed while nobody could look (a suspended machine), taken out of ages.
    pub(crate) missed: Missed,
    /// Rung when an object was retired and waits to be destroyed.
    bell: Waker,
}

impl<T> Engine<T> {
    pub(crate) fn new(config: PoolConfig, ceiling: usize, bell: Waker) -> Self {
        Self {
            idle: Idle::new(ceiling, config.strategy),
            permits: Permits::new(config.max_size),
            stamp: StampCell::new(),
            line: Line::new(&config),
            retired: Retired::new(),
            acquire_timeout: AtomicU64::new(nanos(config.acquire_timeout)),
            settings: Snapshot::new(Arc::new(Settings::new(config))),
            changing: Mutex::new(()),
            ceiling,
            registry: Registry::new(),
            stats: Stats::new(),
            settled: Event::new(),
            missed: Missed::default(),
            bell,
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.load()
    }

    /// Whether, once closed, every object is gone: returned, and destroyed or taken out for good.
    pub(crate) fn is_settled(&self) -> bool {
        let totals = self.totals();
        self.permits.state().total() == 0 && totals.created <= totals.destroyed + totals.detached
    }

    fn replace_settings(&self, settings: Arc<Settings>) {
        let timeout = nanos(settings.config.acquire_timeout);
        // ord: Relaxed: whoever reads the old one came before the change.
        self.acquire_timeout.store(timeout, Ordering::Relaxed);
        self.settings.store(settings);
    }

    /// How long a caller waits that does not say.
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_nanos(self.acquire_timeout.load(Ordering::Relaxed))
    }

    /// Wraps a new object up. The permit it stands on is the caller's; `stamp` was read before it
    /// was made, so that a clear or a suspicion raised meanwhile applies to it.
    pub(crate) fn enrol(&self, object: T, stamp: Stamp, now: Tick, jitter: u64) -> Box<Entry<T>> {
        let settings = self.settings();
        let record = self.registry.enrol(now);
        self.stats.created();
        let missed = self.missed.steps();
        Box::new(Entry::new(object, record, settings, stamp, missed, jitter))
    }
}
