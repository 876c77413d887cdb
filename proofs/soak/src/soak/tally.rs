//! What was done in a run, how often, and what came of it.
//!
//! Decides what the summary looks like. Knows nothing of how anything is done.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use comfy_table::{CellAlignment, Table, presets};
use nebula_resource::{AcquireError, RetireReason, Totals};
use serde_json::{Value, json};

use super::plan::{Deed, End, Way};

/// What came of an acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Served,
    Nothing,
    Cancelled,
    TimedOut,
    CreateFailed,
    Paused,
    TooMany,
    Closed,
}

const OUTCOMES: [&str; 8] = [
    "served",
    "nothing idle",
    "cancelled",
    "timed out",
    "create failed",
    "paused",
    "too many",
    "closed",
];
const WAYS: [&str; 7] = [
    "try",
    "try, owned",
    "acquire",
    "acquire, owned",
    "timeout",
    "deadline",
    "many",
];
const DOORS: [&str; 4] = [
    "tokio task",
    "smol task",
    "polling thread",
    "blocking thread",
];
const ENDS: [&str; 7] = [
    "drop",
    "release",
    "release, dropped",
    "detach",
    "discard",
    "panic",
    "left to another thread",
];
const DEEDS: [&str; 10] = [
    "reconfigure",
    "reconfigure, invalid",
    "resize",
    "pause and resume",
    "clear",
    "retain",
    "retain, panicking",
    "maintain",
    "look at everything",
    "change of weather",
];

impl From<&AcquireError> for Outcome {
    fn from(error: &AcquireError) -> Self {
        match error {
            AcquireError::TimedOut(_) => Self::TimedOut,
            AcquireError::CreateFailed(_) => Self::CreateFailed,
            AcquireError::Paused { .. } => Self::Paused,
            AcquireError::TooMany { .. } => Self::TooMany,
            _ => Self::Closed,
        }
    }
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Tokio,
    Smol,
    Polling,
    Blocking,
}

const fn way(way: Way) -> usize {
    match way {
        Way::Try => 0,
        Way::TryOwned => 1,
        Way::Patient => 2,
        Way::PatientOwned => 3,
        Way::Timeout(_) => 4,
        Way::Deadline(_) => 5,
        Way::Many(_) => 6,
    }
}

const fn end(end: End) -> usize {
    match end {
        End::Drop => 0,
        End::Release => 1,
        End::ReleaseDropped(_) => 2,
        End::Detach => 3,
        End::Discard => 4,
        End::Panic => 5,
        End::HandOver => 6,
    }
}

const fn deed(deed: Deed) -> usize {
    match deed {
        Deed::Reconfigure(_) => 0,
        Deed::ReconfigureBadly => 1,
        Deed::Resize(_) => 2,
        Deed::PauseFor(_) => 3,
        Deed::Clear => 4,
        Deed::Retain(_) => 5,
        Deed::RetainPanics => 6,
        Deed::Maintain(_) => 7,
        Deed::Look => 8,
        Deed::Weather(_) => 9,
    }
}

/// The counters of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    acquires: [[AtomicU64; OUTCOMES.len()]; WAYS.len()],
    by_door: [[AtomicU64; OUTCOMES.len()]; DOORS.len()],
    ends: [AtomicU64; ENDS.len()],
    deeds: [AtomicU64; DEEDS.len()],
    created: AtomicU64,
    create_failures: AtomicU64,
    create_elided: AtomicU64,
    recycled: AtomicU64,
    detached: AtomicU64,
    retired: [AtomicU64; RetireReason::ALL.len()],
    /// Pools that lived and were closed.
    pub(crate) pools: AtomicU64,
    /// Times that all callers were at rest and the books had to balance.
    pub(crate) lulls: AtomicU64,
    /// Times that a pool in use was looked at.
    pub(crate) glances: AtomicU64,
}

impl Tally {
    pub(crate) fn acquired(&self, by: Door, how: Way, outcome: Outcome) {
        self.acquires[way(how)][outcome as usize].fetch_add(1, Relaxed);
        self.by_door[by as usize][outcome as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, how: End) {
        self.ends[end(how)].fetch_add(1, Relaxed);
    }

    pub(crate) fn did(&self, what: Deed) {
        self.deeds[deed(what)].fetch_add(1, Relaxed);
    }

    /// A pool is gone; its books go into the sum.
    pub(crate) fn closed(&self, totals: &Totals) {
        self.pools.fetch_add(1, Relaxed);
        self.created.fetch_add(totals.created, Relaxed);
        self.create_failures
            .fetch_add(totals.create_failures, Relaxed);
        self.create_elided.fetch_add(totals.create_elided, Relaxed);
        self.recycled.fetch_add(totals.recycled, Relaxed);
        self.detached.fetch_add(totals.detached, Relaxed);
        for (sum, reason) in self.retired.iter().zip(RetireReason::ALL) {
            sum.fetch_add(totals.retired_for(reason), Relaxed);
        }
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts: Vec<_> = [
            ("pools", &self.pools),
            ("books balanced at rest", &self.lulls),
            ("books looked at in use", &self.glances),
            ("created", &self.created),
            ("creations failed", &self.create_failures),
            ("creations not needed after all", &self.create_elided),
            ("recycled", &self.recycled),
            ("detached", &self.detached),
        ]
        .map(|(name, count)| (name, count.load(Relaxed)))
        .into();
        let retired = self.retired.iter().map(|count| count.load(Relaxed));
        counts.push(("retired", retired.sum()));
        counts
    }

    pub(crate) fn tables(&self) -> Vec<Table> {
        let mut acquires = headed("acquires", &OUTCOMES);
        rows(&mut acquires, &WAYS, &self.acquires);
        let mut doors = headed("by whom", &OUTCOMES);
        rows(&mut doors, &DOORS, &self.by_door);
        let reasons = RetireReason::ALL.map(RetireReason::name);
        vec![
            acquires,
            doors,
            listed("let go by", &ENDS, &self.ends),
            listed("meanwhile", &DEEDS, &self.deeds),
            listed("retired for", &reasons, &self.retired),
            pairs("in all", self.counts()),
        ]
    }

    pub(crate) fn json(&self) -> Value {
        let matrix = |names: &[&str], counts: &[[AtomicU64; OUTCOMES.len()]]| {
            let rows = names.iter().zip(counts);
            rows.map(|(name, row)| ((*name).to_owned(), list(&OUTCOMES, row)))
                .collect::<serde_json::Map<_, _>>()
        };
        let totals = self.counts().into_iter();
        json!({
            "acquires": matrix(&WAYS, &self.acquires),
            "by": matrix(&DOORS, &self.by_door),
            "ends": list(&ENDS, &self.ends),
            "deeds": list(&DEEDS, &self.deeds),
            "retired": list(&RetireReason::ALL.map(RetireReason::name), &self.retired),
            "totals": totals
                .map(|(name, count)| (name.to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>(),
        })
    }
}

fn list(names: &[&str], counts: &[AtomicU64]) -> Value {
    let pairs = names.iter().zip(counts);
    pairs
        .map(|(name, count)| ((*name).to_owned(), json!(count.load(Relaxed))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn headed(what: &str, columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(std::iter::once(&what).chain(columns));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn rows<const N: usize>(table: &mut Table, names: &[&str], counts: &[[AtomicU64; N]]) {
    for (name, row) in names.iter().zip(counts) {
        let row = row.iter().map(|count| count.load(Relaxed).to_string());
        table.add_row(std::iter::once((*name).to_owned()).chain(row));
    }
}

fn listed(what: &str, names: &[&'static str], counts: &[AtomicU64]) -> Table {
    let counts = counts.iter().map(|count| count.load(Relaxed));
    pairs(what, names.iter().copied().zip(counts).collect())
}

fn pairs(what: &str, pairs: Vec<(&'static str, u64)>) -> Table {
    let mut table = headed(what, &["times"]);
    for (name, count) in pairs {
        table.add_row([name.to_owned(), count.to_string()]);
    }
    table
}
