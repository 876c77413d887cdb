//! Creation: a job of the pool's, not of the caller that triggered it.
//!
//! Decides what becomes of a new object, and of a failure. The permit travels with the ticket and
//! is free again however the job ends.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use crate::bounded::{Deadline, Unfinished, bounded};
use crate::driver::{Driver, Job};
use crate::factory::BoxError;
use crate::observer::Event;
use crate::shared::Shared;
use crate::stamp::Stamp;
use crate::waiters::Cause;

/// What a creation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody waits.
    Waiter,
    /// `min_idle` wants it.
    Stock,
}

/// The right to make one object. Dropped unused, it counts as a failure if the job was in the
/// background (its runtime threw it away), and as nothing if a caller ran it and left.
struct Ticket<D: Driver> {
    shared: Arc<Shared<D>>,
    in_background: bool,
    spent: bool,
}

/// A creation that runs in the background; the permit has been taken.
pub(crate) fn in_background<D: Driver>(shared: &Arc<Shared<D>>, purpose: Purpose) -> Job {
    Box::pin(create(ticket(shared, true), purpose))
}

/// A creation that its caller runs; the permit has been taken.
pub(crate) fn inline<D: Driver>(shared: &Arc<Shared<D>>, purpose: Purpose) -> Job {
    let ticket = ticket(shared, false);
    Box::pin(async move {
        // Nobody else destroys what was retired.
        ticket.shared.bury_all().await;
        create(ticket, purpose).await;
    })
}

fn ticket<D: Driver>(shared: &Arc<Shared<D>>, in_background: bool) -> Ticket<D> {
    Ticket {
        shared: Arc::clone(shared),
        in_background,
        spent: false,
    }
}

/// The creation was dropped before its end.
#[derive(Debug, thiserror::Error)]
#[error("the creation was dropped by its runtime before it ended")]
struct Dropped;

/// The creation did not end in time.
#[derive(Debug, thiserror::Error)]
#[error("create took longer than create_timeout ({0:?})")]
struct TooLong(std::time::Duration);

async fn create<D: Driver>(ticket: Ticket<D>, purpose: Purpose) {
    let shared = Arc::clone(&ticket.shared);
    if purpose == Purpose::Waiter && !shared.engine.creation_wanted() {
        shared.engine.stats.create_elided();
        return ticket.withdraw();
    }
    let started = shared.clock.now();
    // Before the factory is called: what was cleared meanwhile, the new object does not know of.
    let stamp = shared.engine.stamp.read();
    let bound = shared.engine.settings().config.create_timeout;
    let mut deadline = Deadline::At(started.after(bound));
    let creation = bounded(
        "create",
        &shared.clock,
        &mut deadline,
        bound,
        shared.driver.create(),
    );
    match until_closed(&shared, creation).await {
        None => ticket.withdraw(),
        Some(Ok(Ok(object))) => {
            ticket.deliver(object, stamp, started);
            // Stock is made a few at a time: each one that is done makes room for the next.
            if purpose == Purpose::Stock && shared.driver.can_spawn() {
                shared.start_restocking(shared.clock.now());
            }
        }
        Some(Ok(Err(error)) | Err(Unfinished::Panicked(error))) => ticket.fail(&Cause::from(error)),
        Some(Err(Unfinished::TimedOut | Unfinished::OutOfTime)) => {
            ticket.fail(&Cause::from(BoxError::from(TooLong(bound))));
        }
    }
}

/// Polls `future` until it ends or the pool is closed: no background work outlives the last handle.
pub(crate) async fn until_closed<D: Driver, F: Future>(
    shared: &Shared<D>,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    loop {
        let mut settled = shared.engine.settled.listen();
        if shared.engine.permits.state().closed() {
            return None;
        }
        let step = std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            std::pin::Pin::new(&mut settled).poll(cx).map(|()| None)
        });
        if let Some(output) = step.await {
            return Some(output);
        }
    }
}

impl<D: Driver> Ticket<D> {
    fn deliver(mut self, object: D::Object, stamp: Stamp, started: crate::Tick) {
        self.spent = true;
        let shared = &self.shared;
        let now = shared.clock.now();
        let entry = shared
            .engine
            .enrol(object, stamp, now, shared.clock.jitter());
        let id = entry.record.id;
        shared.engine.deliver(entry);
        let config = &shared.engine.settings().config;
        let in_a_hurry = config.min_idle > 0;
        let first_round = if in_a_hurry {
            now
        } else {
            now.after(config.maintenance_every)
        };
        shared.begin_rounds(first_round);
        shared.tell(|| Event::Created {
            id,
            took: now.since(started),
        });
    }

    fn fail(mut self, cause: &Cause) {
        self.spent = true;
        self.failed(cause);
    }

    fn failed(&self, cause: &Cause) {
        let shared = &self.shared;
        let (now, random) = (shared.clock.now(), shared.clock.jitter());
        let retry_at = shared
            .engine
            .creation_failed(now, Cause::clone(cause), random);
        shared.ring_at(retry_at);
        shared.tell(|| Event::CreateFailed {
            error: &**cause,
            next_in: retry_at.since(now),
        });
    }

    fn withdraw(mut self) {
        self.spent = true;
        self.shared.engine.creation_withdrawn();
    }
}

impl<D: Driver> Drop for Ticket<D> {
    fn drop(&mut self) {
        if self.spent {
            return;
        }
        if self.in_background && !self.shared.engine.permits.state().closed() {
            self.failed(&Cause::from(BoxError::from(Dropped)));
        } else {
            self.shared.engine.creation_withdrawn();
        }
    }
}
