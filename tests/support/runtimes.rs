//! The harnesses: tokio, smol, plain threads, the blocking facade, and the runtime moved by hand.

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{AnyRuntime, Manual, Runtime, Threads};
use nebula_resource::{AsyncDriver, Pool, PoolConfig, sync};
use nebula_resource_core::{Job, park};
use nebula_resource_sync::BlockingDriver;

use super::harness::{Acquired, Harness};
use super::script::{Once, Script};

/// Runs `body` on its harness, to its end.
pub(crate) fn run<H: Harness, F: Future<Output = ()>>(body: impl FnOnce(H) -> F) {
    quiet::install();
    let harness = H::start();
    harness.block_on(body(harness.clone()));
}

/// Panics on command are many, and no news: a backtrace of each would cost more than the test.
mod quiet {
    use std::panic::{self, PanicHookInfo};
    use std::sync::Once;

    use super::super::panics::on_command;

    pub(super) fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let loud = panic::take_hook();
            panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
                if !on_command(info.payload()) {
                    loud(info);
                }
            }));
        });
    }
}

/// The body has a thread of its own everywhere but on [`OnManual`].
fn doze() {
    thread::sleep(Duration::from_millis(1));
}

fn build(
    runtime: Option<AnyRuntime>,
    hand: &Arc<ManualClock>,
    script: &Script,
    config: PoolConfig,
) -> Pool<Script> {
    let builder = Pool::builder(script.clone())
        .config(config)
        .observer(script.clone())
        .clock(Clock::manual(hand));
    let builder = match runtime {
        Some(runtime) => builder.runtime(runtime),
        None => builder,
    };
    let builder = match script.backend() {
        Some(backend) => builder.backend(backend),
        None => builder,
    };
    builder.build().expect("a valid configuration")
}

macro_rules! through_the_async_facade {
    () => {
        type Driver = AsyncDriver<Script>;
        type Pool = Pool<Script>;

        fn hand(&self) -> &Arc<ManualClock> {
            &self.hand
        }

        fn acquire(
            &self,
            pool: &Pool<Script>,
        ) -> impl Future<Output = Acquired<Self>> + Send + 'static {
            pool.acquire_owned()
        }
    };
}

/// On a tokio runtime, which the pool finds by itself.
#[cfg(feature = "tokio")]
#[derive(Clone)]
pub(crate) struct OnTokio {
    hand: Arc<ManualClock>,
    runtime: Arc<tokio::runtime::Runtime>,
}

#[cfg(feature = "tokio")]
impl Harness for OnTokio {
    through_the_async_facade!();

    fn start() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build();
        Self {
            hand: ManualClock::new(),
            runtime: Arc::new(runtime.expect("a tokio runtime")),
        }
    }

    fn pool(&self, script: &Script, config: PoolConfig) -> Pool<Script> {
        let _inside = self.runtime.enter();
        build(None, &self.hand, script, config)
    }

    fn spawn_job(&self, job: Job) {
        drop(self.runtime.spawn(job));
    }

    fn block_on(&self, body: impl Future<Output = ()>) {
        self.runtime.block_on(body);
    }

    async fn nap(&self) {
        doze();
    }
}

/// On smol's global executor.
#[cfg(feature = "smol")]
#[derive(Clone)]
pub(crate) struct OnSmol {
    hand: Arc<ManualClock>,
}

#[cfg(feature = "smol")]
impl Harness for OnSmol {
    through_the_async_facade!();

    fn start() -> Self {
        Self {
            hand: ManualClock::new(),
        }
    }

    fn pool(&self, script: &Script, config: PoolConfig) -> Pool<Script> {
        let smol = nebula_resource::runtime::Smol;
        build(Some(smol.into()), &self.hand, script, config)
    }

    fn spawn_job(&self, job: Job) {
        smol::spawn(job).detach();
    }

    fn block_on(&self, body: impl Future<Output = ()>) {
        smol::block_on(body);
    }

    async fn nap(&self) {
        doze();
    }
}

/// The async facade on helper threads, with a thread for every task.
#[derive(Clone)]
pub(crate) struct InThreads {
    hand: Arc<ManualClock>,
}

impl Harness for InThreads {
    through_the_async_facade!();

    fn start() -> Self {
        Self {
            hand: ManualClock::new(),
        }
    }

    fn pool(&self, script: &Script, config: PoolConfig) -> Pool<Script> {
        build(Some(Threads.into()), &self.hand, script, config)
    }

    fn spawn_job(&self, job: Job) {
        thread::spawn(|| park::block_on(job));
    }

    fn block_on(&self, body: impl Future<Output = ()>) {
        park::block_on(body);
    }

    async fn nap(&self) {
        doze();
    }
}

/// The blocking facade, with a thread for every task.
#[derive(Clone)]
pub(crate) struct OnBlocking {
    hand: Arc<ManualClock>,
}

impl Harness for OnBlocking {
    type Driver = BlockingDriver<Script>;
    type Pool = sync::Pool<Script>;

    fn start() -> Self {
        Self {
            hand: ManualClock::new(),
        }
    }

    fn hand(&self) -> &Arc<ManualClock> {
        &self.hand
    }

    fn pool(&self, script: &Script, config: PoolConfig) -> sync::Pool<Script> {
        let builder = sync::Pool::builder(script.clone())
            .config(config)
            .observer(script.clone())
            .clock(Clock::manual(&self.hand));
        let builder = match script.backend() {
            Some(backend) => builder.backend(backend),
            None => builder,
        };
        builder.build().expect("a valid configuration")
    }

    fn acquire(
        &self,
        pool: &sync::Pool<Script>,
    ) -> impl Future<Output = Acquired<Self>> + Send + 'static {
        let pool = pool.clone();
        async move { pool.acquire_owned() }
    }

    fn spawn_job(&self, job: Job) {
        thread::spawn(|| park::block_on(job));
    }

    fn block_on(&self, body: impl Future<Output = ()>) {
        park::block_on(body);
    }

    async fn nap(&self) {
        doze();
    }
}

/// The deterministic runtime: the same every time, and time is exact.
#[derive(Clone)]
pub(crate) struct OnManual {
    hand: Arc<ManualClock>,
    runtime: Manual,
}

impl OnManual {
    pub(crate) fn run_until_idle(&self) {
        self.runtime.run_until_idle();
    }
}

impl Harness for OnManual {
    through_the_async_facade!();

    const KEEPS_UP: bool = true;

    fn start() -> Self {
        let runtime = Manual::new();
        Self {
            hand: Arc::clone(runtime.manual_clock()),
            runtime,
        }
    }

    fn pool(&self, script: &Script, config: PoolConfig) -> Pool<Script> {
        build(
            Some(self.runtime.clone().into()),
            &self.hand,
            script,
            config,
        )
    }

    fn spawn_job(&self, job: Job) {
        assert!(self.runtime.spawn(job).is_ok());
    }

    fn block_on(&self, body: impl Future<Output = ()>) {
        self.runtime.run(body);
    }

    async fn nap(&self) {
        Once(false).await;
    }

    /// Stops at every alarm on the way, to let the tasks run.
    fn advance(&self, span: Duration) {
        self.runtime.advance(span);
    }
}
