//! A runtime whose tasks are shuttle's, which refuses a job now and then, and may lose one.
//!
//! Decides nothing about pools. Counts its jobs, so that a scenario can wait until all have ended.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use nebula_resource_async::runtime::{BlockingJob, Runtime};
use nebula_resource_core::Job;
use nebula_resource_core::clock::{Clock, ManualClock};
use shuttle::future::JoinHandle;

use crate::explore::one_in;

/// Runs each job as a task of the schedule. Clones are the same runtime.
#[derive(Clone)]
pub struct Tasks(Arc<Inner>);

struct Inner {
    hand: Arc<ManualClock>,
    /// Loses a job now and then, as a runtime that shuts down does: for a creation that is a failure,
    /// after which only time helps.
    careless: bool,
    running: AtomicUsize,
    /// Kept, because dropping one would tell shuttle not to wait for its task.
    handles: Mutex<Vec<JoinHandle<()>>>,
}

/// One job that has not ended.
struct Running(Tasks);

impl Running {
    fn new(tasks: &Tasks) -> Self {
        tasks.0.running.fetch_add(1, Relaxed);
        Self(tasks.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Relaxed);
    }
}

impl Tasks {
    /// A runtime that goes by `hand`.
    pub fn new(hand: &Arc<ManualClock>, careless: bool) -> Self {
        Self(Arc::new(Inner {
            hand: Arc::clone(hand),
            careless,
            running: AtomicUsize::new(0),
            handles: Mutex::default(),
        }))
    }

    /// Jobs that have not ended.
    pub fn running(&self) -> usize {
        self.0.running.load(Relaxed)
    }

    /// Waits for the tasks of all jobs so far.
    ///
    /// # Panics
    ///
    /// When one was cancelled.
    pub fn join(&self) {
        let mut handles = self
            .0
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tasks = std::mem::take(&mut *handles);
        drop(handles);
        for task in tasks {
            shuttle::future::block_on(task).expect("a job that ends by itself");
        }
    }
}

impl Runtime for Tasks {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        if one_in(16) {
            return Err(job);
        }
        if self.0.careless && one_in(16) {
            drop(job);
            return Ok(());
        }
        let running = Running::new(self);
        let handle = shuttle::future::spawn(async move {
            let _running = running;
            job.await;
        });
        let mut handles = self
            .0
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        handles.push(handle);
        Ok(())
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        let running = Running::new(self);
        shuttle::thread::spawn(move || {
            let _running = running;
            work();
        });
        Ok(())
    }

    fn clock(&self) -> Clock {
        Clock::manual(&self.0.hand)
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}
