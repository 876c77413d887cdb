//! One pool in the storm, with those who use it.
//!
//! Decides who is there, and what must be true of the pool when they have gone. Knows nothing of how
//! long a storm lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use nebula_resource::engine::{Driver, Pool};
use nebula_resource::runtime::{AnyRuntime, NoRuntime, Threads};
use nebula_resource::{Fairness, PoolConfig, RetireReason, Strategy, Totals, sync};

use super::Sky;
use super::caller::{
    Counts, Wet, cancel_again_and_again, hog_again_and_again, time_out_again_and_again,
    wait_again_and_again,
};
use super::drops::{Count, Drops};
use super::duel::duel;
use crate::dice::Seed;

/// Who uses a pool, each with counts of its own.
pub(crate) const CALLERS: [&str; 8] = [
    "tokio task",
    "smol task",
    "polling thread",
    "patient smol task",
    "blocking thread",
    "blocking thread",
    "hogging thread",
    "duelling threads",
];
const PATIENT: usize = 3;
const THREADS: std::ops::RangeInclusive<usize> = 4..=7;
const HOG: usize = 6;
const DUEL: usize = 7;

/// A pool in the storm.
pub(crate) struct Cloud<D: Driver> {
    name: &'static str,
    pool: Pool<D>,
    /// Another one like it, with a single object, for those who fight over that.
    duel: Pool<D>,
    count: Arc<Count>,
    counts: [Counts; CALLERS.len()],
}

/// What the storm does with its clouds, whatever they are made of.
pub(crate) trait Storming: Send + Sync {
    fn name(&self) -> &'static str;
    fn counts(&self) -> &[Counts; CALLERS.len()];
    /// Has everybody begin; each drops its `done` at the end.
    fn begin(self: Arc<Self>, sky: &Sky, seed: Seed, done: &mpsc::Sender<()>);
    /// With everybody gone: what is wrong, if anything is.
    fn fault(&self) -> Option<String>;
    /// Whether every object and every permit can still be had.
    fn all_there(&self, patience: Duration) -> Result<(), String>;
}

impl<D: Wet> Storming for Cloud<D> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn counts(&self) -> &[Counts; CALLERS.len()] {
        &self.counts
    }

    fn begin(self: Arc<Self>, sky: &Sky, seed: Seed, done: &mpsc::Sender<()>) {
        let caller = |number: usize| {
            let (cloud, stop, done) = (Arc::clone(&self), Arc::clone(&sky.stop), done.clone());
            async move {
                let dice = seed.part(number as u64).dice();
                let Self { pool, counts, .. } = &*cloud;
                match number {
                    PATIENT => wait_again_and_again(pool, &counts[PATIENT], &stop).await,
                    _ => cancel_again_and_again(pool, dice, &counts[number], &stop).await,
                }
                drop(cloud);
                drop(done);
            }
        };
        drop(sky.tokio.spawn(caller(0)));
        sky.smol.spawn(caller(1)).detach();
        let polling = caller(2);
        thread::spawn(|| block_on(polling));
        sky.smol.spawn(caller(PATIENT)).detach();
        for number in THREADS {
            let (cloud, stop, done) = (Arc::clone(&self), Arc::clone(&sky.stop), done.clone());
            let dice = seed.part(number as u64).dice();
            thread::spawn(move || {
                let Self { pool, counts, .. } = &*cloud;
                match number {
                    DUEL => duel(&cloud.duel, dice, &counts[DUEL], &stop),
                    HOG => hog_again_and_again(pool, dice, &counts[HOG], &stop),
                    _ => time_out_again_and_again(pool, dice, &counts[number], &stop),
                }
                drop(cloud);
                drop(done);
            });
        }
    }

    fn fault(&self) -> Option<String> {
        let pools = [&self.pool, &self.duel];
        let lost = pools.into_iter().find_map(lost);
        let what = lost.or_else(|| self.miscounted())?;
        let audits = pools.map(|pool| format!("{:?} {:?}", pool.audit(), pool.stats()));
        Some(format!("{}: {what}\n  {}", self.name, audits.join("\n  ")))
    }

    fn all_there(&self, patience: Duration) -> Result<(), String> {
        for pool in [&self.pool, &self.duel] {
            let all = pool.config().max_size;
            let config = pool.reconfigure(|config| config.acquire_timeout = patience);
            config.map_err(|error| error.to_string())?;
            let guards = pool.acquire_blocking_many(all);
            let guards = guards.map_err(|error| format!("{}: {error}", self.name))?;
            let in_use = pool.status().in_use;
            if (in_use, guards.len()) != (all, all) {
                return Err(format!("{}: {in_use} of {all} in use", self.name));
            }
        }
        Ok(())
    }
}

/// With everybody gone: what the pool has lost.
fn lost<D: Driver>(pool: &Pool<D>) -> Option<&'static str> {
    if !pool.shared().driver().can_spawn() {
        block_on(pool.run_maintenance());
    }
    let audit = pool.audit();
    let claims = [
        (audit.balanced(), "the audit does not balance"),
        (audit.out == 0, "a guard is out"),
        (audit.checking == 0, "an object is being looked at"),
        (audit.creating == 0, "a creation is under way"),
        (audit.permits == audit.idle, "a permit is missing"),
        (audit.waiting == 0, "somebody waits"),
    ];
    let broken = claims.into_iter().find(|(holds, _)| !holds);
    broken.map(|(_, what)| what)
}

impl<D: Wet> Cloud<D> {
    /// What callers and pools count differently.
    fn miscounted(&self) -> Option<&'static str> {
        let sum = |of: fn(&Counts) -> &AtomicU64| {
            let counts = self.counts.iter().map(of);
            counts
                .map(|count| count.load(Ordering::Relaxed))
                .sum::<u64>()
        };
        let dropped = sum(|counts| &counts.dropped) + sum(|counts| &counts.dropped_woken);
        let stats = [self.pool.stats(), self.duel.stats()];
        let told = |of: fn(&Totals) -> u64| stats.iter().map(of).sum::<u64>();
        let cancelled = told(|stats| stats.cancelled);
        let abandoned = told(|stats| stats.retired_for(RetireReason::Abandoned));
        let idle = self.pool.audit().idle + self.duel.audit().idle;
        let claims = [
            (
                self.count.alive() == idle as u64,
                "the factory misses objects, or has more",
            ),
            (
                self.count.shared.load(Ordering::Relaxed) == 0,
                "two had the same object",
            ),
            (
                // Dropped in line, or while an object was validated for it, which costs the object.
                (cancelled..=cancelled + abandoned).contains(&dropped),
                "the pools count other cancellations than the callers",
            ),
            (
                told(|stats| stats.timed_out) == sum(|counts| &counts.timed_out),
                "the pools count other timeouts than the callers",
            ),
            (
                sum(|counts| &counts.failed) == 0,
                "an acquire failed for another reason",
            ),
        ];
        let broken = claims.into_iter().find(|(holds, _)| !holds);
        broken.map(|(_, what)| what)
    }
}

/// Every facade on everything that runs its background, and every strategy and policy at least once.
pub(crate) fn clouds(tokio: &tokio::runtime::Handle) -> Vec<Arc<dyn Storming>> {
    use Fairness::{Bounded, Strict};
    let tokio = nebula_resource::runtime::Tokio::from(tokio.clone());
    let helpers = sync::Background::Helpers;
    vec![
        on_runtime("async, tokio", tokio.clone(), Strategy::Affine, Bounded),
        on_runtime("async, tokio, strict", tokio, Strategy::Fifo, Strict),
        #[cfg(feature = "smol")]
        on_runtime(
            "async, smol",
            nebula_resource::runtime::Smol,
            Strategy::Lifo,
            Bounded,
        ),
        on_runtime("async, threads, strict", Threads, Strategy::Affine, Strict),
        on_runtime("async, no runtime", NoRuntime, Strategy::Lru, Bounded),
        on_helpers("blocking", helpers, Strategy::Affine, Bounded),
        on_helpers("blocking, strict", helpers, Strategy::Lifo, Strict),
        on_helpers(
            "blocking, no background",
            sync::Background::Nothing,
            Strategy::Fifo,
            Bounded,
        ),
    ]
}

fn config(strategy: Strategy, fairness: Fairness, max_size: usize) -> PoolConfig {
    PoolConfig {
        max_size,
        strategy,
        fairness,
        acquire_timeout: Duration::from_secs(600),
        validate_after: None,
        maintenance_every: Duration::from_secs(3_600),
        ..PoolConfig::default()
    }
}

fn on_runtime(
    name: &'static str,
    runtime: impl Into<AnyRuntime>,
    strategy: Strategy,
    fairness: Fairness,
) -> Arc<dyn Storming> {
    let runtime = runtime.into();
    cloud(name, |count, max_size| {
        let builder = nebula_resource::Pool::builder(Drops(count))
            .config(config(strategy, fairness, max_size))
            .runtime(runtime.clone());
        (*builder.build().expect("a valid configuration")).clone()
    })
}

fn on_helpers(
    name: &'static str,
    background: sync::Background,
    strategy: Strategy,
    fairness: Fairness,
) -> Arc<dyn Storming> {
    cloud(name, |count, max_size| {
        let builder = sync::Pool::builder(Drops(count))
            .config(config(strategy, fairness, max_size))
            .runtime(background);
        (*builder.build().expect("a valid configuration")).clone()
    })
}

fn cloud<D: Wet>(
    name: &'static str,
    build: impl Fn(Arc<Count>, usize) -> Pool<D>,
) -> Arc<dyn Storming> {
    let count = Arc::<Count>::default();
    Arc::new(Cloud {
        name,
        pool: build(Arc::clone(&count), 3),
        duel: build(Arc::clone(&count), 1),
        count,
        counts: Default::default(),
    })
}

/// Tells those who are in the storm to stop.
pub(crate) type Stop = Arc<AtomicBool>;
