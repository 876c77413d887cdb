//! What a caller brings along when it asks for a resource.
//!
//! Decides nothing about the answer: a context says on whose behalf something is asked, for how
//! long, and as part of what. Knows nothing of resources or the manager.

mod baggage;
mod cancellation;
mod credentials;
mod trace;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

pub use baggage::{Baggage, BaggageError};
pub use cancellation::{Cancellation, Cancelled};
pub use credentials::{CredentialFuture, CredentialProvider};
pub use trace::{TraceContext, TraceError};

use crate::scope::Scope;

/// On whose behalf a resource is asked for, for how long, and as part of what.
///
/// Made once for a request or a step of a workflow, and lent to every call. Clones are cheap and
/// share what they hold.
///
/// The tenant, the workflow and the execution are those of the [scope](Self::scope): they are not
/// told a second time, so that the two can never differ.
///
/// # Examples
///
/// ```
/// use nebula_resource::{context::{Cancellation, Context}, scope::Scope};
/// use std::time::{Duration, Instant};
///
/// let workflow = Cancellation::new();
/// let run = Scope::tenant("acme")?.workflow("billing")?.execution("4711")?;
/// let ctx = Context::new(run)
///     .with_deadline(Instant::now() + Duration::from_secs(5))
///     .with_cancellation(workflow.child())
///     .with_headers(|header| match header {
///         "traceparent" => Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
///         _ => None,
///     })
///     .with_metadata("queue", "nightly");
///
/// assert_eq!(ctx.tenant_id(), Some("acme"));
/// assert_eq!(ctx.metadata("queue"), Some("nightly"));
/// assert!(ctx.trace().is_some_and(|trace| trace.is_sampled()));
/// # Ok::<(), nebula_resource::scope::ScopeError>(())
/// ```
#[derive(Clone)]
pub struct Context {
    scope: Scope,
    deadline: Option<Instant>,
    cancellation: Cancellation,
    credentials: Option<Arc<dyn CredentialProvider>>,
    trace: Option<TraceContext>,
    baggage: Baggage,
    metadata: Option<Arc<BTreeMap<String, String>>>,
}

impl Context {
    /// A caller that acts within `scope`, and for the rest has no wishes.
    pub const fn new(scope: Scope) -> Self {
        Self {
            scope,
            deadline: None,
            cancellation: Cancellation::never(),
            credentials: None,
            trace: None,
            baggage: Baggage::NONE,
            metadata: None,
        }
    }

    /// On whose behalf.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The tenant on whose behalf, if the scope names one.
    pub fn tenant_id(&self) -> Option<&str> {
        self.scope.tenant_id()
    }

    /// The workflow on whose behalf, if the scope names one.
    pub fn workflow_id(&self) -> Option<&str> {
        self.scope.workflow_id()
    }

    /// The execution on whose behalf, if the scope names one.
    pub fn execution_id(&self) -> Option<&str> {
        self.scope.execution_id()
    }

    /// The same caller, who waits until then at most, and in any case no longer than the
    /// resource's own `acquire_timeout`.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Until when the caller waits at most.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The same caller, whose waits all end when `cancellation` is cancelled.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: Cancellation) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// What ends the caller's waits before their time.
    pub const fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// The same caller, with secrets of its own.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Arc<dyn CredentialProvider>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Where the caller's secrets come from, if it has any of its own.
    pub fn credentials(&self) -> Option<&Arc<dyn CredentialProvider>> {
        self.credentials.as_ref()
    }

    /// The same caller, at this place in a distributed trace.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The caller's place in a distributed trace.
    pub const fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// The same caller, with what travels along with the trace.
    #[must_use]
    pub fn with_baggage(mut self, baggage: Baggage) -> Self {
        self.baggage = baggage;
        self
    }

    /// What travels along with the trace.
    pub const fn baggage(&self) -> &Baggage {
        &self.baggage
    }

    /// The same caller, with the trace and baggage that came in headers: asked for `traceparent`,
    /// `tracestate` and `baggage`.
    ///
    /// What is missing or invalid is as good as absent, as W3C wants it: a damaged header must
    /// not fail the call.
    #[must_use]
    pub fn with_headers<'h>(mut self, header: impl Fn(&'static str) -> Option<&'h str>) -> Self {
        let parent = header("traceparent").and_then(|text| text.parse::<TraceContext>().ok());
        self.trace = parent.map(|trace| {
            let state = header("tracestate").unwrap_or_default();
            trace.clone().with_state(state).unwrap_or(trace)
        });
        let baggage = header("baggage").and_then(|text| Baggage::parse(text).ok());
        self.baggage = baggage.unwrap_or_default();
        self
    }

    /// The headers with which the trace and the baggage go on to a server, by name.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let parent = self.trace.as_ref().map(ToString::to_string);
        let state = self.trace.as_ref().and_then(TraceContext::state);
        let baggage = Some(&self.baggage).filter(|baggage| !baggage.is_empty());
        let headers = [
            ("traceparent", parent),
            ("tracestate", state.map(str::to_owned)),
            ("baggage", baggage.map(ToString::to_string)),
        ];
        let present = |(name, value): (_, Option<String>)| Some((name, value?));
        headers.into_iter().filter_map(present)
    }

    /// The same caller, with something else to know about it. Not for secrets.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let metadata = Arc::make_mut(self.metadata.get_or_insert_default());
        metadata.insert(name.into(), value.into());
        self
    }

    /// What is known about the caller under `name`.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        let metadata = self.metadata.as_ref()?;
        metadata.get(name).map(String::as_str)
    }

    /// Does what `future` does, unless the caller is [cancelled](Self::cancellation) before that
    /// is done. The deadline is for `future` to keep.
    ///
    /// # Errors
    ///
    /// [`Cancelled`].
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point, with `future`.
    #[inline]
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = Result<F::Output, Cancelled>> {
        self.cancellation.run(future)
    }

    /// [`run`](Self::run), on this thread.
    ///
    /// # Errors
    ///
    /// [`Cancelled`].
    ///
    /// # Blocking
    ///
    /// Until `future` is ready, or the caller is cancelled.
    pub fn run_blocking<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        self.cancellation.run_blocking(future)
    }
}

/// Shows no value of metadata or baggage, and no secret.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.metadata.iter().flat_map(|all| all.keys()).collect();
        f.debug_struct("Context")
            .field("scope", &self.scope)
            .field("deadline", &self.deadline)
            .field("cancellation", &self.cancellation)
            .field("credentials", &self.credentials.as_ref().map(|_| "…"))
            .field("trace", &self.trace.as_ref().map(ToString::to_string))
            .field("baggage", &self.baggage)
            .field("metadata", &names)
            .finish()
    }
}
