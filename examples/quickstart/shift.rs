//! For how long the callers work, and what happens to the pool meanwhile.
//!
//! Decides when `max_size` changes, and what is shown. Works for every pool: both facades deref to
//! the engine's handle, which is what `watch` takes.

use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nebula_resource::engine::{Driver, Pool};

use crate::Error;

/// `max_size` in the first, second and last third of the time.
pub(crate) const FEW: usize = 3;
const MANY: usize = 8;
const FEWER: usize = 2;

const TICK: Duration = Duration::from_millis(50);

pub(crate) struct Shift {
    began: Instant,
    length: Duration,
}

impl Shift {
    pub(crate) fn begin(seconds: u64) -> Self {
        Self {
            began: Instant::now(),
            length: Duration::from_secs(seconds),
        }
    }

    /// Whether it is worth starting another operation.
    pub(crate) fn goes_on(&self) -> bool {
        self.began.elapsed() < self.length
    }

    /// Stays until the end; grows the pool after a third of the time, and shrinks it after another.
    pub(crate) fn watch<D: Driver>(&self, pool: &Pool<D>) -> Result<(), Error> {
        let bar = self.bar()?;
        let mut changes = [(1, MANY), (2, FEWER)].into_iter().peekable();
        while self.goes_on() {
            let third = self.length / 3;
            if let Some((_, size)) = changes.next_if(|(n, _)| self.began.elapsed() >= third * *n) {
                let before = pool.config().max_size;
                pool.resize(size)?;
                let now = self.began.elapsed().as_secs_f64();
                bar.suspend(|| {
                    println!("{now:5.1} s  max_size {before} -> {size}, while everybody works");
                });
            }
            bar.set_position(millis(self.began.elapsed()));
            bar.set_message(format!(
                "{} acquired; {}",
                pool.stats().acquired,
                pool.status()
            ));
            thread::sleep(TICK);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Hidden by itself where there is no terminal.
    fn bar(&self) -> Result<ProgressBar, Error> {
        let style = ProgressStyle::with_template("{bar:24} {wide_msg}")?;
        Ok(ProgressBar::new(millis(self.length)).with_style(style))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
