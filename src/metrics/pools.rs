//! The figures of each pool, found by its name.
//!
//! Decides when a figure is registered with the recorder: once, when its pool is first heard of.
//! Knows nothing of when figures change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::{Counter, Gauge, Histogram, Label, Level, Metadata, Recorder};
use nebula_resource_core::RetireReason;

use super::names::{self, Ending};
use crate::breaker::BreakerState;
use crate::key::Key;
use crate::manager::{ManagerStatus, ResourceStatus};

static METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Who keeps the figures.
pub(super) enum Source {
    /// Whoever is installed for the whole process.
    Process,
    Own(Box<dyn Recorder + Send + Sync>),
}

impl Source {
    fn with<T>(&self, ask: impl FnOnce(&dyn Recorder) -> T) -> T {
        match self {
            Self::Process => metrics::with_recorder(ask),
            Self::Own(recorder) => ask(&**recorder),
        }
    }
}

/// The figures of all pools.
pub(super) struct Pools {
    source: Source,
    known: ArcSwap<HashMap<Key, Arc<Pool>>>,
    /// Held by whoever adds a pool.
    change: Mutex<()>,
}

/// The figures of the pools of one name.
pub(super) struct Pool {
    pub(super) create_time: Histogram,
    pub(super) wait_time: Histogram,
    pub(super) use_time: Histogram,
    pub(super) create_failures: Counter,
    timeouts: Counter,
    /// In the order of [`Ending::ALL`].
    acquires: [Counter; Ending::ALL.len()],
    gauges: Gauges,
}

struct Gauges {
    idle: Gauge,
    used: Gauge,
    max: Gauge,
    idle_max: Gauge,
    idle_min: Gauge,
    pending: Gauge,
    creating: Gauge,
    breaker: Gauge,
    oldest_waiter: Gauge,
}

/// What is added up over the pools of one name.
#[derive(Default)]
struct Sums {
    idle: usize,
    used: usize,
    max: usize,
    idle_min: usize,
    pending: usize,
    creating: usize,
    /// The worst of them.
    breaker: usize,
    oldest_waiter: Duration,
}

impl Pools {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            known: ArcSwap::default(),
            change: Mutex::new(()),
        }
    }

    /// Tells the recorder what the figures mean.
    pub(super) fn describe(&self) {
        self.source.with(|recorder| {
            for (name, unit, what) in names::GAUGES {
                recorder.describe_gauge(name.into(), Some(unit), what.into());
            }
            for (name, unit, what) in names::COUNTERS {
                recorder.describe_counter(name.into(), Some(unit), what.into());
            }
            for (name, unit, what) in names::HISTOGRAMS {
                recorder.describe_histogram(name.into(), Some(unit), what.into());
            }
        });
    }

    /// The figures of the pools of that name.
    pub(super) fn of(&self, key: &Key) -> Arc<Pool> {
        if let Some(pool) = self.known.load().get(key) {
            return Arc::clone(pool);
        }
        // Registering is foreign code; whoever comes at the same time gets the same figures from it.
        let pool = Arc::new(self.source.with(|recorder| Pool::new(recorder, key)));
        let _changing = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::clone(&self.known.load());
        known.insert(key.clone(), Arc::clone(&pool));
        self.known.store(Arc::new(known));
        pool
    }

    /// Not kept at hand: it is rare, and there are many reasons.
    pub(super) fn cleaned_up(&self, key: &Key, reason: RetireReason) {
        let of = [label(names::POOL, key), label(names::REASON, reason.name())];
        let counter = self.source.with(|recorder| {
            let name = metrics::Key::from_parts(names::CLEANUPS, of.to_vec());
            recorder.register_counter(&name, &METADATA)
        });
        counter.increment(1);
    }

    /// Sets all gauges; those of pools that are gone to zero.
    pub(super) fn set(&self, status: &ManagerStatus) {
        let known = self.known.load();
        let gone = known.keys().map(|key| (key, Sums::default()));
        let mut sums: BTreeMap<&Key, Sums> = gone.collect();
        for resource in &status.resources {
            sums.entry(&resource.key).or_default().add(resource);
        }
        for (key, sums) in &sums {
            self.of(key).gauges.set(sums);
        }
    }
}

impl Sums {
    fn add(&mut self, resource: &ResourceStatus) {
        let pool = &resource.pool;
        self.idle += pool.idle;
        // Whatever is alive and not idle is in use, if only by maintenance.
        self.used += pool.size.saturating_sub(pool.idle);
        self.max += pool.max_size;
        self.idle_min += resource.min_idle;
        self.pending += pool.waiting;
        self.creating += pool.creating;
        self.breaker = self.breaker.max(resource.breaker.map_or(0, severity));
        let waited = resource.oldest_waiter.unwrap_or_default();
        self.oldest_waiter = self.oldest_waiter.max(waited);
    }
}

impl Gauges {
    fn set(&self, sums: &Sums) {
        let counts = [
            (&self.idle, sums.idle),
            (&self.used, sums.used),
            (&self.max, sums.max),
            // Nothing else bounds how many may be idle.
            (&self.idle_max, sums.max),
            (&self.idle_min, sums.idle_min),
            (&self.pending, sums.pending),
            (&self.creating, sums.creating),
            (&self.breaker, sums.breaker),
        ];
        for (gauge, count) in counts {
            gauge.set(count as f64);
        }
        self.oldest_waiter.set(sums.oldest_waiter.as_secs_f64());
    }
}

impl Pool {
    fn new(recorder: &dyn Recorder, key: &Key) -> Self {
        let name = |name: &'static str, more: Option<Label>| {
            let labels = std::iter::once(label(names::POOL, key)).chain(more);
            metrics::Key::from_parts(name, labels.collect::<Vec<_>>())
        };
        let gauge = |called, more| recorder.register_gauge(&name(called, more), &METADATA);
        let counter = |called, more| recorder.register_counter(&name(called, more), &METADATA);
        let histogram = |called| recorder.register_histogram(&name(called, None), &METADATA);
        let state = |state| Some(label(names::STATE, state));
        Self {
            create_time: histogram(names::CREATE_TIME),
            wait_time: histogram(names::WAIT_TIME),
            use_time: histogram(names::USE_TIME),
            create_failures: counter(names::CREATE_FAILURES, None),
            timeouts: counter(names::TIMEOUTS, None),
            acquires: Ending::ALL.map(|ending| {
                let outcome = label(names::OUTCOME, ending.as_str());
                counter(names::ACQUIRES, Some(outcome))
            }),
            gauges: Gauges {
                idle: gauge(names::COUNT, state("idle")),
                used: gauge(names::COUNT, state("used")),
                max: gauge(names::MAX, None),
                idle_max: gauge(names::IDLE_MAX, None),
                idle_min: gauge(names::IDLE_MIN, None),
                pending: gauge(names::PENDING, None),
                creating: gauge(names::CREATING, None),
                breaker: gauge(names::BREAKER, None),
                oldest_waiter: gauge(names::OLDEST_WAITER, None),
            },
        }
    }

    /// Counts an acquire that ended like this.
    pub(super) fn acquired(&self, ending: Ending) {
        self.acquires[ending as usize].increment(1);
        if ending == Ending::Timeout {
            self.timeouts.increment(1);
        }
    }
}

/// How much a breaker keeps away.
const fn severity(state: BreakerState) -> usize {
    match state {
        BreakerState::Closed | BreakerState::ForcedClosed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open | BreakerState::ForcedOpen => 2,
    }
}

fn label(name: &'static str, value: &str) -> Label {
    Label::new(name, value.to_owned())
}
