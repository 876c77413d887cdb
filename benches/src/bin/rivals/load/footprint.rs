//! What a pool takes from the allocator: as it is, per object, per waiter, per acquire.
//!
//! Counts what one thread allocates, which is why everything here runs on the runtime of the calling one;
//! pools that create their objects on threads of their own cannot be asked. Counting costs others two
//! nanoseconds per allocation, and no shared memory.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use futures::future::{join, join_all};
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{Failure, block_on};
use crate::pool::{AsyncPool, Census, Make, Thing};

/// How many objects the empty pool may have.
const EMPTY: usize = 10;
/// Objects are counted by the difference between two pools, so that what is there once does not count,
/// and doubled lists do in full.
const FEW: usize = 512;
const MANY: usize = 1_024;
const WAITERS: usize = 1_000;
const TIMES: usize = 10_000;
/// After so long a pool that was dropped has let go of everything.
const LETTING_GO: Duration = Duration::from_millis(30);

/// What `work` in the runtime has allocated, without what the runtime takes for any work; and what it
/// answers, which counts as not given back.
fn counted<T>(
    runtime: &Runtime,
    work: impl AsyncFnOnce() -> Result<T, Failure>,
) -> Result<(T, AllocationInfo), Failure> {
    let ((), any) = counted_with(runtime, async || Ok(()))?;
    let (answer, mut info) = counted_with(runtime, work)?;
    info.count_total = info.count_total.saturating_sub(any.count_total);
    Ok((answer, info))
}

fn counted_with<T>(
    runtime: &Runtime,
    work: impl AsyncFnOnce() -> Result<T, Failure>,
) -> Result<(T, AllocationInfo), Failure> {
    let mut answer = Err(Failure::refused("not run"));
    let info = measure(|| {
        answer = block_on(runtime, async {
            let answer = work().await;
            // What was spawned meanwhile comes to its end.
            for _ in 0..100 {
                yield_now().await;
            }
            answer
        });
    });
    Ok((answer?, info))
}

/// What one object more makes, by a pool of many and one of few.
fn per_one(many: f64, few: f64) -> f64 {
    (many - few) / (MANY - FEW) as f64
}

/// A kind of pool, and where it is asked.
struct Asked<'a, P> {
    runtime: &'a Runtime,
    make: Make<P>,
}

impl<P: AsyncPool> Asked<'_, P> {
    /// Lets go of a pool, and of what it lets go in the background.
    fn end(&self, pool: P) {
        block_on(self.runtime, async {
            drop(pool);
            sleep(LETTING_GO).await;
        });
    }

    /// Bytes of a pool that has made nothing yet; not a number where it has.
    fn empty(&self, objects: usize) -> Result<f64, Failure> {
        let census = Census::default();
        let open = async || (self.make)(objects, &census).map_err(Failure::refused);
        let (pool, info) = counted(self.runtime, open)?;
        let bytes = info.bytes_current as f64;
        let is_empty = census.alive() == 0;
        self.end(pool);
        Ok(if is_empty { bytes } else { f64::NAN })
    }

    /// Bytes per object that may be made, made or not; not a number where all are made at once.
    fn place(&self) -> Result<f64, Failure> {
        Ok(per_one(self.empty(MANY)?, self.empty(FEW)?))
    }

    async fn filled(&self, objects: usize) -> Result<P, Failure> {
        let pool = (self.make)(objects, &Census::default()).map_err(Failure::refused)?;
        let mut all = Vec::with_capacity(objects);
        for _ in 0..objects {
            all.push(pool.acquire().await.map_err(Failure::refused)?);
        }
        drop(all);
        Ok(pool)
    }

    /// Bytes per object beyond the object itself, its place in the pool included.
    fn object(&self) -> Result<f64, Failure> {
        let bytes = |objects| {
            let (pool, info) = counted(self.runtime, async || self.filled(objects).await)?;
            self.end(pool);
            Ok(info.bytes_current as f64)
        };
        Ok(per_one(bytes(MANY)?, bytes(FEW)?) - size_of::<Thing>() as f64)
    }

    /// Bytes per caller that waits, its future included.
    fn waiter(&self) -> Result<f64, Failure> {
        let pool = block_on(self.runtime, self.filled(1))?;
        let held = block_on(self.runtime, pool.acquire());
        let held = held.map_err(Failure::refused)?;
        let mut waiting = Vec::with_capacity(WAITERS);
        let wait = async || {
            for _ in 0..WAITERS {
                let mut acquire = Box::pin(pool.acquire());
                let mut cx = Context::from_waker(Waker::noop());
                if acquire.as_mut().poll(&mut cx).is_ready() {
                    return Err(Failure::Exceeded("one for two".to_owned()));
                }
                waiting.push(acquire);
            }
            Ok(())
        };
        let ((), info) = counted(self.runtime, wait)?;
        block_on(self.runtime, async { drop((waiting, held)) });
        self.end(pool);
        Ok(info.bytes_current as f64 / WAITERS as f64)
    }

    /// Allocations per acquire and release where an object is idle.
    fn idle(&self) -> Result<f64, Failure> {
        let pool = block_on(self.runtime, self.filled(8))?;
        let acquire = async || {
            for _ in 0..TIMES {
                drop(pool.acquire().await.map_err(Failure::refused)?);
            }
            Ok(())
        };
        // What is allocated once, the first time, is no cost of an acquire.
        block_on(self.runtime, acquire())?;
        let ((), info) = counted(self.runtime, acquire)?;
        self.end(pool);
        Ok(info.count_total as f64 / TIMES as f64)
    }

    /// Allocations per acquire that waits: two callers pass one object on.
    fn waiting(&self) -> Result<f64, Failure> {
        let pool = block_on(self.runtime, self.filled(1))?;
        let pass_on = async || {
            for _ in 0..TIMES / 2 {
                let held = pool.acquire().await.map_err(Failure::refused)?;
                yield_now().await;
                drop(held);
                yield_now().await;
            }
            Ok(())
        };
        let both = async || {
            let (one, other) = join(pass_on(), pass_on()).await;
            one.and(other)
        };
        block_on(self.runtime, both())?;
        let ((), info) = counted(self.runtime, both)?;
        self.end(pool);
        Ok(info.count_total as f64 / TIMES as f64)
    }

    /// Milliseconds until the last of many has its answer who all wait for the same time in vain.
    fn latest(&self) -> Result<f64, Failure> {
        const PATIENCE: Duration = Duration::from_millis(50);
        let pool = block_on(self.runtime, self.filled(1))?;
        let held = block_on(self.runtime, pool.acquire());
        let held = held.map_err(Failure::refused)?;
        let one = async || {
            let began = Instant::now();
            let got = pool.acquire_within(PATIENCE).await;
            (began.elapsed(), got)
        };
        let all = async { join_all((0..WAITERS).map(|_| one())).await };
        let answers = block_on(self.runtime, all);
        block_on(self.runtime, async { drop(held) });
        self.end(pool);
        if answers.iter().any(|&(_, got)| got) {
            return Err(Failure::Exceeded("one for two".to_owned()));
        }
        let latest = answers.into_iter().map(|(took, _)| took).max();
        Ok(latest.unwrap_or_default().as_secs_f64() * 1e3)
    }
}

/// All of these, in this order.
pub(super) fn measured<P: AsyncPool>(
    runtime: &Runtime,
    make: Make<P>,
) -> Result<Vec<f64>, Failure> {
    let _entered = runtime.enter();
    let asked = Asked { runtime, make };
    Ok(vec![
        asked.empty(EMPTY)?,
        asked.object()?,
        asked.waiter()?,
        asked.idle()?,
        asked.waiting()?,
        asked.latest()?,
        asked.place()?,
    ])
}
