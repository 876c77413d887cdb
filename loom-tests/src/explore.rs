//! Exploring a model to its end, and noticing when it was not.
//!
//! Loom's limits on permutations and time pass silently, so neither is used; what runs into the limit
//! on branches panics. A model that became trivial (a thread that no longer meets the other) passes
//! too: so each has a least number of executions, in `executions.txt`, below which it fails. They are
//! counted with the loom that `ci/loom.sh` patches; the one in the registry leaves some out
//! (`docs/models.md`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// With fewer, the longer models run into the limit.
const LEAST_BRANCHES: usize = 20_000;

/// The preemptions for which `executions.txt` was written.
const RECORDED_PREEMPTIONS: usize = 2;

const TIER: &str = if cfg!(feature = "__loom_lock") {
    "lock"
} else {
    "ring"
};

/// Runs every interleaving of `model` within the preemption bound.
///
/// # Panics
///
/// When an execution panics, when not all of them ended, and when there were fewer than recorded
/// (unless `LOOM_UNCOUNTED` is set: to record them anew, or to break the engine on purpose).
/// A deadlock ends the process.
pub fn explore(name: &str, model: impl Fn() + Send + Sync + 'static) {
    let begun = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let preemptions = number("LOOM_MAX_PREEMPTIONS").unwrap_or(RECORDED_PREEMPTIONS);
    let mut loom = loom::model::Builder::new();
    loom.preemption_bound = Some(preemptions);
    loom.max_branches =
        number("LOOM_MAX_BRANCHES").map_or(LEAST_BRANCHES, |most| most.max(LEAST_BRANCHES));
    loom.max_permutations = None;
    loom.max_duration = None;
    loom.checkpoint_file = None;
    let (beginning, ending) = (Arc::clone(&begun), Arc::clone(&ended));
    loom.check(move || {
        beginning.fetch_add(1, Relaxed);
        model();
        ending.fetch_add(1, Relaxed);
    });
    let executions = begun.load(Relaxed);
    assert_eq!(
        executions,
        ended.load(Relaxed),
        "{name}: not every one ended"
    );
    println!("executions {TIER} {name} {executions}");
    if preemptions >= RECORDED_PREEMPTIONS && std::env::var_os("LOOM_UNCOUNTED").is_none() {
        check_count(name, executions);
    }
}

fn check_count(name: &str, executions: usize) {
    let least = recorded(name);
    assert!(
        least.is_some_and(|least| executions >= least),
        "{name}: {executions} executions on the {TIER}, recorded: {least:?}; fewer means that the \
         model covers less than it did (`ci/loom.sh --record` if that is meant), or that it was not \
         run by `ci/loom.sh`, which patches loom"
    );
}

fn recorded(name: &str) -> Option<usize> {
    include_str!("../executions.txt").lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let found = words.next() == Some(TIER) && words.next() == Some(name);
        found.then(|| words.next()?.parse().ok()).flatten()
    })
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}
