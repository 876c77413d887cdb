//! How a manager is made: what all its pools have in common.
//!
//! Decides nothing; a registration can say otherwise for its own pool.

use std::fmt;
use std::sync::Arc;

use nebula_resource_async::runtime::AnyRuntime;
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Observer, PoolConfig};

use crate::manager::Manager;
use crate::manager::setup::Setup;

/// Collects what a manager is made with; see [`Manager::builder`].
#[derive(Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct ManagerBuilder(Setup);

impl ManagerBuilder {
    /// What runs the background work of its pools, and shuts them down. Default: found by itself,
    /// each time one is made; see [`runtime`](crate::runtime).
    pub fn runtime(mut self, runtime: impl Into<AnyRuntime>) -> Self {
        self.0.runtime = Some(runtime.into());
        self
    }

    /// The clock that its pools go by. Default: the runtime's, which is the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.0.clock = Some(clock);
        self
    }

    /// How its pools are configured unless their registrations say otherwise. Default:
    /// [`PoolConfig::default`].
    pub fn pool(mut self, config: PoolConfig) -> Self {
        self.0.pool = config;
        self
    }

    /// Is told what happens in its pools.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.0.observer = Some(Arc::new(observer));
        self
    }

    /// Makes the manager.
    pub fn build(self) -> Manager {
        Manager::with(self.0)
    }
}

impl fmt::Debug for ManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder").finish_non_exhaustive()
    }
}
