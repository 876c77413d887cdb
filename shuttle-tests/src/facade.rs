//! The three ways to a pool: the async facade, a blocking factory under it, the blocking facade.
//!
//! Decides how each is built from a [`Setup`], and which of its doors a caller uses. Knows nothing of
//! what callers do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_async::runtime::{AnyRuntime, NoRuntime, Threads};
use nebula_resource_async::{AsyncDriver, Blocking};
use nebula_resource_core::clock::{Clock, ManualClock};
use nebula_resource_core::{
    AcquireError, Assemble, Backoff, BorrowedGuard, Builder, Driver, Fairness, Pool, PoolConfig,
    Strategy,
};
use nebula_resource_sync::{Background, BlockingDriver};

use crate::explore::{one_in, pick};
use crate::factory::{Listener, Maker, Script};
use crate::runtime::Tasks;
use crate::thing::Payload;

/// What every acquire gives.
pub(crate) type Result<T> = std::result::Result<T, AcquireError>;

/// What a pool is built from; most of it drawn.
#[derive(Debug)]
pub struct Setup {
    /// The configuration.
    pub config: PoolConfig,
    /// Runs jobs, where there is a background.
    pub tasks: Tasks,
    /// Whether there is one.
    pub background: bool,
    /// What the factory does.
    pub script: Arc<Script>,
    /// The clock.
    pub hand: Arc<ManualClock>,
}

/// A configuration drawn from the schedule: any strategy, either fairness, bounds of one second.
///
/// Whoever names no deadline waits for a day, longer than any scenario moves the clock: a lost
/// wake-up is a deadlock, not a timeout.
pub(crate) fn drawn_config(max_size: usize) -> PoolConfig {
    let strategies = [
        Strategy::Affine,
        Strategy::Lifo,
        Strategy::Fifo,
        Strategy::Lru,
    ];
    let second = Duration::from_secs(1);
    PoolConfig {
        max_size,
        strategy: pick(&strategies),
        fairness: pick(&[Fairness::Bounded, Fairness::Strict]),
        acquire_timeout: 86_400 * second,
        create_timeout: second,
        validate_timeout: second,
        recycle_timeout: second,
        destroy_timeout: second,
        create_backoff: Backoff {
            first: second / 10,
            max: second,
        },
        max_concurrent_creates: pick(&[1, 2, 4]),
        validate_after: pick(&[None, Some(Duration::ZERO), Some(second / 2)]),
        max_uses: pick(&[None, None, Some(2)]),
        ..PoolConfig::default()
    }
}

/// A pool of things, by whichever facade.
pub trait Facade: Clone + Send + Sync + 'static {
    /// Its driver.
    type Driver: Driver<Object: Payload>;

    /// Whether a callback that hangs may keep an object when the pool has written it off.
    const LENDS_UNSEEN: bool = false;

    /// Whether recycling an object may take its caller a while.
    const RECYCLES_ELSEWHERE: bool = true;

    /// Builds it.
    fn build(setup: &Setup) -> Self;

    /// What both facades deref to.
    fn core(&self) -> &Pool<Self::Driver>;

    /// Awaits an object, by the facade's own door where it has one.
    fn acquire(
        &self,
        within: Option<Duration>,
    ) -> impl Future<Output = Result<BorrowedGuard<'_, Self::Driver>>> + Send {
        let pool = self.core();
        async move {
            match within {
                None => pool.acquire_async().await,
                Some(span) => pool.acquire_async_timeout(span).await,
            }
        }
    }

    /// Blocks for an object, by the facade's own door where it has one.
    fn acquire_blocking(
        &self,
        within: Option<Duration>,
    ) -> Result<BorrowedGuard<'_, Self::Driver>> {
        match within {
            None => self.core().acquire_blocking(),
            Some(span) => self.core().acquire_blocking_timeout(span),
        }
    }
}

fn furnished<A: Assemble>(builder: Builder<A>, setup: &Setup) -> A::Pool {
    let mut builder = builder
        .config(setup.config.clone())
        .ceiling(8)
        .clock(Clock::manual(&setup.hand));
    if one_in(2) {
        builder = builder.observer(Listener(Arc::clone(&setup.script)));
    }
    builder.build().expect("a valid configuration")
}

fn maker(setup: &Setup) -> Maker {
    Maker(Arc::clone(&setup.script))
}

/// The async facade.
pub type OnAsync = nebula_resource_async::Pool<Maker>;

impl Facade for OnAsync {
    type Driver = AsyncDriver<Maker>;

    const RECYCLES_ELSEWHERE: bool = false;

    fn build(setup: &Setup) -> Self {
        let runtime: AnyRuntime = match setup.background {
            true => setup.tasks.clone().into(),
            false => NoRuntime.into(),
        };
        furnished(Self::builder(maker(setup)).runtime(runtime), setup)
    }

    fn core(&self) -> &Pool<Self::Driver> {
        self
    }

    async fn acquire(&self, within: Option<Duration>) -> Result<BorrowedGuard<'_, Self::Driver>> {
        match within {
            None => Self::acquire(self).await,
            Some(span) => self.acquire_timeout(span).await,
        }
    }
}

/// A blocking factory under the async facade, on helper threads.
pub type Bridged = nebula_resource_async::Pool<Blocking<Maker>>;

impl Facade for Bridged {
    type Driver = AsyncDriver<Blocking<Maker>>;

    const LENDS_UNSEEN: bool = true;

    fn build(setup: &Setup) -> Self {
        let runtime: AnyRuntime = match setup.background {
            true => Threads.into(),
            false => NoRuntime.into(),
        };
        let factory = Blocking::new(maker(setup));
        furnished(Self::builder(factory).runtime(runtime), setup)
    }

    fn core(&self) -> &Pool<Self::Driver> {
        self
    }
}

/// The blocking facade.
pub type OnSync = nebula_resource_sync::Pool<Maker>;

impl Facade for OnSync {
    type Driver = BlockingDriver<Maker>;

    fn build(setup: &Setup) -> Self {
        let background = match setup.background {
            true => Background::Helpers,
            false => Background::Nothing,
        };
        furnished(Self::builder(maker(setup)).runtime(background), setup)
    }

    fn core(&self) -> &Pool<Self::Driver> {
        self
    }

    fn acquire_blocking(
        &self,
        within: Option<Duration>,
    ) -> Result<BorrowedGuard<'_, Self::Driver>> {
        match within {
            None => Self::acquire(self),
            Some(span) => self.acquire_timeout(span),
        }
    }
}
