//! What runs an async pool's background work, and how it is found.
//!
//! Decides which runtime a pool uses. A backend is a file here that provides a type with
//! [`Runtime`]: [`Tokio`] (feature `tokio`), [`Smol`] (feature `smol`), [`Threads`] and [`NoRuntime`]
//! (always), [`Manual`] for tests.

mod manual;
#[cfg(feature = "smol")]
mod smol;
mod threads;
#[cfg(feature = "tokio")]
mod tokio;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Job, park};

pub use manual::Manual;
#[cfg(feature = "smol")]
pub use smol::Smol;
pub use threads::{NoRuntime, Threads};
#[cfg(feature = "tokio")]
pub use tokio::{NotInTokio, Tokio};

/// A piece of blocking work.
pub type BlockingJob = Box<dyn FnOnce() + Send + 'static>;

/// Somewhere to run a pool's background work: creations, destructions, maintenance.
///
/// Waiting for an object needs none of it.
pub trait Runtime: Send + Sync + 'static {
    /// Runs `job` to its end in the background. May be called from any thread.
    ///
    /// # Errors
    ///
    /// Gives the job back when it cannot be run; whoever needs it done runs it then.
    fn spawn(&self, job: Job) -> Result<(), Job>;

    /// Runs `work`, which may block, where that hurts nobody.
    ///
    /// # Errors
    ///
    /// Gives the work back when it cannot be run.
    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob>;

    /// Ends after `span`, by [`clock`](Self::clock). The default is the clock's own timer, which works
    /// on every runtime.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.clock().sleep(span))
    }

    /// Runs `job` to its end on this thread. The default parks the thread between polls.
    ///
    /// # Blocking
    ///
    /// Until the job has ended.
    fn block_on(&self, job: Pin<&mut dyn Future<Output = ()>>) {
        park::block_on(job);
    }

    /// Calls `poll` where code that needs this runtime works, also on a thread that is not one of
    /// its own: a blocking caller, or another runtime's. The default just calls it.
    fn within(&self, poll: &mut dyn FnMut()) {
        poll();
    }

    /// The clock that pools on this runtime go by.
    fn clock(&self) -> Clock {
        Clock::system()
    }

    /// Whether [`spawn`](Self::spawn) can be expected to work.
    fn can_spawn(&self) -> bool {
        true
    }
}

/// Any runtime; made from one with `into`.
#[derive(Clone)]
pub struct AnyRuntime(Arc<dyn Runtime>);

impl<R: Runtime> From<R> for AnyRuntime {
    fn from(runtime: R) -> Self {
        Self(Arc::new(runtime))
    }
}

impl fmt::Debug for AnyRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyRuntime")
    }
}

/// The runtime of a pool: the one it was given, or the first one it meets.
///
/// Found inside tokio, tokio is kept for good. Outside of any, work goes to [`Threads`], and the
/// search goes on: a pool that is made in a `static` finds tokio with its first use inside it.
#[doc(hidden)]
pub struct Chosen(OnceLock<AnyRuntime>);

#[doc(hidden)]
#[allow(missing_docs, reason = "for the framework, not for users")]
impl Chosen {
    pub fn new(given: Option<AnyRuntime>) -> Self {
        let chosen = Self(OnceLock::new());
        if let Some(given) = given {
            chosen.0.get_or_init(|| given);
        }
        chosen.look_around();
        chosen
    }

    /// Keeps the runtime that this thread runs in, if none was chosen yet.
    pub(crate) fn look_around(&self) {
        #[cfg(feature = "tokio")]
        if self.0.get().is_none()
            && let Ok(tokio) = Tokio::current()
        {
            self.0.get_or_init(|| tokio.into());
        }
    }

    pub fn get(&self) -> &dyn Runtime {
        self.look_around();
        match self.0.get() {
            Some(runtime) => &*runtime.0,
            None => &Threads,
        }
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chosen")
    }
}
