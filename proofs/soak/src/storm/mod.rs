//! The cancellation storm: very many acquires that nobody waits for to the end, and what is left of the
//! pools thereafter.
//!
//! Decides how long it lasts, and what it has to leave: every object, every permit, and the memory
//! that was in use before. The pools are the same from beginning to end, so that what each
//! cancelled acquire left behind would add up.

mod caller;
mod cloud;
mod drops;
mod duel;
mod memory;

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use crate::dice::Seed;
use cloud::{CALLERS, Stop, Storming, clouds};
use memory::InUse;

/// The storm is in so many parts; between two of them everybody is at rest, and a lost wake-up
/// would leave somebody behind.
const PARTS: u64 = 100;
/// Shorter parts are over before everybody has had a turn.
const SHORTEST_PART: u64 = 20_000;
/// Before the first reading of memory: as many parts as fill all that is filled once.
const WARM_UP: u64 = 10;
/// Memory in use may differ by so much after millions of acquires: tables that have grown, and
/// threads that linger. One byte left by each would be ten megabytes.
const TOLERANCE: usize = 256 * 1024;

const SAY_EVERY: Duration = Duration::from_secs(30);

/// How to storm.
#[derive(Clone, Debug, clap::Parser)]
#[command(about = "Cancels very many acquires, and looks what is left")]
pub struct Options {
    /// So many acquires are cancelled, those that are served not counted.
    #[arg(long, default_value_t = 10_000_000)]
    pub acquires: u64,
    /// Plays the plan of an earlier run; drawn and printed otherwise.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Who waits for so many seconds, or cancels nothing in that time, is stuck.
    #[arg(long, default_value_t = 30)]
    pub patience: u64,
}

/// What the pools have in common.
pub(crate) struct Sky {
    tokio: tokio::runtime::Handle,
    smol: Arc<smol::Executor<'static>>,
    stop: Stop,
    clouds: Vec<Arc<dyn Storming>>,
    patience: Duration,
    seed: Seed,
}

/// Storms, and prints what is left.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let seed = Seed::or_any(options.seed);
    eprintln!(
        "storm: seed {}, {} acquires to cancel",
        seed.number(),
        options.acquires
    );
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a storm needs tokio's threads");
    let smol = Arc::new(smol::Executor::new());
    for _ in 0..2 {
        let smol = Arc::clone(&smol);
        thread::spawn(move || futures::executor::block_on(smol.run(std::future::pending::<()>())));
    }
    let sky = Sky {
        tokio: tokio.handle().clone(),
        smol,
        stop: Arc::default(),
        clouds: clouds(tokio.handle()),
        patience: Duration::from_secs(options.patience),
        seed,
    };
    match storm(&sky, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("storm: FAILED with seed {}: {fault}", seed.number());
            ExitCode::FAILURE
        }
    }
}

fn storm(sky: &Sky, options: &Options) -> Result<(), String> {
    let began = Instant::now();
    let part = options.acquires.div_ceil(PARTS).max(SHORTEST_PART);
    let bar = progress(options.acquires);
    bar.set_message("warming up");
    for number in 0..WARM_UP {
        sky.rain(number, part, &|_| ())?;
    }
    let before = at_rest()?;
    let warmed = sky.cancelled();
    bar.set_message("storming");
    let (mut number, mut said) = (WARM_UP, Instant::now());
    while sky.cancelled() - warmed < options.acquires {
        let left = options.acquires - (sky.cancelled() - warmed);
        sky.rain(number, part.min(left), &|now| {
            bar.set_position(now - warmed);
        })?;
        number += 1;
        // In a log file there is no bar.
        if bar.is_hidden() && said.elapsed() > SAY_EVERY {
            said = Instant::now();
            let now = sky.cancelled() - warmed;
            eprintln!("storm: {now} of {}", options.acquires);
        }
    }
    bar.finish_and_clear();
    let after = at_rest()?;
    println!("{}", sky.table());
    let took = began.elapsed().as_secs_f64();
    println!(
        "cancelled {warmed} to warm up and {} in the storm, in {number} parts and {took:.1} s",
        sky.cancelled() - warmed
    );
    compare(&before, &after)?;
    for cloud in &sky.clouds {
        cloud.all_there(sky.patience)?;
    }
    println!(
        "every object and every permit of {} pools is there",
        2 * sky.clouds.len()
    );
    Ok(())
}

impl Sky {
    fn cancelled(&self) -> u64 {
        let clouds = self.clouds.iter();
        let counts = clouds.flat_map(|cloud| cloud.counts());
        counts.map(caller::Counts::cancelled).sum()
    }

    /// Has everybody storm until so many more are cancelled, then come to rest.
    fn rain(&self, number: u64, cancels: u64, tell: &dyn Fn(u64)) -> Result<(), String> {
        let until = self.cancelled() + cancels;
        self.stop.store(false, Ordering::Relaxed);
        let (done, all_done) = mpsc::channel::<()>();
        for (cloud, part) in self.clouds.iter().zip(0..) {
            let seed = self.seed.part(number).part(part);
            Arc::clone(cloud).begin(self, seed, &done);
        }
        drop(done);
        self.storm_until(until, tell)?;
        self.stop.store(true, Ordering::Relaxed);
        if all_done.recv_timeout(self.patience) != Err(mpsc::RecvTimeoutError::Disconnected) {
            return Err(format!(
                "somebody is stuck: a wake-up was lost\n{}",
                self.faults()
            ));
        }
        let began = Instant::now();
        while !self.faults().is_empty() {
            if began.elapsed() > self.patience {
                return Err(self.faults());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn storm_until(&self, until: u64, tell: &dyn Fn(u64)) -> Result<(), String> {
        let mut last = (self.cancelled(), Instant::now());
        while last.0 < until {
            thread::sleep(Duration::from_millis(2));
            let now = self.cancelled();
            if now > last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > self.patience {
                return Err(format!("nobody cancels any more\n{}", self.faults()));
            }
            tell(now);
        }
        Ok(())
    }

    fn faults(&self) -> String {
        let faults = self.clouds.iter().filter_map(|cloud| cloud.fault());
        faults.collect::<Vec<_>>().join("\n")
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header([
            "pool",
            "caller",
            "dropped",
            "dropped when woken",
            "timed out",
            "served",
        ]);
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for cloud in &self.clouds {
            for (caller, counts) in CALLERS.iter().zip(cloud.counts()) {
                let counts = [
                    &counts.dropped,
                    &counts.dropped_woken,
                    &counts.timed_out,
                    &counts.served,
                ];
                let counts = counts.map(|count| count.load(Ordering::Relaxed).to_string());
                let names = [cloud.name(), caller].map(str::to_owned);
                table.add_row(names.into_iter().chain(counts));
            }
        }
        table
    }
}

/// Helper threads hold memory of their own: they are waited for.
fn at_rest() -> Result<InUse, String> {
    let began = Instant::now();
    while nebula_resource_core::helpers::alive() > 0 && began.elapsed() < Duration::from_secs(15) {
        thread::sleep(Duration::from_millis(20));
    }
    // Threads that have told that they are done are still to end.
    thread::sleep(Duration::from_millis(200));
    memory::in_use().ok_or_else(|| "the counting allocator is not installed".to_owned())
}

fn compare(before: &InUse, after: &InUse) -> Result<(), String> {
    for (
        when,
        InUse {
            bytes,
            blocks,
            resident,
        },
    ) in [("before", before), ("after", after)]
    {
        let resident = resident.map_or(String::new(), |bytes| {
            format!(", {} KiB resident", bytes / 1024)
        });
        println!("memory {when} the storm: {bytes} bytes in {blocks} blocks in use{resident}");
    }
    if after.bytes > before.bytes + TOLERANCE {
        let more = after.bytes - before.bytes;
        return Err(format!("{more} bytes more are in use than before"));
    }
    Ok(())
}

fn progress(acquires: u64) -> ProgressBar {
    let style = "{msg:>10} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left";
    let bar = ProgressBar::new(acquires);
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
