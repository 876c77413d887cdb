//! A runtime for tests: nothing happens until the test says so, and time moves by hand.
//!
//! Decides the order of everything, so that a test that depends on time is the same every time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use nebula_resource_core::Job;
use nebula_resource_core::clock::{Clock, ManualClock};

use super::{BlockingJob, Runtime};

/// A single-threaded executor with a clock that is moved by hand. Clones are the same runtime.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use nebula_resource_async::runtime::{Manual, Runtime};
///
/// let runtime = Manual::new();
/// let nap = runtime.sleep(Duration::from_secs(60));
/// runtime.run(nap); // moves the clock as far as it takes
/// ```
#[derive(Clone)]
pub struct Manual {
    clock: Arc<ManualClock>,
    jobs: Arc<Mutex<VecDeque<Task>>>,
}

struct Task {
    job: Job,
    flag: Arc<Flag>,
}

/// Set when its task was woken.
struct Flag(AtomicBool);

impl Flag {
    fn set() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Manual {
    /// A new runtime with a clock of its own.
    pub fn new() -> Self {
        Self {
            clock: ManualClock::new(),
            jobs: Arc::default(),
        }
    }

    /// The clock.
    pub const fn manual_clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<Task>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs background jobs until none can go on without time passing.
    pub fn run_until_idle(&self) {
        while self.step() {}
    }

    /// Polls every woken job once; answers whether there was one.
    fn step(&self) -> bool {
        let mut progress = false;
        let round = self.jobs().len();
        for _ in 0..round {
            let Some(mut task) = self.jobs().pop_front() else {
                break;
            };
            let mut ended = false;
            if task.flag.take() {
                progress = true;
                let waker = Waker::from(Arc::clone(&task.flag));
                let mut cx = Context::from_waker(&waker);
                ended = task.job.as_mut().poll(&mut cx).is_ready();
            }
            if !ended {
                self.jobs().push_back(task);
            }
        }
        progress
    }

    /// Moves the clock by `span`, stopping at every alarm on the way to let the jobs run.
    pub fn advance(&self, span: Duration) {
        let target = self.clock.now().after(span);
        self.run_until_idle();
        while let Some(next) = self.clock.next_alarm().filter(|next| *next <= target) {
            self.clock.advance(next.since(self.clock.now()));
            self.run_until_idle();
        }
        self.clock.advance(target.since(self.clock.now()));
        self.run_until_idle();
    }

    /// Runs `future` to its end, with the background jobs, moving the clock to the next alarm
    /// whenever nothing else can go on.
    ///
    /// # Panics
    ///
    /// When nothing can go on and no alarm is set: nothing would ever wake it.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let flag = Flag::set();
        let waker = Waker::from(Arc::clone(&flag));
        let mut cx = Context::from_waker(&waker);
        loop {
            if flag.take()
                && let Poll::Ready(output) = future.as_mut().poll(&mut cx)
            {
                return output;
            }
            if self.step() || flag.0.load(Ordering::Acquire) {
                continue;
            }
            let Some(next) = self.clock.next_alarm() else {
                panic!("nothing can go on and no alarm is set: nothing would ever wake it");
            };
            self.clock.advance(next.since(self.clock.now()));
        }
    }
}

impl Default for Manual {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Manual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manual")
            .field("jobs", &self.jobs().len())
            .finish_non_exhaustive()
    }
}

impl Runtime for Manual {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        let flag = Flag::set();
        self.jobs().push_back(Task { job, flag });
        Ok(())
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        drop(self.spawn(Box::pin(async move { work() })));
        Ok(())
    }

    fn block_on(&self, job: Pin<&mut dyn Future<Output = ()>>) {
        self.run(job);
    }

    fn clock(&self) -> Clock {
        Clock::manual(&self.clock)
    }
}
