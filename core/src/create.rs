//! Creation: a job of the pool's, not of the caller that triggered it.
//!
//! Decides what becomes of a new object, and of a failure. The permit travels with the ticket and
//! is free again however the job ends.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use crate::backend::{Backend, Pass};
use crate::bounded::{Deadline, Unfinished, bounded};
use crate::driver::{Driver, Job};
use crate::factory::BoxError;
use crate::observer::Event;
use crate::overlong::{Room, told_when_long};
use crate::primitives::{AtomicBool, Ordering};
use crate::shared::Shared;
use crate::stamp::Stamp;
use crate::waiters::{Cause, Failure};

/// What a creation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody waits.
    Waiter,
    /// `min_idle` wants it.
    Stock,
}

/// The right to make one object. Dropped unused, it counts as a failure if the job was in the
/// background (its runtime threw it away), and as nothing if its starter ran it and left.
struct Ticket<D: Driver> {
    shared: Arc<Shared<D>>,
    /// The backend's leave, where the pool shares one.
    pass: Option<Pass>,
    /// Whoever started it runs it. Known only once a runtime has taken the job or refused it.
    by_starter: Arc<AtomicBool>,
    spent: bool,
}

/// Starts a creation, for which the permit has been taken: in the background if it can be, otherwise
/// it is given back, to be run by whoever starts it.
pub(crate) fn start<D: Driver>(shared: &Arc<Shared<D>>, purpose: Purpose) -> Option<Job> {
    if !shared.driver.can_spawn() {
        return Some(inline(shared, purpose));
    }
    let by_starter = Arc::new(AtomicBool::new(false));
    let ticket = ticket(shared, Arc::clone(&by_starter));
    let refused = shared
        .driver
        .spawn(Box::pin(create(ticket, purpose)))
        .err()?;
    // ord: Relaxed: a job that comes back has never been anywhere else.
    by_starter.store(true, Ordering::Relaxed);
    Some(refused)
}

fn inline<D: Driver>(shared: &Arc<Shared<D>>, purpose: Purpose) -> Job {
    let ticket = ticket(shared, Arc::new(AtomicBool::new(true)));
    Box::pin(async move {
        // Nobody else destroys what was retired.
        ticket.shared.bury_all().await;
        create(ticket, purpose).await;
    })
}

fn ticket<D: Driver>(shared: &Arc<Shared<D>>, by_starter: Arc<AtomicBool>) -> Ticket<D> {
    Ticket {
        shared: Arc::clone(shared),
        pass: None,
        by_starter,
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
    if let Some(ticket) = admitted(ticket, purpose).await {
        attempt(ticket, purpose).await;
    }
}

/// Asks the backend for leave, where the pool shares one, and whether anybody still wants the object.
async fn admitted<D: Driver>(ticket: Ticket<D>, purpose: Purpose) -> Option<Ticket<D>> {
    let mut ticket = ticket.wanted(purpose)?;
    let shared = Arc::clone(&ticket.shared);
    let Some(backend) = &shared.backend else {
        return Some(ticket);
    };
    match until_closed(&shared, backend.enter(&shared.clock)).await {
        None => {
            ticket.withdraw();
            None
        }
        Some(Err(failure)) => {
            ticket.refused(backend, failure);
            None
        }
        Some(Ok(pass)) => {
            ticket.pass = Some(pass);
            // That may have taken a while.
            ticket.wanted(purpose)
        }
    }
}

async fn attempt<D: Driver>(ticket: Ticket<D>, purpose: Purpose) {
    let shared = Arc::clone(&ticket.shared);
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
    let creation = told_when_long(&shared.clock, &ticket, creation);
    match until_closed(&shared, creation).await {
        None => ticket.withdraw(),
        Some(Ok(Ok(object))) => {
            ticket.deliver(object, stamp, started);
            // Stock is made a few at a time: each one that is done makes room for the next.
            if purpose == Purpose::Stock && shared.driver.can_spawn() {
                let again = shared.start_restocking(shared.clock.now());
                // With enough of it for now: when the next of it is too old to count.
                if again < crate::Tick::NEVER {
                    shared.ring_at(again);
                }
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

impl<D: Driver> Room for Ticket<D> {
    fn slowed(&self) {
        self.shared.engine.creation_slowed();
        if let Some(pass) = &self.pass {
            pass.slowed();
        }
    }

    fn slow_ends(&self) {
        self.shared.engine.slow_creation_ends();
        if let Some(pass) = &self.pass {
            pass.slow_ends();
        }
    }
}

impl<D: Driver> Ticket<D> {
    /// Gives itself up when nobody waits any more.
    fn wanted(self, purpose: Purpose) -> Option<Self> {
        if purpose == Purpose::Stock || self.shared.engine.creation_wanted() {
            return Some(self);
        }
        self.shared.engine.stats.create_elided();
        self.withdraw();
        None
    }

    fn deliver(mut self, object: D::Object, stamp: Stamp, started: crate::Tick) {
        self.spent = true;
        let pass = self.pass.take();
        let shared = &self.shared;
        let now = shared.clock.now();
        let entry = shared
            .engine
            .enrol(object, stamp, now, shared.clock.jitter());
        let id = entry.record.id;
        shared.engine.deliver(entry);
        if let Some(pass) = pass {
            pass.succeeded();
        }
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

    fn failed(&mut self, cause: &Cause) {
        let pass = self.pass.take();
        let shared = &self.shared;
        let (now, random) = (shared.clock.now(), shared.clock.jitter());
        let own = Cause::clone(cause);
        let retry_at = match pass {
            None => shared.engine.creation_failed(now, own, random),
            Some(pass) => {
                shared.engine.stats.create_failed();
                let failure = pass.failed(now, own, random);
                shared.engine.creation_refused(failure)
            }
        };
        shared.ring_at(retry_at);
        shared.tell(|| Event::CreateFailed {
            error: &**cause,
            next_in: retry_at.since(now),
        });
    }

    /// The backend refuses, as others found out: no attempt was made.
    fn refused(mut self, backend: &Backend, failure: Failure) {
        self.spent = true;
        let shared = &self.shared;
        let retry_at = shared.engine.creation_refused(failure);
        shared.ring_at(retry_at);
        backend.reassure(&**shared);
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
        let closed = self.shared.engine.permits.state().closed();
        if closed || self.by_starter.load(Ordering::Relaxed) {
            self.shared.engine.creation_withdrawn();
        } else {
            self.failed(&Cause::from(BoxError::from(Dropped)));
        }
    }
}
