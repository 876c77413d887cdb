//! The pool under test, with the acquires that are under way, driven by one thread.
//!
//! Decides when a waiter is polled. Knows nothing of what should come out.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::config::Backoff;
use nebula_resource::runtime::{Manual, NoRuntime};
use nebula_resource::{
    AcquireError, BlockingFactory, Factory, Pool, PoolConfig, RetireReason, Strategy, sync,
};
use nebula_resource_core::{BorrowedGuard, Driver};

use crate::model::TIMEOUT;

/// What the pools are made of, and what the test knows about it.
#[derive(Default)]
pub(crate) struct Backend {
    made: AtomicU64,
    pub(crate) destroyed: AtomicU64,
    pub(crate) refusing: AtomicBool,
}

pub(crate) struct Numbers(Arc<Backend>);

impl Numbers {
    fn make(&self) -> Result<u64, String> {
        if self.0.refusing.load(SeqCst) {
            return Err("refused".into());
        }
        Ok(self.0.made.fetch_add(1, SeqCst) + 1)
    }
}

impl Factory for Numbers {
    type Object = u64;
    type Error = String;

    async fn create(&self) -> Result<u64, String> {
        self.make()
    }

    async fn destroy(&self, _: u64, _: RetireReason) {
        self.0.destroyed.fetch_add(1, SeqCst);
    }
}

impl BlockingFactory for Numbers {
    type Object = u64;
    type Error = String;

    fn create(&self) -> Result<u64, String> {
        self.make()
    }

    fn destroy(&self, _: u64, _: RetireReason) {
        self.0.destroyed.fetch_add(1, SeqCst);
    }
}

pub(crate) struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// How long an acquire may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    Usual,
    /// So many seconds.
    Within(u64),
    /// The same, as a moment.
    Until(u64),
}

impl Patience {
    pub(crate) const fn span(self) -> Duration {
        match self {
            Self::Usual => TIMEOUT,
            Self::Within(seconds) | Self::Until(seconds) => Duration::from_secs(seconds),
        }
    }
}

type Work = Pin<Box<dyn Future<Output = ()>>>;
type Guard<D> = BorrowedGuard<'static, D>;
type Acquired<D> = Result<Vec<Guard<D>>, AcquireError>;

struct Pending<D: Driver> {
    key: usize,
    future: Pin<Box<dyn Future<Output = Acquired<D>>>>,
    woken: Arc<Woken>,
}

pub(crate) struct World<D: Driver<Object = u64>> {
    pub(crate) pool: &'static nebula_resource_core::Pool<D>,
    pub(crate) backend: Arc<Backend>,
    clock: Arc<ManualClock>,
    runtime: Option<Manual>,
    pub(crate) guards: Vec<Guard<D>>,
    pending: Vec<Pending<D>>,
    /// Releases and rounds that somebody awaits.
    works: Vec<Work>,
    pub(crate) ended: BTreeMap<usize, Acquired<D>>,
}

/// Nothing expires: what time does to objects is another file's question.
pub(crate) fn config(max_size: usize, strategy: Strategy) -> PoolConfig {
    PoolConfig {
        max_size,
        strategy,
        acquire_timeout: TIMEOUT,
        idle_timeout: None,
        max_lifetime: None,
        validate_after: None,
        create_backoff: Backoff {
            first: Duration::from_millis(400),
            max: Duration::from_secs(20),
        },
        ..PoolConfig::default()
    }
}

/// The async facade on a runtime that does nothing by itself.
pub(crate) fn on_manual(config: PoolConfig) -> World<impl Driver<Object = u64>> {
    let (backend, runtime) = (Arc::new(Backend::default()), Manual::new());
    let builder = Pool::builder(Numbers(Arc::clone(&backend))).runtime(runtime.clone());
    // Never dropped, so that guards and futures can borrow it from one operation to the next.
    let pool = Box::leak(Box::new(builder.config(config).build().unwrap()));
    let clock = Arc::clone(runtime.manual_clock());
    World::new(pool, backend, clock, Some(runtime))
}

/// The async facade with no runtime: whoever needs an object makes it.
pub(crate) fn on_nothing(config: PoolConfig) -> World<impl Driver<Object = u64>> {
    let (backend, clock) = (Arc::new(Backend::default()), ManualClock::new());
    let builder = Pool::builder(Numbers(Arc::clone(&backend))).runtime(NoRuntime);
    let builder = builder.clock(Clock::manual(&clock)).config(config);
    let pool = Box::leak(Box::new(builder.build().unwrap()));
    World::new(pool, backend, clock, None)
}

/// The blocking facade: callers wait through its async door, so that one thread can be many of
/// them; its factory runs on helper threads, which `settle` waits for.
pub(crate) fn blocking(config: PoolConfig) -> World<impl Driver<Object = u64>> {
    let (backend, clock) = (Arc::new(Backend::default()), ManualClock::new());
    let builder = sync::Pool::builder(Numbers(Arc::clone(&backend)));
    let builder = builder.runtime(sync::Background::Nothing);
    let builder = builder.clock(Clock::manual(&clock)).config(config);
    let pool = Box::leak(Box::new(builder.build().unwrap()));
    World::new(pool, backend, clock, None)
}

impl<D: Driver<Object = u64>> World<D> {
    fn new(
        pool: &'static nebula_resource_core::Pool<D>,
        backend: Arc<Backend>,
        clock: Arc<ManualClock>,
        runtime: Option<Manual>,
    ) -> Self {
        Self {
            pool,
            backend,
            clock,
            runtime,
            guards: Vec::new(),
            pending: Vec::new(),
            works: Vec::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Begins an acquire: its future is polled once, as a task would.
    pub(crate) fn acquire(&mut self, key: usize, wants: usize, patience: Patience) {
        let (pool, span) = (self.pool, patience.span());
        let one = |guard| vec![guard];
        let future: Pin<Box<dyn Future<Output = Acquired<D>>>> = match patience {
            Patience::Usual if wants > 1 => Box::pin(pool.acquire_async_many(wants)),
            Patience::Usual => Box::pin(async move { pool.acquire_async().await.map(one) }),
            Patience::Within(_) => {
                Box::pin(async move { pool.acquire_async_timeout(span).await.map(one) })
            }
            Patience::Until(_) => {
                let acquire = pool.acquire_async_deadline(Instant::now() + span);
                Box::pin(async move { acquire.await.map(one) })
            }
        };
        self.pending.push(Pending {
            key,
            future,
            woken: Arc::new(Woken(AtomicBool::new(true))),
        });
        self.poll(self.pending.len() - 1);
    }

    /// Keys of the acquires under way.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        self.pending.iter().map(|pending| pending.key).collect()
    }

    pub(crate) fn cancel(&mut self, key: usize) {
        self.pending.retain(|pending| pending.key != key);
    }

    /// Polls one waiter if it was woken; answers whether it was.
    pub(crate) fn poll(&mut self, index: usize) -> bool {
        let pending = &mut self.pending[index];
        if !pending.woken.0.swap(false, SeqCst) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&pending.woken));
        let polled = pending
            .future
            .as_mut()
            .poll(&mut Context::from_waker(&waker));
        if let Poll::Ready(ended) = polled {
            let key = self.pending.remove(index).key;
            self.ended.insert(key, ended);
        }
        true
    }

    /// Begins something that goes on until it is done.
    pub(crate) fn work(&mut self, work: impl Future<Output = ()> + 'static) {
        self.works.push(Box::pin(work));
        self.go_on_working();
    }

    fn go_on_working(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.works
            .retain_mut(|work| work.as_mut().poll(&mut cx).is_pending());
    }

    pub(crate) fn run_jobs(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.run_until_idle();
        }
    }

    /// Until nothing can go on without another operation.
    pub(crate) fn settle(&mut self) {
        let mut rounds = 0;
        loop {
            self.run_jobs();
            self.go_on_working();
            // From the last, so that one that ends moves none that is still to be looked at; twice
            // over, nobody depends on the order.
            let before = self.pending.len();
            let polled = (0..before).rev().filter(|index| self.poll(*index)).count();
            let status = self.pool.status();
            let at_rest = polled == 0 && self.works.is_empty();
            if at_rest && status.creating == 0 && status.checking == 0 {
                return;
            }
            // Helper threads are at work, or a waiter spins: far more rounds than either needs.
            std::thread::yield_now();
            rounds += 1;
            assert!(rounds < 10_000_000, "never settles: {status:?}");
        }
    }

    pub(crate) fn advance(&self, span: Duration) {
        match &self.runtime {
            Some(runtime) => runtime.advance(span),
            None => self.clock.advance(span),
        }
    }
}
