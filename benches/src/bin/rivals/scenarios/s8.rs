//! S8: settings changed while everybody is at it: how deep the dip, how long until it is over.
//!
//! Ours alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use nebula_resource::Pool;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use super::players::Player;
use super::{Callers, Measure, Opened, Scenario};
use crate::contender::{Contender, Workers};
use crate::contenders::ours::{self, Affine, Choice, Fifo, Lifo, Strict, Things};
use crate::figures::{median, minimum};
use crate::load::{Failure, Work, block_on, calibrated, runtime, work};
use crate::pool::Census;

const TASKS_AT_ONCE: usize = 64;
const OBJECTS: usize = 8;
const FEWER: usize = 4;
const BUCKET: Duration = Duration::from_millis(5);
/// As good as before.
const RECOVERED: f64 = 0.9;

const fn percent(name: &'static str) -> Measure {
    Measure {
        name,
        unit: "%",
        digits: 0,
        less_is_better: false,
    }
}

const fn millis(name: &'static str) -> Measure {
    Measure {
        name,
        unit: "ms",
        digits: 0,
        less_is_better: true,
    }
}

pub(crate) static TASKS: Scenario = Scenario {
    id: "S8",
    callers: Callers::Tasks,
    title: "64 tasks, 8 objects: other timeouts, then 4 objects, then 8 again; the lowest 5 ms after it, \
            and until 90 % of what follows",
    measures: &[
        Measure {
            name: "steady",
            unit: "Mop/s",
            digits: 3,
            less_is_better: false,
        },
        percent("retuned: dip to"),
        millis("recovered in"),
        percent("8 to 4: dip to"),
        millis("recovered in"),
        percent("4 to 8: dip to"),
        millis("recovered in"),
    ],
    bases: &[],
    contended: true,
    stretch: 4,
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
    Ok(Some(Arc::new(Changing { pool, runtime })))
}

struct Changing {
    pool: Pool<Things>,
    runtime: Runtime,
}

/// How often somebody was served, bucket by bucket.
struct Timeline {
    began: Instant,
    buckets: Vec<AtomicU64>,
}

impl Timeline {
    fn new(span: Duration) -> Self {
        let count = span.as_nanos() / BUCKET.as_nanos();
        Self {
            began: Instant::now(),
            buckets: (0..count).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts one; `false` when it is over.
    fn served(&self) -> bool {
        let bucket = self.began.elapsed().as_nanos() / BUCKET.as_nanos();
        let bucket = usize::try_from(bucket)
            .ok()
            .and_then(|b| self.buckets.get(b));
        bucket.is_some_and(|bucket| {
            bucket.fetch_add(1, Relaxed);
            true
        })
    }

    /// What was served in each of four equal parts.
    fn quarters(&self) -> Vec<Vec<f64>> {
        let length = (self.buckets.len() / 4).max(1);
        let quarters = self.buckets.chunks_exact(length);
        let count = |bucket: &AtomicU64| bucket.load(Relaxed) as f64;
        quarters
            .map(|quarter| quarter.iter().map(count).collect())
            .collect()
    }
}

/// The lowest bucket in per cent of the usual one, and milliseconds until it is usual again.
fn dip(quarter: &[f64]) -> [f64; 2] {
    let usual = median(quarter).unwrap_or(0.0);
    let lowest = minimum(quarter).unwrap_or(0.0);
    let recovered = quarter.iter().position(|&count| count >= RECOVERED * usual);
    let buckets = recovered.unwrap_or(quarter.len());
    let millis = buckets as f64 * BUCKET.as_secs_f64() * 1e3;
    [100.0 * lowest / usual.max(1.0), millis]
}

async fn caller(pool: Pool<Things>, line: Arc<Timeline>, hold: Work) -> Result<(), Failure> {
    loop {
        let guard = pool.acquire().await.map_err(Failure::refused)?;
        work(hold);
        yield_now().await;
        drop(guard);
        if !line.served() {
            return Ok(());
        }
    }
}

impl Changing {
    fn change(&self, to: usize) -> Result<(), Failure> {
        let changed = self.pool.reconfigure(|config| {
            config.max_size = to;
            config.create_timeout += Duration::from_millis(1);
        });
        changed.map_err(Failure::refused)
    }
}

impl Player for Changing {
    fn play(&self, span: Duration) -> Result<Vec<f64>, Failure> {
        let line = Arc::new(Timeline::new(span));
        let hold = calibrated(Duration::from_micros(1));
        let start = |_| {
            let caller = caller(self.pool.clone(), Arc::clone(&line), hold);
            self.runtime.spawn(caller)
        };
        let callers: Vec<_> = (0..TASKS_AT_ONCE).map(start).collect();
        for (quarter, size) in [(1, OBJECTS), (2, FEWER), (3, OBJECTS)] {
            let at = line.began + span / 4 * quarter;
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            self.change(size)?;
        }
        let ended = block_on(&self.runtime, try_join_all(callers));
        ended
            .map_err(Failure::refused)?
            .into_iter()
            .collect::<Result<Vec<()>, _>>()?;
        let quarters = line.quarters();
        let steady = median(quarters.first().map_or(&[], Vec::as_slice)).unwrap_or(0.0);
        let mut figures = vec![steady / BUCKET.as_secs_f64() / 1e6];
        figures.extend(
            quarters
                .iter()
                .skip(1)
                .take(3)
                .flat_map(|quarter| dip(quarter)),
        );
        Ok(figures)
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
    fn a_dip_is_measured_against_what_follows() {
        let [dip_to, recovered] = dip(&[10.0, 50.0, 100.0, 100.0, 100.0]);
        assert!((dip_to - 10.0).abs() < 1e-9 && (recovered - 10.0).abs() < 1e-9);
        let [none, at_once] = dip(&[100.0, 100.0, 95.0]);
        assert!(none > 90.0 && at_once == 0.0);
        let [_, never] = dip(&[]);
        assert!(never == 0.0);
    }

    #[test]
    fn a_timeline_ends() {
        let line = Timeline::new(Duration::from_secs(3_600));
        assert!(line.served());
        assert_eq!(line.quarters().len(), 4);
        assert!(!Timeline::new(Duration::ZERO).served());
    }
}
