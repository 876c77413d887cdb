//! Building a pool: configuration, and who listens.
//!
//! Decides what is checked before a pool exists. The facades say what it is built from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::clock::Clock;
use crate::config::{Fairness, PoolConfig, Strategy, ValidationError, default_ceiling};
use crate::observer::Observer;

/// What every pool is built with, whatever its facade.
#[derive(Default)]
pub struct Options {
    pub(crate) config: PoolConfig,
    pub(crate) ceiling: Option<usize>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) backend: Option<Backend>,
    pub(crate) measures_holds: bool,
    clock: Option<Clock>,
}

impl Options {
    /// The clock that was asked for.
    pub fn clock(&self) -> Option<Clock> {
        self.clock.clone()
    }

    /// The ceiling, asked for or by default.
    pub(crate) fn ceiling(&self) -> usize {
        self.ceiling
            .unwrap_or_else(|| default_ceiling(self.config.max_size))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("config", &self.config)
            .field("ceiling", &self.ceiling)
            .finish_non_exhaustive()
    }
}

/// How a facade turns what was collected into a pool.
pub trait Assemble {
    /// The pool that comes out.
    type Pool;
    /// What runs its background work.
    type Runtime;

    /// Chooses what runs background work.
    fn set_runtime(&mut self, runtime: Self::Runtime);

    /// Makes the pool.
    ///
    /// # Errors
    ///
    /// When the configuration is refused.
    fn assemble(self, options: Options) -> Result<Self::Pool, ValidationError>;
}

/// Collects what a pool is made with; see the facades' `Pool::builder`.
///
/// Nothing is checked before [`build`](Self::build), and nothing is created by it.
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<A> {
    assembly: A,
    options: Options,
}

impl<A: Assemble> Builder<A> {
    /// For facades: starts with the defaults.
    pub fn new(assembly: A) -> Self {
        Self {
            assembly,
            options: Options::default(),
        }
    }

    /// Replaces the whole configuration, whatever was set before.
    pub fn config(mut self, config: PoolConfig) -> Self {
        self.options.config = config;
        self
    }

    /// Changes any part of the configuration.
    pub fn configure(mut self, change: impl FnOnce(&mut PoolConfig)) -> Self {
        change(&mut self.options.config);
        self
    }

    /// The most objects there may be. Default: 10.
    pub const fn max_size(mut self, max_size: usize) -> Self {
        self.options.config.max_size = max_size;
        self
    }

    /// So many objects are kept idle in stock. Default: 0.
    pub const fn min_idle(mut self, min_idle: usize) -> Self {
        self.options.config.min_idle = min_idle;
        self
    }

    /// Which idle object is handed out next. Default: [`Strategy::Affine`].
    pub const fn strategy(mut self, strategy: Strategy) -> Self {
        self.options.config.strategy = strategy;
        self
    }

    /// Whether a newcomer may ever overtake who waits. Default: [`Fairness::Bounded`].
    pub const fn fairness(mut self, fairness: Fairness) -> Self {
        self.options.config.fairness = fairness;
        self
    }

    /// How long an acquire may take, all its steps together. Default: 30 s.
    pub const fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.options.config.acquire_timeout = timeout;
        self
    }

    /// How long making an object may take. Default: 10 s.
    pub const fn create_timeout(mut self, timeout: Duration) -> Self {
        self.options.config.create_timeout = timeout;
        self
    }

    /// Objects idle for longer are validated before they are handed out; zero: always, `None`:
    /// never. Default: 500 ms.
    pub const fn validate_after(mut self, idle: Option<Duration>) -> Self {
        self.options.config.validate_after = idle;
        self
    }

    /// Up to so many objects can the pool be grown on the fly; the ring costs 16 bytes a place.
    /// Default: four times `max_size`, at least 32.
    pub const fn ceiling(mut self, ceiling: usize) -> Self {
        self.options.ceiling = Some(ceiling);
        self
    }

    /// Is told what happens.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.options.observer = Some(Arc::new(observer));
        self
    }

    /// Says which backend the objects come from, when other pools get theirs there too: attempts to
    /// create are then bounded for all of them together. Default: none but this pool uses it.
    pub fn backend(mut self, backend: &Backend) -> Self {
        self.options.backend = Some(backend.clone());
        self
    }

    /// Measures how long objects are held: two precise clock readings per use. Default: off.
    pub const fn measure_holds(mut self, measure: bool) -> Self {
        self.options.measures_holds = measure;
        self
    }

    /// The clock that the pool goes by. Default: the runtime's, which is the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = Some(clock);
        self
    }

    /// What runs background work. Default: found by itself.
    pub fn runtime(mut self, runtime: impl Into<A::Runtime>) -> Self {
        self.assembly.set_runtime(runtime.into());
        self
    }

    /// Makes the pool.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when the configuration makes no sense: which field, what it must be, and
    /// what it is.
    pub fn build(self) -> Result<A::Pool, ValidationError> {
        self.assembly.assemble(self.options)
    }
}
