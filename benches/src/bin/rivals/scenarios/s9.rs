//! S9: threads and tasks in one line for the same objects: whether each kind gets its share.
//!
//! Ours alone: nobody else has both.

use std::ops::DerefMut;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use nebula_resource::Pool;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use super::players::Player;
use super::{Callers, Measure, Opened, Scenario};
use crate::contender::{Contender, Workers};
use crate::contenders::ours::{self, Affine, Choice, Fifo, Lifo, Strict, Things};
use crate::figures::jain;
use crate::load::{Failure, Work, block_on, calibrated, runtime, work};
use crate::pool::{Census, Thing};

const OBJECTS: usize = 4;
/// Of each kind.
const EACH: usize = 16;

/// Where it is in the figures.
pub(crate) const DEVIATION: usize = 2;

pub(crate) static TASKS: Scenario = Scenario {
    id: "S9",
    callers: Callers::Tasks,
    title: "16 threads and 16 tasks, 4 objects, held for 1 µs (tasks: and across a yield)",
    measures: &[
        Measure {
            name: "throughput",
            unit: "Mop/s",
            digits: 3,
            less_is_better: false,
        },
        Measure {
            name: "the threads' share",
            unit: "%",
            digits: 1,
            less_is_better: false,
        },
        Measure {
            name: "off its share",
            unit: "%",
            digits: 1,
            less_is_better: true,
        },
        Measure {
            name: "Jain",
            unit: "",
            digits: 4,
            less_is_better: false,
        },
    ],
    bases: &[],
    contended: true,
    stretch: 5,
    rounds: None,
    open: opened,
};

fn opened(contender: &Contender) -> Opened {
    match contender.name {
        "ours-affine" => player::<Affine>(),
        "ours-fifo" => player::<Fifo>(),
        "ours-lifo" => player::<Lifo>(),
        "ours-strict" => player::<Strict>(),
        _ => Ok(None),
    }
}

fn player<C: Choice>() -> Opened {
    let runtime = runtime(Workers::Two)?;
    let pool = {
        let _entered = runtime.enter();
        ours::awaiting::<C>(OBJECTS, &Census::default()).map_err(Failure::refused)?
    };
    Ok(Some(Arc::new(Mixed { pool, runtime })))
}

struct Mixed {
    pool: Pool<Things>,
    runtime: Runtime,
}

fn used(mut guard: impl DerefMut<Target = Thing>, hold: Work) {
    guard.uses = guard.uses.wrapping_add(1);
    work(hold);
}

fn as_thread(pool: &Pool<Things>, hold: Work, until: Instant) -> Result<u64, Failure> {
    let mut served = 0;
    while Instant::now() < until {
        used(pool.acquire_blocking().map_err(Failure::refused)?, hold);
        served += 1;
    }
    Ok(served)
}

async fn as_task(pool: Pool<Things>, hold: Work, until: Instant) -> Result<u64, Failure> {
    let mut served = 0;
    while Instant::now() < until {
        let mut guard = pool.acquire().await.map_err(Failure::refused)?;
        used(&mut *guard, hold);
        yield_now().await;
        drop(guard);
        served += 1;
    }
    Ok(served)
}

/// The share of the first kind in per cent, and how far off a half it is, in per cent of a half.
fn shares(first: u64, second: u64) -> [f64; 2] {
    let share = first as f64 / (first + second).max(1) as f64;
    [100.0 * share, 100.0 * (share - 0.5).abs() / 0.5]
}

impl Player for Mixed {
    fn play(&self, span: Duration) -> Result<Vec<f64>, Failure> {
        let hold = calibrated(Duration::from_micros(1));
        let began = Instant::now();
        let until = began + span;
        let task = |_| self.runtime.spawn(as_task(self.pool.clone(), hold, until));
        let tasks: Vec<_> = (0..EACH).map(task).collect();
        let by_threads: Vec<u64> = thread::scope(|scope| {
            let start = |_| scope.spawn(|| as_thread(&self.pool, hold, until));
            let threads: Vec<_> = (0..EACH).map(start).collect();
            let died = |_| Failure::Refused("a caller panicked".to_owned());
            let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().map_err(died)?;
            threads.into_iter().map(join).collect::<Result<_, _>>()
        })?;
        let by_tasks = block_on(&self.runtime, try_join_all(tasks));
        let by_tasks = by_tasks.map_err(Failure::refused)?.into_iter();
        let by_tasks: Vec<u64> = by_tasks.collect::<Result<_, _>>()?;
        let seconds = began.elapsed().as_secs_f64();
        let (threads, tasks) = (by_threads.iter().sum(), by_tasks.iter().sum());
        let [share, off] = shares(threads, tasks);
        let everybody = [by_threads, by_tasks].concat();
        let throughput = (threads + tasks) as f64 / seconds / 1e6;
        Ok(vec![throughput, share, off, jain(&everybody)])
    }

    fn finish(&self) -> Result<(), Failure> {
        let all = block_on(&self.runtime, self.pool.acquire_many(OBJECTS));
        all.map(drop).map_err(Failure::refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_each_is_the_share() {
        assert_eq!(shares(50, 50), [50.0, 0.0]);
        let [share, off] = shares(45, 55);
        assert!((share - 45.0).abs() < 1e-9 && (off - 10.0).abs() < 1e-9);
        assert_eq!(shares(0, 10), [0.0, 100.0]);
    }
}
