//! Waiting for a closed pool to settle: every object back, and destroyed.
//!
//! Closing itself has happened before one of these exists.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::bounded::{Deadline, bounded};
use crate::clock::Clock;
use crate::driver::Driver;
use crate::park;
use crate::shared::Shared;

/// A pool that is closing: await it, or [`wait`](Self::wait) for it, to know that every object has
/// come back and is destroyed.
///
/// The pool closes whether or not anybody does.
///
/// # Cancel safety
///
/// Dropping it changes nothing.
#[must_use = "the pool is closed already; await or `wait` to know that its objects are gone"]
pub struct Closing {
    settled: Pin<Box<dyn Future<Output = ()> + Send>>,
    clock: Clock,
}

impl Closing {
    pub(crate) fn new<D: Driver>(shared: Arc<Shared<D>>) -> Self {
        Self {
            clock: shared.clock.clone(),
            settled: Box::pin(settle(shared)),
        }
    }

    /// Waits until every object is gone.
    ///
    /// # Blocking
    ///
    /// Blocks the thread, for as long as a guard is out; one that this thread holds itself, for
    /// ever.
    pub fn wait(self) {
        park::block_on(self);
    }

    /// Waits for at most `timeout`; answers whether every object is gone.
    ///
    /// # Blocking
    ///
    /// Blocks the thread.
    pub fn wait_timeout(self, timeout: Duration) -> bool {
        let Self { settled, clock } = self;
        let mut deadline = Deadline::After(timeout);
        park::block_on(bounded("close", &clock, &mut deadline, timeout, settled)).is_ok()
    }
}

async fn settle<D: Driver>(shared: Arc<Shared<D>>) {
    loop {
        let settled = shared.engine.settled.listen();
        if !shared.driver.can_spawn() {
            shared.bury_all().await;
        }
        if shared.engine.is_settled() {
            return;
        }
        settled.await;
    }
}

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.settled.as_mut().poll(cx)
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}
