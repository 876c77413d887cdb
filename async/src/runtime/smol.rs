//! Smol: its global executor and its pool of blocking threads.

use nebula_resource_core::Job;

use super::{BlockingJob, Runtime};

/// Smol's global executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        smol::spawn(job).detach();
        Ok(())
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        smol::unblock(work).detach();
        Ok(())
    }
}
