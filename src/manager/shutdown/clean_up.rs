//! The clean-up of one resource's objects: side by side, each within bounds.
//!
//! Decides when one is broken off, and counts how they ended. Knows nothing of the order of
//! resources.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use nebula_resource_core::clock::Sleep;
use nebula_resource_core::{BoxError, Job, catch};

use super::budget::unless;
use crate::context::Cancellation;
use crate::primitives::{Mutex, MutexGuard, PoisonError};

/// The clean-up of one object. An error is what it panicked with.
pub(crate) type CleanUp = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// How many of a resource's clean-ups have ended, and how.
pub(super) struct Ledger {
    counts: Mutex<Counts>,
    /// Raised when the last one has ended.
    all_ended: Cancellation,
}

/// How so many clean-ups ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    begun: usize,
    ended: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) first_failure: Option<String>,
}

impl Counts {
    /// Those that are not done and have not failed.
    pub(super) const fn abandoned(&self) -> usize {
        self.begun - self.done - self.failed
    }
}

/// One line of the ledger: counts as ended once it is dropped.
struct Line(Arc<Ledger>);

impl Ledger {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::default(),
            all_ended: Cancellation::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// Jobs that do these clean-ups. Each lasts until `until`, or until time is `over` for all.
    pub(super) fn enter(
        self: &Arc<Self>,
        clean_ups: Vec<CleanUp>,
        until: impl Fn() -> Sleep,
        over: &Cancellation,
    ) -> Vec<Job> {
        self.lock().begun += clean_ups.len();
        let job = |clean_up| -> Job {
            let line = Line(Arc::clone(self));
            Box::pin(attempt(
                line,
                Contained(Some(clean_up)),
                until(),
                over.clone(),
            ))
        };
        clean_ups.into_iter().map(job).collect()
    }

    /// Whether all clean-ups have ended, however they did.
    pub(super) fn has_ended(&self) -> bool {
        let counts = self.lock();
        counts.ended == counts.begun
    }

    /// Ends when all clean-ups have, however they did.
    pub(super) async fn all_ended(&self) {
        let counts = self.counts();
        if counts.ended < counts.begun {
            self.all_ended.cancelled().await;
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut counts = self.0.lock();
        counts.ended += 1;
        let was_last = counts.ended == counts.begun;
        drop(counts);
        if was_last {
            self.0.all_ended.cancel();
        }
    }
}

async fn attempt(line: Line, clean_up: Contained, until: Sleep, over: Cancellation) {
    let in_time = unless(clean_up, until);
    let ended = unless(in_time, over.cancelled()).await.flatten();
    let mut counts = line.0.lock();
    match ended {
        Some(Ok(())) => counts.done += 1,
        Some(Err(failure)) => {
            counts.failed += 1;
            counts
                .first_failure
                .get_or_insert_with(|| failure.to_string());
        }
        None => {}
    }
}

/// A clean-up whose panics end here, those of its own drop included.
struct Contained(Option<CleanUp>);

impl Future for Contained {
    type Output = Result<(), BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(clean_up) = &mut self.0 else {
            return Poll::Ready(Ok(()));
        };
        match catch("cleanup", || clean_up.as_mut().poll(cx)) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        let clean_up = self.0.take();
        // Whatever it says, the object is gone.
        let _gone = catch("cleanup", || drop(clean_up));
    }
}
