//! Callers that ask again and again, tasks and threads, and what became of each time.
//!
//! Decides nothing about the outcome; takes it down.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nebula_resource_async::AcquireError;

use super::QueryError;

/// Between two turns of a caller: it does something else, too.
const PAUSE: Duration = Duration::from_millis(1);

/// A turn that went well: when the caller got its connection. How long the server then took to answer is
/// not the pool's doing.
#[derive(Clone, Copy, Debug)]
pub struct Served(pub Instant);

/// Why a caller was not served.
#[derive(Debug)]
pub enum Failure {
    /// The pool had nothing for it.
    Acquire(AcquireError),
    /// The connection it got did not do.
    Query(QueryError),
}

/// A number of callers on one pool.
#[derive(Debug, Default)]
pub struct Load {
    stopped: Arc<AtomicBool>,
    callers: Vec<Arc<Log>>,
}

/// One of them, for the task or thread that it is.
#[derive(Debug)]
pub struct Caller {
    stopped: Arc<AtomicBool>,
    log: Arc<Log>,
    /// How long each of its acquires may take.
    patience: Duration,
}

#[derive(Debug, Default)]
struct Log {
    served: Mutex<Vec<Instant>>,
    acquires_failed: AtomicUsize,
    queries_failed: AtomicUsize,
    first_failure: Mutex<Option<String>>,
}

impl Load {
    /// Adds a caller.
    pub fn caller(&mut self, patience: Duration) -> Caller {
        let log = Arc::new(Log::default());
        self.callers.push(Arc::clone(&log));
        Caller {
            stopped: Arc::clone(&self.stopped),
            log,
            patience,
        }
    }

    /// Callers end after their turn.
    pub fn stop(&self) {
        self.stopped.store(true, SeqCst);
    }

    /// When each caller was served first after `then`; `None` for those that were not.
    pub fn served_since(&self, then: Instant) -> Vec<Option<Instant>> {
        let first = |log: &Arc<Log>| {
            let served = log.served.lock().unwrap();
            served.iter().copied().find(|at| *at >= then)
        };
        self.callers.iter().map(first).collect()
    }

    /// Waits until every caller has been served after `then`.
    pub async fn all_served_since(&self, then: Instant) {
        let all = || self.served_since(then).iter().all(Option::is_some);
        super::until("every caller is served", all).await;
    }

    /// How many acquires failed, and how many queries.
    pub fn failures(&self) -> (usize, usize) {
        let sum = |count: fn(&Log) -> &AtomicUsize| -> usize {
            self.callers.iter().map(|log| count(log).load(SeqCst)).sum()
        };
        (
            sum(|log| &log.acquires_failed),
            sum(|log| &log.queries_failed),
        )
    }

    /// The first failure of any caller, in words.
    pub fn first_failure(&self) -> Option<String> {
        let first = |log: &Arc<Log>| log.first_failure.lock().unwrap().clone();
        self.callers.iter().find_map(first)
    }
}

impl Caller {
    /// Takes `turn` after `turn`, each with its patience, until the load is stopped.
    pub fn run(self, mut turn: impl FnMut(Duration) -> Result<Served, Failure>) {
        while self.goes_on() {
            self.note(turn(self.patience));
            thread::sleep(PAUSE);
        }
    }

    /// The same as a task.
    pub(super) async fn run_async<T>(self, mut turn: impl FnMut(Duration) -> T)
    where
        T: Future<Output = Result<Served, Failure>>,
    {
        while self.goes_on() {
            self.note(turn(self.patience).await);
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn goes_on(&self) -> bool {
        !self.stopped.load(SeqCst)
    }

    fn note(&self, outcome: Result<Served, Failure>) {
        let (count, why) = match outcome {
            Ok(Served(at)) => return self.log.served.lock().unwrap().push(at),
            Err(Failure::Acquire(error)) => (&self.log.acquires_failed, error.to_string()),
            Err(Failure::Query(error)) => (&self.log.queries_failed, in_full(&*error)),
        };
        count.fetch_add(1, SeqCst);
        self.log.first_failure.lock().unwrap().get_or_insert(why);
    }
}

fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text += &format!(": {inner}");
        source = inner.source();
    }
    text
}
