//! The table at the end, and whether the books balance.
//!
//! Decides what counts as balanced: the pool's own audit, every object accounted for, and as many
//! rows in the database as the callers counted.

use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use nebula_resource::engine::{Driver, Pool};

use crate::Error;
use crate::tally::{Crowd, Rows, Tally, found};

/// How long what runs in the background may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Report {
    title: String,
    callers: Table,
    objects: Table,
    checks: Vec<Check>,
}

/// Something that has to hold.
struct Check {
    holds: bool,
    what: String,
}

impl Report {
    /// Closes the pool and looks into its books, before and after.
    pub(crate) fn draw_up<D: Driver>(
        backend: &str,
        crowd: &Crowd,
        rows: &Rows,
        pool: &Pool<D>,
    ) -> Result<Self, Error> {
        let mut objects = table(["objects", "created", "alive", "destroyed"]);
        let mut checks = vec![settled(pool, "the work is done", &mut objects)];
        let all_gone = pool.close().wait_timeout(PATIENCE);
        checks.push(settled(pool, "the pool is closed", &mut objects));
        checks.push(Check {
            holds: all_gone && pool.status().size == 0,
            what: "a closed pool has no objects left".to_owned(),
        });
        checks.extend(
            crowd
                .kinds()
                .map(|(kind, tally)| all_there(kind, tally, rows)),
        );
        Ok(Self {
            title: format!("One pool on {backend}, three kinds of callers at the same time"),
            callers: callers(crowd, rows)?,
            objects,
            checks,
        })
    }

    /// Answers whether everything holds.
    pub(crate) fn print(&self) -> bool {
        println!("\n{}\n{}\n{}", self.title, self.callers, self.objects);
        for Check { holds, what } in &self.checks {
            println!("{} {what}", if *holds { "  ok  " } else { "WRONG " });
        }
        self.checks.iter().all(|check| check.holds)
    }
}

/// Notes the objects, and checks that none is unaccounted for.
fn settled<D: Driver>(pool: &Pool<D>, when: &str, objects: &mut Table) -> Check {
    // Objects are destroyed in the background; let that come to its end.
    let began = Instant::now();
    while pool.stats().destroyed < pool.stats().retired && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
    }
    let (stats, alive) = (pool.stats(), pool.status().size as u64);
    let numbers = [stats.created, alive, stats.destroyed].map(|number| number.to_string());
    objects.add_row([vec![format!("when {when}")], numbers.to_vec()].concat());
    Check {
        holds: pool.audit().balanced() && stats.created == alive + stats.destroyed,
        what: format!(
            "when {when}: created = alive + destroyed ({} = {alive} + {})",
            stats.created, stats.destroyed
        ),
    }
}

/// As many rows as operations, and at least one.
fn all_there(kind: &str, tally: &Tally, rows: &Rows) -> Check {
    let (found, counted) = (found(rows, kind), tally.operations());
    Check {
        holds: found == counted && counted > 0,
        what: format!("{kind}: {counted} inserts counted, {found} rows in the database"),
    }
}

fn callers(crowd: &Crowd, rows: &Rows) -> Result<Table, Error> {
    let mut table = table([
        "caller",
        "operations",
        "share",
        "wait p50",
        "wait p99",
        "wait max",
        "rows",
    ]);
    let all = crowd.everybody()?;
    for (kind, tally) in crowd.kinds() {
        table.add_row(line(kind, tally, &all, found(rows, kind)));
    }
    let rows = crowd
        .kinds()
        .iter()
        .map(|(kind, _)| found(rows, kind))
        .sum();
    table.add_row(line("together", &all, &all, rows));
    Ok(table)
}

fn line(kind: &str, tally: &Tally, all: &Tally, rows: u64) -> [String; 7] {
    let share = 100.0 * tally.operations() as f64 / all.operations().max(1) as f64;
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| millis(tally.wait_at(quantile)));
    [
        kind.to_owned(),
        tally.operations().to_string(),
        format!("{share:.1} %"),
        p50,
        p99,
        max,
        rows.to_string(),
    ]
}

fn millis(span: Duration) -> String {
    format!("{:.3} ms", span.as_secs_f64() * 1e3)
}

/// A table whose numbers stand on the right.
fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
