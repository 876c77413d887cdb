//! One round: a pool, its callers, and what they saw.
//!
//! Decides how the pool is made and what it may be expected to keep. Knows nothing of checking.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::time::Duration;

use fastrand::Rng;
use nebula_resource::runtime::NoRuntime;
use nebula_resource::{BlockingFactory, Factory, Fairness, Pool, PoolConfig, Strategy, sync};
use nebula_resource_core::{Driver, park};
use nebula_resource_histories::{History, Recorder, Spec};
use tokio::runtime::Runtime;

use crate::program::{Actor, Mix, program};
use crate::subject::{Lie, Subject};

/// Numbers, from 1.
#[derive(Default)]
pub(crate) struct Numbers(AtomicU64);

impl Factory for Numbers {
    type Object = u64;
    type Error = String;

    async fn create(&self) -> Result<u64, String> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl BlockingFactory for Numbers {
    type Object = u64;
    type Error = String;

    fn create(&self) -> Result<u64, String> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// How a round is set up.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) seed: u64,
    pub(crate) mix: Mix,
    pub(crate) limit: usize,
    pub(crate) strategy: Strategy,
    pub(crate) fairness: Fairness,
    /// Callers that are threads, and callers that are tasks.
    pub(crate) callers: (usize, usize),
}

impl Round {
    /// The `number`th: every strategy with every fairness in turn, the rest by the seed.
    pub(crate) fn new(number: u64, callers: &[(usize, usize)]) -> Self {
        let seed = asked("NEBULA_SEED", 1) * 1_000_000 + number;
        let mut rng = Rng::with_seed(seed);
        let strategies = [
            Strategy::Fifo,
            Strategy::Lifo,
            Strategy::Affine,
            Strategy::Lru,
        ];
        let (strategy, policy) = (number as usize % 4, number as usize / 4 % 2);
        Self {
            seed,
            mix: Mix {
                discards: rng.bool(),
                resizes: rng.bool(),
                owners: rng.bool(),
            },
            limit: rng.usize(1..4),
            strategy: strategies[strategy],
            fairness: [Fairness::Bounded, Fairness::Strict][policy],
            callers: callers[rng.usize(..callers.len())],
        }
    }

    pub(crate) fn config(&self) -> PoolConfig {
        PoolConfig {
            max_size: self.limit,
            strategy: self.strategy,
            fairness: self.fairness,
            max_concurrent_creates: 2,
            validate_after: None,
            idle_timeout: None,
            max_lifetime: None,
            maintenance_every: Duration::from_secs(3600),
            ..PoolConfig::default()
        }
    }

    pub(crate) fn spec(&self, side: Side) -> Spec {
        Spec {
            creates_at_once: 2,
            // On helper threads; one that was discarded has the others suspected.
            checks_wait: side == Side::Blocking && self.mix.discards,
            rounds: side != Side::Bare && self.mix.resizes,
            ..Spec::new(self.limit)
        }
    }

    pub(crate) fn play<D: Driver<Object = u64>>(
        &self,
        pool: nebula_resource_core::Pool<D>,
        lie: Lie,
    ) -> History {
        let recorder = Recorder::new();
        let subject = Arc::new(Subject::new(pool, lie));
        let mut rng = Rng::with_seed(self.seed);
        let mut actor = |blocks| Actor {
            subject: Arc::clone(&subject),
            log: recorder.log(),
            steps: program(self.mix, &mut rng),
            blocks,
            rng: rng.fork(),
            holding: Vec::new(),
        };
        let (threads, tasks) = self.callers;
        let threads: Vec<_> = (0..threads).map(|_| actor(true)).collect();
        let tasks: Vec<_> = (0..tasks).map(|_| actor(false)).collect();
        let start = Barrier::new(threads.len() + 1);
        std::thread::scope(|scope| {
            for actor in threads {
                scope.spawn(|| {
                    start.wait();
                    park::block_on(actor.play());
                });
            }
            start.wait();
            let tasks: Vec<_> = tasks
                .into_iter()
                .map(|actor| runtime().spawn(actor.play()))
                .collect();
            for task in tasks {
                park::block_on(task).unwrap();
            }
        });
        recorder.history()
    }
}

/// Where the pool's own work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// On tokio, by tasks.
    Async,
    /// By callers, as there is nobody else.
    Bare,
    /// On helper threads.
    Blocking,
}

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().unwrap()
    })
}

pub(crate) fn asked(variable: &str, usual: u64) -> u64 {
    let asked = std::env::var(variable).ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(usual)
}

pub(crate) fn played(round: &Round, side: Side, lie: Lie) -> History {
    let _inside = runtime().enter();
    let builder = Pool::builder(Numbers::default()).config(round.config());
    match side {
        Side::Async => round.play((*builder.build().unwrap()).clone(), lie),
        Side::Bare => round.play((*builder.runtime(NoRuntime).build().unwrap()).clone(), lie),
        Side::Blocking => {
            let builder = sync::Pool::builder(Numbers::default()).config(round.config());
            round.play((*builder.build().unwrap()).clone(), lie)
        }
    }
}
