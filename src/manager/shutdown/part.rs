//! One resource on its way out: what of it is back, what is being cleaned up, and what is told of
//! it in the end.
//!
//! Decides nothing about when or for how long.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use nebula_resource_core::clock::Sleep;
use nebula_resource_core::{Closing, Job, ObjectState};

use super::clean_up::Ledger;
use super::report::{GuardOut, StoppedResource};
use crate::context::Cancellation;
use crate::lifecycle::State;
use crate::manager::erased::Registered;

/// One resource that is being stopped.
pub(super) struct Part {
    resource: Registered,
    /// Everything has come back.
    pub(super) is_back: bool,
    pub(super) had_its_turn: bool,
    pub(super) ledger: Arc<Ledger>,
}

impl Part {
    pub(super) fn close(resource: Registered) -> Self {
        let part = Self {
            resource,
            is_back: false,
            had_its_turn: false,
            ledger: Ledger::new(),
        };
        drop(part.closing());
        part.moves_to(State::Draining);
        part
    }

    /// Ends when everything is back. Closes it, if it is not yet.
    pub(super) fn closing(&self) -> Closing {
        self.resource.entry.stop()
    }

    /// [`take_turn`](Self::take_turn), where the resource lives. Answers with the jobs that nothing
    /// runs in the background.
    pub(super) fn begin_turn(
        &mut self,
        until: impl Fn() -> Sleep,
        over: &Cancellation,
    ) -> Vec<Job> {
        let jobs = self.take_turn(until, over).into_iter();
        jobs.filter_map(|job| self.resource.entry.spawn(job).err())
            .collect()
    }

    /// Its turn to be cleaned up: the jobs that do it.
    pub(super) fn take_turn(&mut self, until: impl Fn() -> Sleep, over: &Cancellation) -> Vec<Job> {
        self.had_its_turn = true;
        self.moves_to(State::Cleanup);
        let clean_ups = self.resource.entry.clean_up();
        self.ledger.enter(clean_ups, until, over)
    }

    /// Ends when all clean-ups have, those too that somebody else began who stops the same resource.
    pub(super) fn all_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let (ledger, resource) = (Arc::clone(&self.ledger), self.resource.clone());
        async move {
            ledger.all_ended().await;
            if let Some(owed) = resource.entry.owed() {
                // proof: stop-owed
                owed.cancelled().await;
            }
        }
    }

    /// Whether there is nothing left to wait for but guards.
    pub(super) fn is_done(&self) -> bool {
        let all_ended = self.ledger.has_ended() && self.resource.entry.owed().is_none();
        all_ended && (self.is_back || !self.guards_out().is_empty())
    }

    /// One that was never ready has nothing to drain: it is refused, and skips that.
    pub(super) fn moves_to(&self, state: State) {
        self.resource.entry.advance(state);
    }

    pub(super) fn guards_out(&self) -> Vec<GuardOut> {
        let objects = self.resource.entry.objects().into_iter();
        let out = objects.filter(|object| object.state == ObjectState::InUse);
        out.map(GuardOut::from).collect()
    }

    pub(super) fn report(&mut self) -> StoppedResource {
        let about = self.resource.entry.about();
        let (counts, guards_out) = (self.ledger.counts(), self.guards_out());
        let mut look = Context::from_waker(Waker::noop());
        if !self.is_back && guards_out.is_empty() {
            self.is_back = Pin::new(&mut self.closing()).poll(&mut look).is_ready();
        }
        StoppedResource {
            key: about.key.clone(),
            scope: about.scope.clone(),
            generation: about.generation,
            cleaned_up: counts.done,
            failed: counts.failed,
            abandoned: counts.abandoned(),
            first_failure: counts.first_failure,
            busy: guards_out.is_empty() && (!self.is_back || self.resource.entry.owed().is_some()),
            guards_out,
        }
    }
}
