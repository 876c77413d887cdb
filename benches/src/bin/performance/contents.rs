//! What a complete set of runs holds, and how it is shown: scenarios, curves, rows of targets.
//!
//! `rivals` names them; these are the same names. A run that has one more, or one less, is refused, so
//! that no scenario goes without a table.

/// The contender that is ours where only one is shown.
pub(crate) const OURS: &str = "ours-affine";

/// One scenario, and with whom everybody is compared in it.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) name: &'static str,
    pub(crate) bases: &'static [&'static str],
}

const fn wanted(name: &'static str, bases: &'static [&'static str]) -> Wanted {
    Wanted { name, bases }
}

/// All of them.
pub(crate) static SCENARIOS: [Wanted; 20] = [
    wanted("S1-threads", &["ring", "mutex", "r2d2"]),
    wanted("S1-tasks", &["ring", "semaphore", "deadpool"]),
    wanted("S2-threads", &["ring", "mutex"]),
    wanted("S2-tasks", &["ring", "semaphore"]),
    wanted("S3-threads", &["ring", "mutex"]),
    wanted("S3-tasks", &["ring", "semaphore"]),
    wanted("S3W-tasks", &["semaphore", "deadpool", "bb8"]),
    wanted("S4-threads", &["mutex", "r2d2"]),
    wanted("S4-tasks", &["semaphore", "deadpool"]),
    wanted("S5-threads", &["mutex"]),
    wanted("S5-tasks", &["semaphore"]),
    wanted("S6-tasks", &[]),
    wanted("S7-tasks", &["semaphore", "deadpool", "bb8"]),
    wanted("S8-tasks", &[]),
    wanted("S9-tasks", &[]),
    wanted("GO-threads", &["mutex"]),
    wanted("GP-threads", &["mutex"]),
    wanted("GA-threads", &["mutex"]),
    wanted("GT-threads", &["mutex"]),
    wanted("GW-tasks", &["semaphore", "deadpool"]),
];

/// What is known of the scenario with this name.
pub(crate) fn scenario(name: &str) -> Option<&'static Wanted> {
    SCENARIOS.iter().find(|wanted| wanted.name == name)
}

/// A scenario whose measures are the points of a curve.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) scenario: &'static str,
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// What grows.
    pub(crate) along: &'static str,
}

/// All of them.
pub(crate) static CURVES: [Curve; 5] = [
    Curve {
        scenario: "GO-threads",
        file: "max-size.svg",
        title: "One thread, never empty, by the size of the pool",
        along: "max_size (of many objects at least 1000 are made)",
    },
    Curve {
        scenario: "GP-threads",
        file: "pools.svg",
        title: "One thread that goes round the pools, by their number",
        along: "pools of one object",
    },
    Curve {
        scenario: "GT-threads",
        file: "threads.svg",
        title: "8 objects, 50 ns of work while holding, by the threads",
        along: "threads",
    },
    Curve {
        scenario: "GW-tasks",
        file: "waiters.svg",
        title: "4 objects held across a yield, by the tasks",
        along: "tasks, nearly all of them waiting",
    },
    Curve {
        scenario: "GA-threads",
        file: "history.svg",
        title: "One thread, never empty, before and after 32 threads have waited",
        along: "32 threads on 8 objects",
    },
];

/// The rows of the targets, in the order in which they are shown.
pub(crate) static ROWS: [&str; 19] = [
    "S1 sync",
    "S1 async",
    "owned sync",
    "owned async",
    "S2 sync",
    "S2 async",
    "S3 sync",
    "S3 async",
    "S3W",
    "S4 threads",
    "S4 async",
    "S4 mixed (S9)",
    "S5 async",
    "S5 threads",
    "S6",
    "S7",
    "GO",
    "GP",
    "GA",
];

/// A line of the short table: a scenario, in a few words.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) scenario: &'static str,
    pub(crate) words: &'static str,
    /// Which of the scenario's measures, by its name.
    pub(crate) measure: &'static str,
}

const fn line(scenario: &'static str, measure: &'static str, words: &'static str) -> Line {
    Line {
        scenario,
        words,
        measure,
    }
}

/// All of them.
pub(crate) static SHORT: [Line; 13] = [
    line("S1-threads", "time", "one thread"),
    line("S2-threads", "time", "two threads"),
    line("S3-threads", "time", "8 threads, 8 objects"),
    line("S4-threads", "throughput", "16 threads, 4 objects"),
    line("S4-threads", "longest", "the longest wait among them"),
    line("S1-tasks", "time", "one task"),
    line("S2-tasks", "time", "two tasks"),
    line("S3-tasks", "time", "64 tasks, 8 objects"),
    line("S3W-tasks", "time", "the same, most of them waiting"),
    line("S4-tasks", "throughput", "64 tasks, 4 objects"),
    line("S4-tasks", "longest", "the longest wait among them"),
    line(
        "S7-tasks",
        "served",
        "256 tasks that keep giving up, served",
    ),
    line("S6-tasks", "object", "memory per object, beyond itself"),
];

/// The columns of the short table: what it is called there, and the contenders that it may be.
pub(crate) static COLUMNS: [(&str, &[&str]); 7] = [
    ("ours", &[OURS]),
    ("by hand", &["mutex", "semaphore"]),
    ("r2d2", &["r2d2"]),
    ("deadpool", &["deadpool"]),
    ("bb8", &["bb8"]),
    ("asyncband", &["asyncband"]),
    ("mobc", &["mobc"]),
];
