//! The pool under test and every door to it, driven by one thread with time moved by hand.
//!
//! Decides when time moves on within an operation: only if nothing else can. Knows nothing of what
//! should come out.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{Manual, NoRuntime};
use nebula_resource::{AcquireError, Pool, PoolConfig, sync};
use nebula_resource_core::{BorrowedGuard, CountedGuard, Driver};

use crate::factory::{Books, Thing};

/// Through which door an acquire comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Async,
    AsyncTimeout,
    AsyncDeadline,
    AsyncOwned,
    AsyncMany,
    Blocking,
    BlockingTimeout,
    BlockingDeadline,
    BlockingOwned,
    BlockingMany,
}

impl Door {
    pub(crate) const ALL: [Self; 10] = [
        Self::Async,
        Self::AsyncTimeout,
        Self::AsyncDeadline,
        Self::AsyncOwned,
        Self::AsyncMany,
        Self::Blocking,
        Self::BlockingTimeout,
        Self::BlockingDeadline,
        Self::BlockingOwned,
        Self::BlockingMany,
    ];

    /// How many objects are asked for.
    pub(crate) const fn wants(self) -> usize {
        match self {
            Self::AsyncMany | Self::BlockingMany => 2,
            _ => 1,
        }
    }

    /// The door that does the same without blocking the thread that everything runs on.
    pub(crate) const fn without_blocking(self) -> Self {
        match self {
            Self::Blocking => Self::Async,
            Self::BlockingTimeout => Self::AsyncTimeout,
            Self::BlockingDeadline => Self::AsyncDeadline,
            Self::BlockingOwned => Self::AsyncOwned,
            Self::BlockingMany => Self::AsyncMany,
            other => other,
        }
    }
}

/// What an object is held by.
pub(crate) enum Guard<D: Driver<Object = Thing>> {
    Borrowed(BorrowedGuard<'static, D>),
    Owned(CountedGuard<D>),
}

macro_rules! either {
    ($this:expr, $guard:ident => $what:expr) => {
        match $this {
            Guard::Borrowed($guard) => $what,
            Guard::Owned($guard) => $what,
        }
    };
}

type Acquired<D> = Result<Vec<Guard<D>>, AcquireError>;

pub(crate) struct World<D: Driver<Object = Thing>> {
    pub(crate) pool: &'static nebula_resource_core::Pool<D>,
    pub(crate) books: Books,
    clock: Arc<ManualClock>,
    runtime: Option<Manual>,
    /// Callbacks run on helper threads.
    pub(crate) helped: bool,
    /// Milliseconds since the beginning.
    pub(crate) now: u64,
}

/// The async facade on a runtime that does nothing by itself.
pub(crate) fn on_manual(config: PoolConfig) -> World<impl Driver<Object = Thing>> {
    let (books, runtime) = (Books::new(), Manual::new());
    let builder = Pool::builder(books.clone()).runtime(runtime.clone());
    let pool = Box::leak(Box::new(builder.config(config).build().unwrap()));
    let clock = Arc::clone(runtime.manual_clock());
    World::new(pool, books, clock, Some(runtime))
}

/// The async facade with no runtime: callers do the pool's work.
pub(crate) fn on_nothing(config: PoolConfig) -> World<impl Driver<Object = Thing>> {
    let (books, clock) = (Books::new(), ManualClock::new());
    let builder = Pool::builder(books.clone()).runtime(NoRuntime);
    let builder = builder.clock(Clock::manual(&clock)).config(config);
    let pool = Box::leak(Box::new(builder.build().unwrap()));
    World::new(pool, books, clock, None)
}

/// The blocking facade; its factory runs on helper threads.
pub(crate) fn blocking(config: PoolConfig) -> World<impl Driver<Object = Thing>> {
    let (books, clock) = (Books::new(), ManualClock::new());
    let builder = sync::Pool::builder(books.clone()).runtime(sync::Background::Nothing);
    let builder = builder.clock(Clock::manual(&clock)).config(config);
    let pool = Box::leak(Box::new(builder.build().unwrap()));
    let mut world = World::new(&**pool, books, clock, None);
    world.helped = true;
    world
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<D: Driver<Object = Thing>> World<D> {
    fn new(
        pool: &'static nebula_resource_core::Pool<D>,
        books: Books,
        clock: Arc<ManualClock>,
        runtime: Option<Manual>,
    ) -> Self {
        Self {
            pool,
            books,
            clock,
            runtime,
            helped: false,
            now: 0,
        }
    }

    /// Whether anything is done in the background.
    pub(crate) const fn has_runtime(&self) -> bool {
        self.runtime.is_some()
    }

    pub(crate) fn advance(&mut self, millis: u64) {
        self.now += millis;
        let span = Duration::from_millis(millis);
        match &self.runtime {
            Some(runtime) => runtime.advance(span),
            None => self.clock.advance(span),
        }
    }

    fn is_quiet(&self) -> bool {
        if let Some(runtime) = &self.runtime {
            runtime.run_until_idle();
        }
        let status = self.pool.status();
        status.creating == 0 && status.checking == 0
    }

    /// Until helpers and jobs are done.
    pub(crate) fn settle(&self) {
        let quiet = (0..10_000_000).any(|_| {
            std::thread::yield_now();
            self.is_quiet()
        });
        assert!(quiet, "never settles: {:?}", self.pool.status());
    }

    /// Runs `future` to its end. Where it waits for nothing but time (a backoff), time moves on, a
    /// millisecond each.
    pub(crate) fn finish<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        for _ in 0..10_000_000 {
            if woken.0.swap(false, Ordering::SeqCst) {
                let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
                if let Poll::Ready(output) = polled {
                    return output;
                }
            } else if self.is_quiet() && !woken.0.load(Ordering::SeqCst) {
                self.advance(1);
            }
            std::thread::yield_now();
        }
        panic!("never ends: {:?}", self.pool.status());
    }

    pub(crate) fn acquire(&mut self, door: Door) -> Acquired<D> {
        let (pool, long) = (self.pool, Duration::from_secs(25));
        let deadline = || Instant::now() + long;
        let one = |guard| vec![Guard::Borrowed(guard)];
        let own = |guard| vec![Guard::Owned(guard)];
        let all = |guards: Vec<_>| guards.into_iter().map(Guard::Borrowed).collect();
        match door {
            Door::Async => self.finish(pool.acquire_async()).map(one),
            Door::AsyncTimeout => self.finish(pool.acquire_async_timeout(long)).map(one),
            Door::AsyncDeadline => self
                .finish(pool.acquire_async_deadline(deadline()))
                .map(one),
            Door::AsyncOwned => self.finish(pool.acquire_async_owned()).map(own),
            Door::AsyncMany => self.finish(pool.acquire_async_many(2)).map(all),
            Door::Blocking => pool.acquire_blocking().map(one),
            Door::BlockingTimeout => pool.acquire_blocking_timeout(long).map(one),
            Door::BlockingDeadline => pool.acquire_blocking_deadline(deadline()).map(one),
            Door::BlockingOwned => pool.acquire_blocking_owned().map(own),
            Door::BlockingMany => pool.acquire_blocking_many(2).map(all),
        }
    }

    pub(crate) fn try_acquire(&self, owned: bool) -> Option<Guard<D>> {
        if owned {
            self.pool.try_acquire_owned().map(Guard::Owned)
        } else {
            self.pool.try_acquire().map(Guard::Borrowed)
        }
    }

    pub(crate) fn release(&mut self, guard: Guard<D>, how: Release) {
        match how {
            Release::Drop => drop(guard),
            Release::Await => either!(guard, guard => self.finish(guard.release())),
            // Its callback may have to be run by nobody but this thread.
            Release::Blocking if !self.has_runtime() => {
                either!(guard, guard => guard.release_blocking());
            }
            Release::Blocking => either!(guard, guard => self.finish(guard.release())),
        }
    }
}

/// How a guard is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    Drop,
    Await,
    Blocking,
}

impl<D: Driver<Object = Thing>> Guard<D> {
    pub(crate) fn thing(&mut self) -> &mut Thing {
        either!(self, guard => &mut **guard)
    }

    pub(crate) fn info(&self) -> nebula_resource_core::ObjectInfo {
        either!(self, guard => guard.info())
    }

    pub(crate) fn held_for(&self) -> Duration {
        either!(self, guard => guard.held_for())
    }

    pub(crate) fn discard(self) {
        either!(self, guard => guard.discard());
    }

    pub(crate) fn detach(self) -> Thing {
        either!(self, guard => guard.detach())
    }
}
