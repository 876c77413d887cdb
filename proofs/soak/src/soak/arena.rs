//! One pool with what watches over it.
//!
//! Decides which pools there are: every facade on everything that can run its background, every
//! strategy, every policy. Knows nothing of who plays here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nebula_resource::engine::{CountedGuard, Driver, Pool};
use nebula_resource::runtime::{AnyRuntime, NoRuntime, Threads};
use nebula_resource::{
    AsyncDriver, Backend, Backoff, Blocking, Event, Fairness, Lendable, Observer, PoolConfig,
    Strategy, Totals, sync,
};

use nebula_resource_core::{Assemble, Builder};

use super::plan::{CEILING, MOST_CREATES, POLICIES, STRATEGIES};
use super::tally::Tally;
use super::toy::{Ledger, Toy};
use super::workshop::{Workshop, panic_as_planned};
use crate::dice::{Dice, Seed};

/// How long a patient caller waits; the watchdog bites long before.
pub(crate) const PATIENCE_OF_CALLERS: Duration = Duration::from_secs(600);

/// A pool of toys, whichever facade made it.
pub(crate) trait Play: Driver<Object: Sync> {
    fn toy(object: &Self::Object) -> &Toy;
    fn toy_mut(object: &mut Self::Object) -> &mut Toy;
    /// Whether a creation that is out of time is also over: not so when it blocks a thread.
    const CREATIONS_CAN_BE_CUT: bool;
}

impl Play for AsyncDriver<Workshop> {
    const CREATIONS_CAN_BE_CUT: bool = true;

    fn toy(object: &Toy) -> &Toy {
        object
    }

    fn toy_mut(object: &mut Toy) -> &mut Toy {
        object
    }
}

impl Play for AsyncDriver<Blocking<Workshop>> {
    const CREATIONS_CAN_BE_CUT: bool = false;

    fn toy(object: &Lendable<Toy>) -> &Toy {
        object
    }

    fn toy_mut(object: &mut Lendable<Toy>) -> &mut Toy {
        object
    }
}

impl Play for sync::BlockingDriver<Workshop> {
    const CREATIONS_CAN_BE_CUT: bool = false;

    fn toy(object: &Toy) -> &Toy {
        object
    }

    fn toy_mut(object: &mut Toy) -> &mut Toy {
        object
    }
}

/// Which facade, and what runs its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    Tokio,
    #[cfg(feature = "smol")]
    Smol,
    Threads,
    NoRuntime,
    BridgedTokio,
    BridgedThreads,
    Helpers,
    NoHelpers,
}

const GROUNDS: &[Ground] = &[
    Ground::Tokio,
    #[cfg(feature = "smol")]
    Ground::Smol,
    Ground::Threads,
    Ground::NoRuntime,
    Ground::BridgedTokio,
    Ground::BridgedThreads,
    Ground::Helpers,
    Ground::NoHelpers,
];

/// What a pool is made like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    pub(crate) ground: Ground,
    strategy: Strategy,
    fairness: Fairness,
}

impl Spec {
    /// Every combination there is, in an order of the seed's.
    pub(crate) fn all(seed: Seed) -> Vec<Self> {
        let mut all = Vec::new();
        for &ground in GROUNDS {
            for strategy in STRATEGIES {
                all.extend(POLICIES.map(|fairness| Self {
                    ground,
                    strategy,
                    fairness,
                }));
            }
        }
        seed.dice().shuffle(&mut all);
        all
    }

    pub(crate) fn name(&self, life: u64) -> String {
        let Self {
            ground,
            strategy,
            fairness,
        } = self;
        format!("pool {life} ({ground:?}, {strategy:?}, {fairness:?})")
    }

    pub(crate) fn config(&self, dice: &mut Dice) -> PoolConfig {
        let millis = Duration::from_millis;
        let often = dice.one_in(4);
        PoolConfig {
            max_size: 1 + dice.below(4),
            strategy: self.strategy,
            fairness: self.fairness,
            acquire_timeout: PATIENCE_OF_CALLERS,
            create_timeout: millis(30),
            validate_timeout: millis(30),
            recycle_timeout: millis(30),
            destroy_timeout: millis(30),
            validate_after: dice.choice(&[None, Some(Duration::ZERO), Some(millis(1))]),
            leak_after: dice.one_in(4).then_some(millis(1)),
            max_concurrent_creates: 1 + dice.below(MOST_CREATES),
            create_backoff: Backoff {
                first: millis(1),
                max: millis(16),
            },
            // A round repairs a lost wake-up before anybody has seen it: most pools do without.
            maintenance_every: if often { millis(10) } else { millis(3_600_000) },
            ..PoolConfig::default()
        }
    }
}

/// Hears everything, and sometimes has enough.
struct Nervous(Mutex<Dice>);

impl Observer for Nervous {
    fn observe(&self, event: &Event<'_>) {
        let enough = {
            let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            dice.one_in(16)
        };
        if enough {
            panic_as_planned();
        }
        drop(format!("{event:?}"));
    }
}

/// A pool, and what watches over it.
pub(crate) struct Arena<D: Play> {
    pub(crate) pool: Pool<D>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) tally: Arc<Tally>,
    /// What the books said when they were last looked at.
    pub(crate) last: Mutex<Totals>,
    /// Guards left for another thread to drop.
    drawer: Mutex<Vec<CountedGuard<D>>>,
}

impl<D: Play> Arena<D> {
    fn new(pool: Pool<D>, ledger: &Arc<Ledger>, tally: &Arc<Tally>) -> Arc<Self> {
        Arc::new(Self {
            pool,
            ledger: Arc::clone(ledger),
            tally: Arc::clone(tally),
            last: Mutex::default(),
            drawer: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn leave_in_drawer(&self, guard: CountedGuard<D>) {
        let mut drawer = self.drawer.lock().unwrap_or_else(PoisonError::into_inner);
        drawer.push(guard);
    }

    /// Drops the guards that were left; answers whether there were any.
    pub(crate) fn clear_drawer(&self) -> bool {
        let mut drawer = self.drawer.lock().unwrap_or_else(PoisonError::into_inner);
        let left = std::mem::take(&mut *drawer);
        drop(drawer);
        !left.is_empty()
    }
}

/// What is done with an arena, whatever its pool is made of.
pub(crate) trait Visit {
    fn visit<D: Play>(self, arena: Arc<Arena<D>>);
}

/// The most attempts at once that the backend in common allows.
pub(crate) const BACKEND_CREATES: usize = 2;

/// The backend that half of the pools have in common.
pub(crate) fn backend() -> Backend {
    let backoff = Backoff {
        first: Duration::from_millis(1),
        max: Duration::from_millis(8),
    };
    Backend::with_limits("in common", BACKEND_CREATES, backoff).expect("these limits are valid")
}

/// Makes the pool of `spec` and has it visited.
pub(crate) fn open(
    spec: Spec,
    seed: Seed,
    (tokio, backend): (&tokio::runtime::Handle, &Backend),
    (ledger, tally): (&Arc<Ledger>, &Arc<Tally>),
    visit: impl Visit,
) {
    let mut dice = seed.dice();
    let config = spec.config(&mut dice);
    let workshop = Workshop {
        ledger: Arc::clone(ledger),
        recycle_blocks: dice.one_in(2),
    };
    let backend = dice.one_in(2).then_some(backend);
    let observer = dice.one_in(3).then(|| Nervous(Mutex::new(dice)));
    let tokio = || nebula_resource::runtime::Tokio::from(tokio.clone());
    let site = Site {
        config,
        observer,
        backend,
        ledger,
        tally,
    };
    match spec.ground {
        Ground::Tokio => visit.visit(site.async_pool(workshop, tokio())),
        #[cfg(feature = "smol")]
        Ground::Smol => visit.visit(site.async_pool(workshop, nebula_resource::runtime::Smol)),
        Ground::Threads => visit.visit(site.async_pool(workshop, Threads)),
        Ground::NoRuntime => visit.visit(site.async_pool(workshop, NoRuntime)),
        Ground::BridgedTokio => visit.visit(site.async_pool(Blocking::new(workshop), tokio())),
        Ground::BridgedThreads => visit.visit(site.async_pool(Blocking::new(workshop), Threads)),
        Ground::Helpers => visit.visit(site.sync_pool(workshop, sync::Background::Helpers)),
        Ground::NoHelpers => visit.visit(site.sync_pool(workshop, sync::Background::Nothing)),
    }
}

struct Site<'s> {
    config: PoolConfig,
    observer: Option<Nervous>,
    backend: Option<&'s Backend>,
    ledger: &'s Arc<Ledger>,
    tally: &'s Arc<Tally>,
}

impl Site<'_> {
    /// What both facades' builders are told.
    fn prepare<A: Assemble>(&mut self, builder: Builder<A>) -> A::Pool {
        let mut builder = builder.config(self.config.clone()).ceiling(CEILING);
        if let Some(backend) = self.backend {
            builder = builder.backend(backend);
        }
        if let Some(observer) = self.observer.take() {
            builder = builder.observer(observer);
        }
        builder
            .build()
            .expect("the configurations of a soak are valid")
    }

    fn async_pool<F>(
        mut self,
        factory: F,
        runtime: impl Into<AnyRuntime>,
    ) -> Arc<Arena<AsyncDriver<F>>>
    where
        F: nebula_resource::Factory,
        AsyncDriver<F>: Play,
    {
        let builder = nebula_resource::Pool::builder(factory).runtime(runtime.into());
        let pool = self.prepare(builder);
        // The handle of the facade goes, its clone stays.
        Arena::new((*pool).clone(), self.ledger, self.tally)
    }

    fn sync_pool(
        mut self,
        factory: Workshop,
        background: sync::Background,
    ) -> Arc<Arena<sync::BlockingDriver<Workshop>>> {
        let pool = self.prepare(sync::Pool::builder(factory).runtime(background));
        Arena::new((*pool).clone(), self.ledger, self.tally)
    }
}
