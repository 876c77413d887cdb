//! Tokio.

use nebula_resource_core::Job;
use tokio::runtime::Handle;

use super::{BlockingJob, Runtime};

/// A tokio runtime, by its handle.
#[derive(Clone, Debug)]
pub struct Tokio(Handle);

/// There is no tokio runtime here.
#[derive(Clone, Copy, Debug)]
pub struct NotInTokio;

impl std::fmt::Display for NotInTokio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no tokio runtime here; call it inside one, or use `Tokio::from`")
    }
}

impl std::error::Error for NotInTokio {}

impl Tokio {
    /// The runtime that this code runs in.
    ///
    /// # Errors
    ///
    /// When it runs in none.
    pub fn current() -> Result<Self, NotInTokio> {
        Handle::try_current().map(Self).map_err(|_| NotInTokio)
    }
}

impl From<Handle> for Tokio {
    fn from(handle: Handle) -> Self {
        Self(handle)
    }
}

impl Runtime for Tokio {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        // On a runtime that has shut down the job is dropped, and undoes itself.
        drop(self.0.spawn(job));
        Ok(())
    }

    fn within(&self, poll: &mut dyn FnMut()) {
        // In a task there is a runtime, and asking costs a tenth of entering.
        if tokio::task::try_id().is_some() {
            return poll();
        }
        let _inside = self.0.enter();
        poll();
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        drop(self.0.spawn_blocking(work));
        Ok(())
    }
}
