//! Running a scenario under a scheduler, and noticing when it was run less often than asked.
//!
//! A scheduler that stops early passes silently, and so does a panic that a pool catches: so
//! schedules and panics are counted here.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// As many schedules of each scenario, unless `SHUTTLE_ITERATIONS` says otherwise.
const FEW: usize = 20;
/// A schedule that takes longer goes round in circles.
const MOST_STEPS: usize = 400_000;
/// Deeper than shuttle's default: drivers and pools in release mode, but with all their checks.
const STACK: usize = 256 * 1024;

thread_local! {
    /// Panics that nobody wanted, caught or not: the factories' own do not come here
    /// (`resume_unwind`). All tasks of a schedule share this thread.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Which schedules are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Scheduler {
    /// Any task that can run, at each step.
    Random,
    /// Probabilistic concurrency testing: a task runs until it blocks, but for a few places where
    /// another is preferred; three, four and five of them in turn.
    Pct,
}

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
    steps: AtomicUsize,
}

/// Says in which schedule a scenario failed.
struct Tally<'n>(Arc<Counts>, &'n str);

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let begun = self.0.begun.load(Relaxed);
            eprintln!("{} failed in schedule {begun}", self.1);
        }
    }
}

/// A number below `below`, from the schedule.
pub fn draw(below: usize) -> usize {
    thread_rng().gen_range(0..below)
}

/// True once in `times`, from the schedule.
pub fn one_in(times: usize) -> bool {
    draw(times) == 0
}

/// One of `choices`, from the schedule.
///
/// # Panics
///
/// When there is none.
pub fn pick<T: Copy>(choices: &[T]) -> T {
    choices[draw(choices.len())]
}

/// Runs `scenario` in as many schedules as `SHUTTLE_ITERATIONS` asks for, and prints how many that
/// were; or, with `SHUTTLE_REPLAY`, in the one schedule from that file.
///
/// # Panics
///
/// When a schedule fails, when anything in it panicked unasked, and when there were fewer than
/// asked for.
pub fn explore(name: &str, scheduler: Scheduler, scenario: fn()) {
    count_panics();
    let tally = Tally(Arc::default(), name);
    let counts = Arc::clone(&tally.0);
    let run = move || {
        counts.begun.fetch_add(1, Relaxed);
        scenario();
        assert_eq!(PANICS.get(), 0, "something panicked and was caught");
        let steps = shuttle::current::context_switches();
        counts.steps.fetch_add(steps, Relaxed);
        counts.ended.fetch_add(1, Relaxed);
    };
    if let Some(file) = std::env::var_os("SHUTTLE_REPLAY") {
        let replay = ReplayScheduler::new_from_file(PathBuf::from(file));
        Runner::new(replay.expect("a schedule"), config()).run(run);
        return;
    }
    let asked = iterations();
    let start = Instant::now();
    let counted = schedules(scheduler, asked, run);
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(counted, asked, "{name}: fewer schedules than asked for");
    let (begun, ended) = (tally.0.begun.load(Relaxed), tally.0.ended.load(Relaxed));
    assert_eq!((begun, ended), (asked, asked), "{name}: not all ended");
    let steps = tally.0.steps.load(Relaxed) / asked;
    println!("schedules {name} {scheduler:?} {asked} {seconds:.2} {steps}");
}

fn schedules(
    scheduler: Scheduler,
    asked: usize,
    run: impl Fn() + Clone + Send + Sync + 'static,
) -> usize {
    let seed = seed();
    match scheduler {
        Scheduler::Random => {
            Runner::new(RandomScheduler::new_from_seed(seed, asked), config()).run(run)
        }
        Scheduler::Pct => {
            let depths = [3, 4, 5];
            let shares = [asked.div_ceil(3), (asked + 1) / 3, asked / 3];
            let each = depths
                .into_iter()
                .zip(shares)
                .filter(|(_, share)| *share > 0);
            each.map(|(depth, share)| {
                let pct = PctScheduler::new_from_seed(seed ^ depth as u64, depth, share);
                Runner::new(pct, config()).run(run.clone())
            })
            .sum()
        }
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true;
    if let Some(directory) = std::env::var_os("SHUTTLE_SCHEDULES") {
        config.failure_persistence = FailurePersistence::File(Some(directory.into()));
    }
    config
}

/// Without `SHUTTLE_RANDOM_SEED`, which shuttle's own schedulers prefer to ours, another one each time.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

fn iterations() -> usize {
    let asked = std::env::var("SHUTTLE_ITERATIONS").ok();
    asked.map_or(FEW, |asked| asked.parse().expect("a number of schedules"))
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            report(panic);
        }));
    });
}
