//! Runtimes that need nothing: helper threads, or none at all.

use nebula_resource_core::{Job, helpers, spawn_on_helper};

use super::{BlockingJob, Runtime};

/// The built-in runtime: each job on a helper thread of the process, started when needed and gone
/// when idle. What a pool uses where it finds no other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Runtime for Threads {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        spawn_on_helper(job)
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        helpers::run(work)
    }
}

/// No background at all: objects are made by the caller that needs one, and maintenance is driven
/// by hand with [`Pool::maintain`](crate::Pool::maintain).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRuntime;

impl Runtime for NoRuntime {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        Err(job)
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        Err(work)
    }

    fn can_spawn(&self) -> bool {
        false
    }
}
