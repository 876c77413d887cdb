//! The end of resources: nobody is admitted any more, guards are waited for, objects are cleaned
//! up, dependants before what they depend on, and what takes too long is broken off.
//!
//! Decides in which order and for how long. Knows nothing of lookup or registration: it is told
//! what to stop, in levels.
//!
//! | phase | what happens | ends when | at most |
//! |---|---|---|---|
//! | close | callers get an error from now on, those in line at once; what is idle is laid down | at once | |
//! | drain | guards are waited for, of what nothing needs any more | they are back | 15 s, in all |
//! | clean-up | what came back says goodbye, side by side | it has | 8 s, in all; 5 s for one resource |
//! | force | what is not done is broken off | it has ended | 2 s |
//!
//! A resource drains and says goodbye when all that need it are gone: their objects may hold guards of
//! it. Nobody else is waited for, so that a guard that never comes back delays only what its resource
//! needs. While any guard is waited for, what is back is cleaned up. Who is out of time still gets one
//! look: what is back already, or says goodbye without waiting, is not left behind.

mod budget;
mod clean_up;
mod crowd;
mod order;
mod part;
mod report;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use nebula_resource_async::runtime::Chosen;
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Job, park};

pub use budget::ShutdownBudget;
pub(crate) use clean_up::CleanUp;
pub use report::{GuardOut, ShutdownReport, StoppedResource};

use crate::context::Cancellation;
use crate::key::Key;
use crate::manager::dependency::Graph;
use crate::manager::erased::Registered;
use crate::primitives::OnceLock;
use run::Run;

/// Resources that are being stopped: await it, or [`wait`](Self::wait) for it, to know what became
/// of them.
///
/// They stop whether or not anybody does, unless the manager was given no background
/// ([`NoRuntime`](crate::runtime::NoRuntime)): then this is what stops them.
///
/// # Examples
///
/// ```
/// use nebula_resource::{BlockingResource, Context, CreateContext, Manager, Scope};
/// use std::convert::Infallible;
///
/// struct Tickets;
///
/// impl BlockingResource for Tickets {
///     type Config = ();
///     type Instance = u32;
///     type Error = Infallible;
///
///     fn create(&self, (): &(), _: &CreateContext) -> Result<u32, Infallible> {
///         Ok(7)
///     }
/// }
///
/// let manager = Manager::new();
/// manager.register_blocking("tickets", Tickets, ())?;
/// let nobody = Context::new(Scope::GLOBAL);
/// let ticket = manager.acquire_blocking::<Tickets>("tickets", &nobody)?;
///
/// let shutting_down = manager.shutdown();
/// drop(ticket); // it is waited for
/// let report = shutting_down.wait();
/// assert_eq!((report.is_clean(), report.cleaned_up()), (true, 1));
/// println!("{report}");
/// # Ok::<(), nebula_resource::BoxError>(())
/// ```
///
/// # Cancel safety
///
/// Dropping it changes nothing. Without a background, it breaks off what is not done yet.
#[must_use = "await or `wait` to know what was left behind"]
pub struct ShuttingDown(Pin<Box<dyn Future<Output = Arc<ShutdownReport>> + Send>>);

impl ShuttingDown {
    fn new(progress: Arc<Progress>, job: Option<Job>) -> Self {
        Self(Box::pin(async move {
            if let Some(job) = job {
                job.await;
            }
            progress.ended().await
        }))
    }

    /// Waits until everything has ended.
    ///
    /// # Blocking
    ///
    /// Blocks the thread for up to [`ShutdownBudget::total`]. On the only thread of a runtime that
    /// is to do the cleaning up, it would keep that from happening.
    pub fn wait(self) -> Arc<ShutdownReport> {
        park::block_on(self)
    }
}

impl Future for ShuttingDown {
    type Output = Arc<ShutdownReport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ShuttingDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShuttingDown").finish_non_exhaustive()
    }
}

/// What those who stop and those who wait for it have in common.
struct Progress {
    /// Raised when somebody asks a second time.
    hurry: Cancellation,
    /// Raised once there is a report.
    has_ended: Cancellation,
    report: OnceLock<Arc<ShutdownReport>>,
}

impl Progress {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            hurry: Cancellation::new(),
            has_ended: Cancellation::new(),
            report: OnceLock::new(),
        })
    }

    async fn ended(&self) -> Arc<ShutdownReport> {
        loop {
            if let Some(report) = self.report.get() {
                return Arc::clone(report);
            }
            self.has_ended.cancelled().await;
        }
    }
}

/// A shutdown that happens once, however often it is asked for.
pub(crate) struct Shutdown(OnceLock<Arc<Progress>>);

impl Shutdown {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Begins to stop what `plan` says. Asked again, it hurries.
    pub(crate) fn begin(&self, plan: impl FnOnce() -> Plan) -> ShuttingDown {
        // Before anything is closed: an observer that is told of that may ask again.
        let progress = Progress::new();
        match self.0.set(Arc::clone(&progress)) {
            Ok(()) => plan().start(progress),
            Err(second) => {
                let first = self.0.get().unwrap_or(&second);
                first.hurry.cancel();
                ShuttingDown::new(Arc::clone(first), None)
            }
        }
    }
}

/// What is to be stopped, and with what.
pub(crate) struct Plan {
    /// Dependants before what they depend on.
    levels: Vec<Vec<Registered>>,
    /// What sees to it. Clean-ups run on their own resources' runtimes.
    runtime: Chosen,
    clock: Clock,
    budget: ShutdownBudget,
}

impl Plan {
    /// To stop `resources`, in the order that `graph` asks for.
    pub(crate) fn new(
        resources: impl IntoIterator<Item = Registered>,
        graph: &Graph<Key>,
        runtime: Chosen,
        budget: ShutdownBudget,
    ) -> Self {
        let clock = runtime.get().clock();
        Self {
            levels: in_levels(resources, graph),
            runtime,
            clock,
            budget,
        }
    }

    /// By another clock than the runtime's.
    pub(crate) fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Begins to stop them. They are closed when this returns.
    pub(crate) fn stop(self) -> ShuttingDown {
        self.start(Progress::new())
    }

    fn start(self, progress: Arc<Progress>) -> ShuttingDown {
        let run = Run::new(self.levels, self.clock, &self.budget, Arc::clone(&progress));
        let refused = self.runtime.get().spawn(Box::pin(run.run())).err();
        ShuttingDown::new(progress, refused)
    }
}

fn in_levels(
    resources: impl IntoIterator<Item = Registered>,
    graph: &Graph<Key>,
) -> Vec<Vec<Registered>> {
    let mut by_key: BTreeMap<Key, Vec<Registered>> = BTreeMap::new();
    for resource in resources {
        let key = resource.entry.about().key.clone();
        by_key.entry(key).or_default().push(resource);
    }
    let mut levels: Vec<Vec<Registered>> = Vec::new();
    for keys in graph.levels().into_iter().rev() {
        let level = keys.iter().filter_map(|key| by_key.remove(key));
        levels.push(level.flatten().collect());
    }
    // What the graph does not know any more, nobody depends on.
    levels.insert(0, by_key.into_values().flatten().collect());
    levels
}
