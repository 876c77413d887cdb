//! The door to a backend that pools share: passes and refusals, without factories.
//!
//! Decides nothing; see the parent.

use std::sync::Arc;
use std::time::Duration;

use super::Pool;
use crate::backend::{self, Hopeful};
use crate::clock::{Clock, ManualClock};
use crate::config::Backoff;
use crate::waiters::{Cause, Failure};

/// A backend with a clock of its own.
pub struct Backend {
    backend: crate::Backend,
    hand: Arc<ManualClock>,
}

/// A pass to create.
pub struct Pass(backend::Pass);

/// What a pool is told that gets no pass.
pub struct Refusal(Failure);

impl Backend {
    /// One that bears so many attempts at once.
    pub fn new(at_once: usize) -> Self {
        let backend = crate::Backend::with_limits("", at_once, Backoff::default());
        let Ok(backend) = backend else {
            panic!("limits that make sense")
        };
        Self {
            backend,
            hand: ManualClock::new(),
        }
    }

    /// Moves time on, past every backoff.
    pub fn later(&self) {
        self.hand.advance(Duration::from_secs(60));
    }

    /// As `create::admitted` does.
    ///
    /// # Errors
    ///
    /// When the backend refuses.
    pub async fn enter(&self) -> Result<Pass, Refusal> {
        let clock = Clock::manual(&self.hand);
        let entered = self.backend.enter(&clock).await;
        entered.map(Pass).map_err(Refusal)
    }

    /// As `Ticket::failed` does.
    pub fn fail(&self, pass: Pass) -> Refusal {
        let cause = Cause::from(crate::BoxError::from("refused"));
        Refusal(pass.0.failed(self.hand.now(), cause, 0))
    }

    /// As `Ticket::slowed` does.
    pub fn slow(&self, pass: &Pass) {
        pass.0.slowed();
    }

    /// As `Ticket::deliver` does.
    pub fn succeed(&self, pass: Pass) {
        pass.0.succeeded();
    }

    /// As `Shared::new` does.
    pub fn watched_by<T: Send + 'static>(&self, pool: &Arc<Pool<T>>) {
        let pool: std::sync::Weak<Pool<T>> = Arc::downgrade(pool);
        self.backend.join(pool);
    }

    /// As `Ticket::refused` does, for a creation of `pool` that was started.
    pub fn refuse<T: Send>(&self, pool: &Pool<T>, refusal: Refusal) {
        pool.0.creation_refused(refusal.0);
        self.backend.reassure(pool);
    }
}

impl<T: Send> Hopeful for Pool<T> {
    fn hasten(&self) {
        self.0.hasten(crate::Tick::ZERO);
    }
}
