//! Spans as the `tracing` crate has them.
//!
//! Decides names, fields and the level; knows nothing of who collects them. Where nobody does, it
//! costs a load and a comparison.

use std::error::Error;
use std::future::Future;

use nebula_resource_core::{RetireReason, Status};
use tracing::field::{Empty, display};
use tracing::{Instrument, Level, debug_span, span_enabled};

use crate::context::Context;
use crate::filter::Subject;

/// Where it is collected, a span of one operation.
#[derive(Clone)]
pub(crate) struct Span(tracing::Span);

/// Whether anybody collects spans of acquires.
#[inline]
pub(crate) fn wanted() -> bool {
    span_enabled!(target: "nebula_resource", Level::DEBUG)
}

impl Span {
    /// A caller waits for an instance of a pool that stands like this.
    pub(crate) fn acquire(
        subject: &Subject,
        caller: &Context,
        pool: impl FnOnce() -> Status,
    ) -> Self {
        if !wanted() {
            return Self(tracing::Span::none());
        }
        let pool = pool();
        let span = debug_span!(
            target: "nebula_resource",
            "acquire",
            resource.id = %subject.key,
            resource.scope = %subject.scope,
            resource.caller = %caller.scope(),
            pool.size = pool.size,
            pool.idle = pool.idle,
            pool.in_use = pool.in_use,
            pool.waiting = pool.waiting,
            pool.max_size = pool.max_size,
            trace.parent = Empty,
            trace.state = Empty,
            instance.id = Empty,
            error = Empty,
        );
        if let Some(trace) = caller.trace() {
            span.record("trace.parent", display(trace));
            if let Some(state) = trace.state() {
                span.record("trace.state", state);
            }
        }
        Self(span)
    }

    /// An instance is made.
    pub(crate) fn create(subject: &Subject) -> Self {
        Self(debug_span!(
            target: "nebula_resource",
            "create",
            resource.id = %subject.key,
            resource.scope = %subject.scope,
            error = Empty,
        ))
    }

    /// An instance is cleaned up.
    pub(crate) fn clean_up(subject: &Subject, reason: RetireReason) -> Self {
        Self(debug_span!(
            target: "nebula_resource",
            "clean up",
            resource.id = %subject.key,
            resource.scope = %subject.scope,
            reason = reason.name(),
            error = Empty,
        ))
    }

    /// Has `future` run within it.
    pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.instrument(self.0.clone())
    }

    /// Does `work` within it.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.in_scope(work)
    }

    /// Notes which instance the caller got.
    pub(crate) fn got(&self, instance: u64) {
        self.0.record("instance.id", instance);
    }

    /// Notes why it failed.
    pub(crate) fn failed(&self, error: &dyn Error) {
        self.0.record("error", display(error));
    }
}
