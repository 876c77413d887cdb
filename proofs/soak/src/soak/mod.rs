//! The soak: pools of every kind, used by tasks and threads of every kind at once, in every way,
//! with a factory that fails, hangs, panics and lies.
//!
//! Decides how long, how many pools at once, and what a run has to end with.

mod arena;
mod books;
mod caller;
mod life;
mod mischief;
mod owner;
mod plan;
mod tally;
mod toy;
mod workshop;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use nebula_resource::Backend;
use nebula_resource_core::helpers;
use serde_json::json;

use crate::dice::Seed;
use arena::{BACKEND_CREATES, Spec, backend, open};
use books::{Books, eventually};
use life::Life;
use tally::Tally;
use toy::{Faults, Ledger};

/// How often a pool in use is looked at.
const GLANCE_EVERY: Duration = Duration::from_millis(100);
/// Idle helper threads linger, for ten seconds at the most.
const HELPERS_LINGER: Duration = Duration::from_secs(10);

/// How to soak.
#[derive(Clone, Debug, clap::Parser)]
#[command(about = "Uses pools of every kind in every way, against a factory that misbehaves")]
pub struct Options {
    /// No pool is opened after so many seconds.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Plays the plan of an earlier run; drawn and printed otherwise.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Prints the summary as JSON.
    #[arg(long)]
    pub json: bool,
    /// So many pools live at once.
    #[arg(long, default_value_t = 4)]
    pub pools: u64,
    /// Who makes no step for so many seconds is stuck: a wake-up was lost.
    #[arg(long, default_value_t = 20)]
    pub patience: u64,
}

/// What the pools of a run have in common.
pub(crate) struct World {
    tokio: tokio::runtime::Handle,
    backend: Backend,
    smol: Arc<smol::Executor<'static>>,
    faults: Arc<Faults>,
    tally: Arc<Tally>,
    patience: Duration,
    board: Mutex<Vec<Weak<dyn Books>>>,
    seed: Seed,
}

impl World {
    /// Ends the process, since somebody is stuck in it.
    fn abort(&self, text: &str) -> ! {
        eprintln!("{text}\nFAILED with seed {}", self.seed.number());
        std::process::exit(1)
    }

    /// Pool after pool, until the time is up or something is wrong.
    fn lane(&self, next: &AtomicU64, until: Instant) {
        let specs = Spec::all(self.seed.part(u64::MAX));
        while Instant::now() < until && !self.faults.any() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let spec = specs[number as usize % specs.len()];
            let seed = self.seed.part(number);
            let ledger = Ledger::new(spec.name(number), seed, Arc::clone(&self.faults));
            let life = Life {
                world: self,
                seed,
                ledger: &ledger,
            };
            let common = (&self.tokio, &self.backend);
            open(spec, seed, common, (&ledger, &self.tally), life);
        }
    }

    /// Looks at every pool, again and again.
    fn audit(&self, ended: &AtomicBool) {
        while !ended.load(Ordering::Relaxed) {
            let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
            let pools: Vec<_> = board.iter().filter_map(Weak::upgrade).collect();
            drop(board);
            pools.iter().for_each(|pool| pool.glance());
            let creating = self.backend.status().creating;
            if creating > BACKEND_CREATES {
                let text = format!("{creating} attempts at the backend in common");
                self.faults.report(text);
            }
            drop(pools);
            thread::sleep(GLANCE_EVERY);
        }
    }
}

/// Soaks, and prints what came of it.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let seed = Seed::or_any(options.seed);
    eprintln!(
        "soak: seed {}, {} s, {} pools at once",
        seed.number(),
        options.seconds,
        options.pools
    );
    let began = Instant::now();
    let smol = Arc::new(smol::Executor::new());
    let (stop_smol, stopped) = smol::channel::bounded::<()>(1);
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a soak needs tokio's threads");
    let world = World {
        tokio: tokio.handle().clone(),
        backend: backend(),
        smol: Arc::clone(&smol),
        faults: Arc::default(),
        tally: Arc::default(),
        patience: Duration::from_secs(options.patience),
        board: Mutex::default(),
        seed,
    };
    let drivers = [(); 2].map(|()| {
        let (smol, stopped) = (Arc::clone(&smol), stopped.clone());
        thread::spawn(move || futures::executor::block_on(smol.run(stopped.recv())).is_err())
    });
    soak(&world, options, began);
    drop(stop_smol);
    for driver in drivers {
        driver.join().expect("smol's threads end");
    }
    nothing_is_left(&world, tokio);
    report(&world, options, began.elapsed())
}

fn soak(world: &World, options: &Options, began: Instant) {
    let (next, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    let until = began + Duration::from_secs(options.seconds);
    thread::scope(|scope| {
        scope.spawn(|| world.audit(&ended));
        thread::scope(|lanes| {
            for _ in 0..options.pools {
                lanes.spawn(|| world.lane(&next, until));
            }
        });
        ended.store(true, Ordering::Relaxed);
    });
}

/// No task and no thread outlives the pools.
fn nothing_is_left(world: &World, tokio: tokio::runtime::Runtime) {
    let tasks = || tokio.metrics().num_alive_tasks();
    if !eventually(world.patience, || tasks() == 0) {
        world
            .faults
            .report(format!("{} tokio tasks are left", tasks()));
    }
    let creating = world.backend.status().creating;
    if creating > 0 {
        let text = format!("{creating} attempts at the backend are left");
        world.faults.report(text);
    }
    if !world.smol.is_empty() {
        world.faults.report("smol tasks are left".to_owned());
    }
    drop(tokio);
    if !eventually(world.patience + HELPERS_LINGER, || helpers::alive() == 0) {
        let left = helpers::alive();
        world
            .faults
            .report(format!("{left} helper threads are left"));
    }
    let strangers = || {
        let mut names = thread_names();
        names.retain(|name| !is_expected(name));
        names
    };
    if !eventually(world.patience, || strangers().is_empty()) {
        let names = strangers().join(", ");
        world.faults.report(format!("threads are left: {names}"));
    }
}

/// Those that live as long as the process does: this one, the pools' clock, smol's own.
fn is_expected(thread: &str) -> bool {
    let expected = ["soak", "nebula-clock", "smol-", "async-io", "blocking-"];
    expected.iter().any(|name| thread.starts_with(name))
}

/// Where the system tells.
fn thread_names() -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

fn report(world: &World, options: &Options, took: Duration) -> ExitCode {
    let faults = world.faults.take();
    let verdict = if faults.is_empty() {
        "passed"
    } else {
        "FAILED"
    };
    if options.json {
        let summary = json!({
            "seed": world.seed.number(),
            "seconds": took.as_secs_f64(),
            "verdict": verdict,
            "faults": faults,
            "counts": world.tally.json(),
        });
        println!("{summary:#}");
    } else {
        for table in world.tally.tables() {
            println!("{table}\n");
        }
    }
    for fault in &faults {
        eprintln!("fault: {fault}");
    }
    eprintln!(
        "soak: {verdict} in {:.1} s; the same plan again: soak --seconds {} --seed {}",
        took.as_secs_f64(),
        options.seconds,
        world.seed.number()
    );
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
