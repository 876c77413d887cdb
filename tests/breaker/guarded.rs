//! A resource with a circuit breaker, and a clock that is moved by hand.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::io;
use std::time::Duration;

use nebula_resource::breaker::{Breaker, BreakerConfig, BreakerOpen, BreakerState};
use nebula_resource::runtime::Manual;
use nebula_resource::{Handle, Manager, ResourceError};

use crate::world::{Db, DbConfig, small};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn three_in_a_row() -> BreakerConfig {
    BreakerConfig {
        consecutive_failures: Some(3),
        failure_rate: None,
        ..BreakerConfig::default()
    }
}

/// A manager whose time is moved by hand, and a database with this breaker.
pub(crate) struct World {
    pub(crate) runtime: Manual,
    pub(crate) manager: Manager,
    pub(crate) db: Db,
    pub(crate) handle: Handle<Db>,
}

impl World {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        let runtime = Manual::new();
        let manager = Manager::builder()
            .runtime(runtime.clone())
            .pool(small(4))
            .build();
        let db = Db::new();
        let registration = manager
            .register("db", db.clone(), DbConfig::new("a"))
            .breaker(config);
        let handle = registration.wait().unwrap();
        Self {
            runtime,
            manager,
            db,
            handle,
        }
    }

    pub(crate) fn breaker(&self) -> Breaker {
        self.handle.breaker().unwrap()
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.breaker().state()
    }

    pub(crate) fn fail(&self) {
        let mut guard = self.runtime.run(self.handle.acquire()).unwrap();
        guard.report(&slow());
    }

    pub(crate) fn succeed(&self) {
        drop(self.runtime.run(self.handle.acquire()).unwrap());
    }

    #[track_caller]
    pub(crate) fn refused(&self) -> Box<BreakerOpen> {
        match self.runtime.run(self.handle.acquire()) {
            Err(ResourceError::BreakerOpen(open)) => open,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn open(&self) {
        (0..3).for_each(|_| self.fail());
        assert_eq!(self.state(), BreakerState::Open);
    }

    /// Open, and due to be tried.
    pub(crate) fn due(config: BreakerConfig) -> Self {
        let world = Self::new(config);
        world.open();
        world.runtime.advance(SECOND * 5);
        world
    }
}

pub(crate) fn slow() -> io::Error {
    io::ErrorKind::TimedOut.into()
}
