//! What a test body may ask of the runtime it runs on: pools, tasks, time, and the closing audit.

use std::any::Any;
use std::future::Future;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::{AcquireError, PoolConfig};
use nebula_resource_core::{CountedGuard, Driver, Job, Pool};

use super::script::{Script, Thing};

/// Far more than anything here takes; who waits for longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(20);
/// By so much time moves while a test waits for something to settle.
const STEP: Duration = Duration::from_millis(10);
/// And by so much at first: what was just begun on another thread must not run out of its 100 ms because
/// a busy machine has not come round to that thread.
const FIRST_STEP: Duration = Duration::from_millis(2);
/// So often.
const FIRST_STEPS: usize = 40;

/// The guard of a harness's pools.
pub(crate) type OutOf<H> = CountedGuard<<H as Harness>::Driver>;

/// What an acquire answers.
pub(crate) type Acquired<H> = Result<OutOf<H>, AcquireError>;

/// A runtime and a facade on it, with a clock that is moved by hand.
pub(crate) trait Harness: Clone + Send + Sync + 'static {
    type Driver: Driver<Object = Thing>;
    type Pool: Deref<Target = Pool<Self::Driver>> + Clone + Send + Sync + 'static;

    /// Whether everybody has done what was due before time moves on. Threads that a busy machine has
    /// not come round to have not.
    const KEEPS_UP: bool = false;

    fn start() -> Self;

    fn hand(&self) -> &Arc<ManualClock>;

    fn pool(&self, script: &Script, config: PoolConfig) -> Self::Pool;

    /// The facade's own door. On the blocking facade it blocks whoever polls.
    fn acquire(&self, pool: &Self::Pool) -> impl Future<Output = Acquired<Self>> + Send + 'static;

    fn spawn_job(&self, job: Job);

    fn block_on(&self, body: impl Future<Output = ()>);

    /// Lets others go on.
    fn nap(&self) -> impl Future<Output = ()> + Send;

    /// Moves time on.
    fn advance(&self, span: Duration) {
        self.hand().advance(span);
    }

    fn script(&self) -> Script {
        Script::new(Clock::manual(self.hand()))
    }

    /// Small bounds, so that every timeout is near: acquire 1 s, everything else 100 ms.
    fn config(&self) -> PoolConfig {
        let short = Duration::from_millis(100);
        PoolConfig {
            max_size: 2,
            acquire_timeout: Duration::from_secs(1),
            create_timeout: short,
            validate_timeout: short,
            recycle_timeout: short,
            destroy_timeout: short,
            validate_after: None,
            ..PoolConfig::default()
        }
    }

    /// Runs `future` on its own: a task, or a thread for the blocking facade.
    fn spawn<T, F>(&self, future: F) -> Task<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let task = Task(Arc::default());
        let report = task.0.clone();
        self.spawn_job(Box::pin(async move {
            let mut future = Box::pin(future);
            let ended = std::future::poll_fn(|cx| {
                match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                    Ok(Poll::Pending) => Poll::Pending,
                    Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
                    Err(panic) => Poll::Ready(Err(panic)),
                }
            })
            .await;
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            report.ended = Some(ended);
            if let Some(waker) = report.waker.take() {
                waker.wake();
            }
        }));
        task
    }

    /// Waits until `holds`, while time stands still.
    async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
            self.nap().await;
        }
    }

    /// Waits until `holds`, and moves time on meanwhile.
    async fn settle(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let mut steps = 0;
        self.until(what, || {
            let held = holds();
            if !held {
                steps += 1;
                self.advance(if steps > FIRST_STEPS {
                    STEP
                } else {
                    FIRST_STEP
                });
            }
            held
        })
        .await;
    }

    /// Acquires as a task of its own, and moves time on until it has ended.
    async fn get(&self, pool: &Self::Pool) -> Acquired<Self> {
        let task = self.spawn(self.acquire(pool));
        self.settle("an acquire", || task.is_done()).await;
        task.await
    }

    /// So many objects in the idle store; answers their numbers in the script.
    async fn stock(&self, pool: &Self::Pool, count: usize) -> Vec<u64> {
        let mut guards = Vec::new();
        while guards.len() < count {
            guards.push(self.get(pool).await.expect("an object to stock"));
        }
        guards.iter().map(|guard| guard.id).collect()
    }

    /// The end of every test: once the fault is over, a fresh acquire succeeds, the pool's books
    /// balance, and they agree with the factory's.
    async fn nothing_lost(&self, pool: &Self::Pool, script: &Script) {
        script.heal();
        self.settle("the pool to come to rest", || {
            let status = pool.status();
            status.creating + status.checking + status.waiting == 0
        })
        .await;
        if pool.config().fail_fast {
            // Until the next probe everybody is refused; it is at most a second away.
            self.advance(Duration::from_secs(1));
        }
        let fresh = self.get(pool).await.expect("a fresh acquire");
        drop(fresh);
        self.settle("what was retired to be destroyed", || {
            let totals = pool.stats();
            totals.destroyed == totals.retired && script.alive() == pool.status().size
        })
        .await;
        let audit = pool.audit();
        assert!(audit.balanced(), "{audit:?}");
        assert_eq!((audit.waiting, audit.creating), (0, 0), "{audit:?}");
    }
}

struct Report<T> {
    ended: Option<Result<T, Box<dyn Any + Send>>>,
    waker: Option<Waker>,
}

impl<T> Default for Report<T> {
    fn default() -> Self {
        Self {
            ended: None,
            waker: None,
        }
    }
}

/// What was spawned; awaited, it answers the result. Dropping it does not stop it.
pub(crate) struct Task<T>(Arc<Mutex<Report<T>>>);

impl<T> Task<T> {
    pub(crate) fn is_done(&self) -> bool {
        let report = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        report.ended.is_some()
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut report = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match report.ended.take() {
            Some(Ok(output)) => Poll::Ready(output),
            Some(Err(panic)) => {
                drop(report);
                resume_unwind(panic)
            }
            None => {
                report.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
