//! The stock: idle objects that are kept ready, and replaced before their time is over.
//!
//! Decides whether there are enough of them that will last, and whether one that will not is to go
//! first because there is no room for both. Knows nothing of how an object is made, or of rounds.

use std::time::Duration;

use crate::Tick;
use crate::config::PoolConfig;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::record::{ObjectState, Record};

/// Before an idle object expires, for so long another one is sought in its place: as long as a
/// creation that succeeds may take. A quarter of the lifetime at most: with the largest jitter (a
/// half) an object still lives for a while before it is replaced.
pub(crate) fn lead(config: &PoolConfig) -> Duration {
    let lifetime = config.max_lifetime.unwrap_or(Duration::MAX);
    config.create_timeout.min(lifetime / 4)
}

/// Idle objects, and those being looked after, most of which are about to be idle again: to make
/// others in their place would be churn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stock {
    /// Those that will be there for a while.
    lasting: usize,
    /// When the first of them will not be counted any more.
    lasts_until: Tick,
    /// Of the idle ones that expire soon, the one that does so first.
    ageing: Option<(Tick, u64)>,
}

impl Stock {
    const NONE: Self = Self {
        lasting: 0,
        lasts_until: Tick::NEVER,
        ageing: None,
    };

    fn with(self, record: &Record, now: Tick, lead: Duration) -> Self {
        let (state, expires_at) = (record.state(), record.expires_at());
        if !matches!(state, ObjectState::Idle | ObjectState::Checking) {
            return self;
        }
        if expires_at > now.after(lead) {
            return Self {
                lasting: self.lasting + 1,
                lasts_until: self.lasts_until.min(expires_at.before(lead)),
                ..self
            };
        }
        if state == ObjectState::Checking || self.ageing.is_some_and(|(at, _)| at <= expires_at) {
            return self;
        }
        Self {
            ageing: Some((expires_at, record.id)),
            ..self
        }
    }
}

impl<T> Engine<T> {
    fn stock(&self, now: Tick, config: &PoolConfig) -> Stock {
        let (mut stock, lead) = (Stock::NONE, lead(config));
        self.registry
            .for_each(|record| stock = stock.with(record, now, lead));
        stock
    }

    /// Until when there is what `min_idle` wants, as far as age goes; `None` when more is wanted than
    /// there is and is coming.
    pub(crate) fn stocked_until(&self, now: Tick) -> Option<Tick> {
        let settings = self.settings();
        let min_idle = settings.config.min_idle;
        if min_idle == 0 || !self.permits.state().open() {
            return Some(Tick::NEVER);
        }
        let line = self.line.lock();
        let stock = self.stock(now, &settings.config);
        let enough = stock.lasting + line.gate.creating() >= min_idle;
        enough.then_some(stock.lasts_until)
    }

    /// When a creation for the stock may be tried.
    pub(crate) fn refill_at(&self) -> Tick {
        self.line.lock().gate.refill_at()
    }

    /// Takes a permit for an object to keep in stock, if `min_idle` wants one and the gate admits it.
    pub(crate) fn start_stocking(&self, now: Tick, config: &PoolConfig) -> bool {
        let mut line = self.line.lock();
        // Under the lock: a delivery between two readings would be missed by both.
        let lasting = self.stock(now, config).lasting;
        let wanted = self.permits.state().open()
            && lasting + line.gate.creating() < config.min_idle
            && line.gate.admits_refill(now, config.warm_concurrency);
        let started = wanted && self.permits.try_reserve();
        if started {
            line.gate.started();
        }
        started
    }

    /// Takes out an idle object that expires soon, where the stock needs another in its place and
    /// there may be no more objects than there are. One at a time, so that one at most is missing;
    /// and none while creations fail: an old one is better than none, until its time is over.
    pub(crate) fn trade_in(&self, now: Tick, config: &PoolConfig) -> Option<Box<Entry<T>>> {
        let line = self.line.lock();
        let state = self.permits.state();
        let stock = self.stock(now, config);
        let wanted = state.open()
            && state.total() >= state.limit()
            && stock.lasting < config.min_idle
            && line.gate.creating() == 0
            && line.gate.failure().is_none();
        drop(line);
        let (_, id) = stock.ageing.filter(|_| wanted)?;
        self.take_this(id)
    }
}
