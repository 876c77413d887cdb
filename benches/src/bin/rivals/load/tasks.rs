//! Tasks that call a pool: the measured loops.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, try_join_all};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;
use tokio::task::yield_now;

use super::{
    Caller, Failure, Hold, Load, Sample, Tasks, block_on, footprint, runtime, storm, work,
};
use crate::contender::Workers;
use crate::load::meeting::Meeting;
use crate::pool::{AsyncPool, Census, Make, Thing};

/// After so many acquires a task lets others run, as one would that does something besides. A pool whose
/// acquire never yields would let as many tasks run as there are workers.
const TURN: u64 = 64;

/// A pool, what it was filled with, and a runtime of its own: nobody suffers from what another does to
/// his.
pub(crate) struct OnTokio<P> {
    pool: Arc<P>,
    census: Census,
    objects: usize,
    make: Make<P>,
    workers: Workers,
    /// `None` in its drop only.
    runtime: Option<Runtime>,
}

/// A pool of `objects`, all of them made.
pub(crate) fn open_tasks<P: AsyncPool>(
    objects: usize,
    workers: Workers,
    make: Make<P>,
) -> Result<Arc<dyn Tasks>, Failure> {
    let runtime = runtime(workers)?;
    let census = Census::default();
    let opened = {
        let _entered = runtime.enter();
        make(objects, &census).map_err(Failure::refused)?
    };
    let opened = OnTokio {
        pool: Arc::new(opened),
        census,
        objects,
        make,
        workers,
        runtime: Some(runtime),
    };
    opened.all()?;
    Ok(Arc::new(opened))
}

impl<P> Drop for OnTokio<P> {
    fn drop(&mut self) {
        // Tasks that hang would be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<P: AsyncPool> OnTokio<P> {
    fn runtime(&self) -> Result<&Runtime, Failure> {
        let runtime = self.runtime.as_ref();
        runtime.ok_or_else(|| Failure::refused("no runtime"))
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        Ok(block_on(self.runtime()?, future))
    }

    /// Takes everything at once; answers how many were different.
    fn all(&self) -> Result<usize, Failure> {
        self.block_on(async {
            let mut guards = Vec::new();
            for _ in 0..self.objects {
                guards.push(self.pool.acquire().await.map_err(Failure::refused)?);
            }
            let mut ids: Vec<_> = guards.iter().map(|guard| guard.id()).collect();
            ids.sort_unstable();
            ids.dedup();
            Ok(ids.len())
        })?
    }

    /// Starts all callers and waits for them. A single one is not a task: it has the runtime for itself.
    fn together<F, T>(&self, callers: usize, one: F) -> Result<Sample, Failure>
    where
        F: Fn(Arc<P>, usize) -> T,
        T: Future<Output = Result<Caller, Failure>> + Send + 'static,
    {
        let pool = || Arc::clone(&self.pool);
        if callers == 1 {
            return Sample::of(vec![self.block_on(one(pool(), 0))??]);
        }
        let start = Arc::new(Start::of(callers, self.workers));
        let all = self.block_on(async {
            let spawn = |me| {
                let (start, one) = (Arc::clone(&start), one(pool(), me));
                // Boxed, so that tokio's part is compiled once and not for each pool: a nanosecond
                // per wake-up.
                let task: BoxFuture<'static, _> = Box::pin(async move {
                    start.together().await;
                    one.await
                });
                tokio::spawn(task)
            };
            let tasks: Vec<_> = (0..callers).map(spawn).collect();
            try_join_all(tasks).await
        })?;
        let all = all.map_err(Failure::refused)?;
        Sample::of(all.into_iter().collect::<Result<_, _>>()?)
    }
}

/// How callers begin at once.
enum Start {
    AsMany(Barrier),
    AsTwo(Meeting),
}

impl Start {
    /// Two that never yield need a worker each; more of them do yield.
    fn of(callers: usize, workers: Workers) -> Self {
        if callers == 2 && workers == Workers::Two {
            Self::AsTwo(Meeting::default())
        } else {
            Self::AsMany(Barrier::new(callers))
        }
    }

    async fn together(&self) {
        match self {
            Self::AsTwo(meeting) => meeting.met().await,
            Self::AsMany(barrier) => {
                barrier.wait().await;
            }
        }
    }
}

/// Acquires, has the object used, and gives it back, over and over.
async fn repeat<P: AsyncPool>(
    pool: Arc<P>,
    load: Load,
    using: impl Fn(&mut Thing),
) -> Result<Caller, Failure> {
    let in_turns = load.callers > 2;
    let mut caller = Caller::beginning();
    let until = caller.began + load.span;
    loop {
        for _ in 0..load.batch {
            let mut guard = pool.acquire().await.map_err(Failure::refused)?;
            using(black_box(&mut *guard));
        }
        caller.ops += load.batch;
        caller.ended = Instant::now();
        if caller.ended >= until {
            return Ok(caller);
        }
        if in_turns && caller.ops.is_multiple_of(TURN) {
            yield_now().await;
        }
    }
}

/// The same by one caller alone, with each batch measured: the median batch knows nothing of what else
/// the machine did.
async fn batches<P: AsyncPool>(pool: Arc<P>, load: Load) -> Result<Caller, Failure> {
    let mut caller = Caller::timed(3);
    let until = caller.began + load.span;
    while caller.ended < until {
        let began = Instant::now();
        for _ in 0..load.batch {
            let mut guard = pool.acquire().await.map_err(Failure::refused)?;
            black_box(&mut *guard);
        }
        caller.ended = Instant::now();
        caller.took(caller.ended - began);
        caller.ops += load.batch;
    }
    Ok(caller)
}

/// The same, holding the object while others run.
async fn repeat_yielding<P: AsyncPool>(
    pool: Arc<P>,
    load: Load,
    using: impl Fn(&mut Thing),
) -> Result<Caller, Failure> {
    let mut caller = Caller::beginning();
    let until = caller.began + load.span;
    loop {
        for _ in 0..load.batch {
            let mut guard = pool.acquire().await.map_err(Failure::refused)?;
            using(black_box(&mut *guard));
            yield_now().await;
            drop(guard);
        }
        caller.ops += load.batch;
        caller.ended = Instant::now();
        if caller.ended >= until {
            return Ok(caller);
        }
    }
}

/// Holds the object while others run, and measures each wait.
async fn repeat_timed<P: AsyncPool>(
    pool: Arc<P>,
    load: Load,
    using: impl Fn(&mut Thing),
) -> Result<Caller, Failure> {
    let mut caller = Caller::timed(2);
    let until = caller.began + load.span;
    while caller.ended < until {
        let asked = Instant::now();
        let mut guard = pool.acquire().await.map_err(Failure::refused)?;
        caller.took(asked.elapsed());
        using(black_box(&mut *guard));
        if matches!(load.hold, Hold::WorkAndYield(_)) {
            yield_now().await;
        }
        drop(guard);
        caller.ops += 1;
        caller.ended = asked;
    }
    Ok(caller)
}

async fn one_caller<P: AsyncPool>(pool: Arc<P>, load: Load) -> Result<Caller, Failure> {
    let using = |amount| {
        move |thing: &mut Thing| {
            thing.uses = thing.uses.wrapping_add(1);
            work(amount);
        }
    };
    match load.hold {
        Hold::Nothing if load.timed => batches(pool, load).await,
        Hold::Nothing => repeat(pool, load, |_| ()).await,
        Hold::Work(amount) | Hold::WorkAndYield(amount) if load.timed => {
            repeat_timed(pool, load, using(amount)).await
        }
        Hold::Work(amount) => repeat(pool, load, using(amount)).await,
        Hold::WorkAndYield(amount) => repeat_yielding(pool, load, using(amount)).await,
    }
}

/// One of the two that pass an object on. Counts only when it was the other one who had it.
async fn pass_on<P: AsyncPool>(pool: Arc<P>, me: u32, span: Duration) -> Result<Caller, Failure> {
    const BATCH: usize = 32;
    let mut caller = Caller::beginning();
    let until = caller.began + span;
    while caller.ended < until {
        for _ in 0..BATCH {
            let mut guard = pool.acquire().await.map_err(Failure::refused)?;
            if guard.uses != me {
                guard.uses = me;
                caller.ops += 1;
            }
            // The other one asks, and after the drop it takes.
            yield_now().await;
            drop(guard);
            yield_now().await;
        }
        caller.ended = Instant::now();
    }
    Ok(caller)
}

impl<P: AsyncPool> Tasks for OnTokio<P> {
    fn run(&self, load: &Load) -> Result<Sample, Failure> {
        self.together(load.callers, |pool, _| one_caller(pool, *load))
    }

    fn hand_over(&self, span: Duration) -> Result<Sample, Failure> {
        self.together(2, |pool, me| pass_on(pool, u32::from(me == 0), span))
    }

    fn storm(&self, callers: usize, span: Duration) -> Result<Sample, Failure> {
        let one = |pool, me| storm::one_caller(pool, me, span);
        self.together(callers, one)
    }

    fn footprint(&self) -> Result<Vec<f64>, Failure> {
        footprint::measured(self.runtime()?, self.make)
    }

    fn recount(&self, bounded: bool) -> Result<(), Failure> {
        let found = self.all()?;
        super::recounted(found, self.census.alive(), self.objects, bounded)
    }
}
