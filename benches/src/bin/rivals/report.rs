//! What was measured, as tables for a terminal and as JSON for other programs.
//!
//! Decides the columns. Measures nothing, and judges nothing.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::figures::Distance;
use crate::machine::Machine;
use crate::outcome::{Entry, Outcome, Which};
use crate::scenarios::Measure;
use crate::verdicts::{self, Verdict};

/// The lock file that this program was built with knows the versions.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// What stands where there is no figure.
const NONE: &str = "–";

/// The version of a package in our lock file; of several the first.
fn version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = ")?;
    Some(version.trim_matches('"').to_owned())
}

fn shown(figure: Option<f64>, measure: &Measure) -> String {
    match figure {
        Some(figure) => format!("{figure:.*}", measure.digits),
        None => NONE.to_owned(),
    }
}

/// A median, and the minimum beside it where there is only one measure.
fn with_minimum(entry: &Entry, measure: &Measure, which: Which) -> String {
    match entry.median(0, which) {
        None => NONE.to_owned(),
        median => {
            let median = shown(median, measure);
            format!("{median} ({})", shown(entry.minimum(0, which), measure))
        }
    }
}

/// The outcomes of one run.
pub(crate) struct Report {
    outcomes: Vec<Outcome>,
    machine: Machine,
    verdicts: Vec<Verdict>,
}

impl Report {
    pub(crate) fn new(outcomes: Vec<Outcome>, machine: Machine) -> Self {
        let verdicts = verdicts::all(&outcomes);
        Self {
            outcomes,
            machine,
            verdicts,
        }
    }

    /// Who took part, each once.
    fn versions(&self) -> Vec<String> {
        let entries = self.outcomes.iter().flat_map(|outcome| &outcome.entries);
        let mut packages: Vec<_> = entries.map(|entry| entry.contender.package).collect();
        packages.sort_unstable();
        packages.dedup();
        let one = |package| {
            let version = version(LOCK, package).unwrap_or_else(|| "?".to_owned());
            format!("{package} {version}")
        };
        packages.into_iter().map(one).collect()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "machine": self.machine,
            "versions": self.versions(),
            "scenarios": self.outcomes,
            "verdicts": self.verdicts,
        })
    }

    pub(crate) fn print(&self) {
        println!("{}\n", self.versions().join(", "));
        for outcome in &self.outcomes {
            println!("{}", heading(outcome));
            for (title, table) in tables(outcome) {
                println!("{title}{table}");
            }
            for note in notes(outcome) {
                println!("{note}");
            }
            println!();
        }
        if !self.verdicts.is_empty() {
            println!("Targets\n{}", verdict_table(&self.verdicts));
        }
        if let Some(doubts) = self.machine.doubts() {
            println!("\n{doubts}");
        }
    }
}

fn heading(outcome: &Outcome) -> String {
    let scenario = outcome.scenario;
    format!(
        "{} {}: {}",
        scenario.id,
        scenario.callers.name(),
        scenario.title
    )
}

/// How many rounds were of which kind; how who failed.
fn notes(outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    if outcome.scenario.contended {
        let rounds = |distance| outcome.rounds(Which::Only(distance));
        notes.push(format!(
            "rounds: {} near, {} between, {} far (at most, per contender)",
            rounds(Distance::Near),
            rounds(Distance::Between),
            rounds(Distance::Far)
        ));
    }
    for entry in &outcome.entries {
        if let Some(failure) = &entry.failed {
            notes.push(format!("{}: {failure}", entry.contender.name));
        }
    }
    notes
}

/// The kinds of rounds that have columns, or tables, of their own.
fn kinds(outcome: &Outcome) -> Vec<(&'static str, Which)> {
    if !outcome.scenario.contended {
        return vec![("", Which::All)];
    }
    let near = ("near", Which::Only(Distance::Near));
    let far = ("far", Which::Only(Distance::Far));
    let has_rounds = |&(_, which): &(&str, Which)| outcome.rounds(which) > 0;
    let mut kinds: Vec<_> = [near, far].into_iter().filter(has_rounds).collect();
    if mostly_between(outcome) {
        kinds.push(("all", Which::All));
    }
    kinds
}

/// Whether so many rounds were neither near nor far that these two say too little.
fn mostly_between(outcome: &Outcome) -> bool {
    let count = |which| -> usize {
        let entries = outcome.entries.iter();
        entries.map(|entry| entry.rounds(which)).sum()
    };
    count(Which::Only(Distance::Between)) * 4 >= count(Which::All)
}

fn tables(outcome: &Outcome) -> Vec<(String, Table)> {
    if let [measure] = outcome.scenario.measures {
        return vec![(String::new(), single(outcome, measure))];
    }
    let kinds = kinds(outcome);
    let titled = |(name, which): (&str, Which)| {
        let title = if name.is_empty() {
            String::new()
        } else {
            format!("{name}\n")
        };
        (title, multiple(outcome, which))
    };
    kinds.into_iter().map(titled).collect()
}

fn new_table(head: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// How many times as good as the base: above one is better than it.
pub(crate) fn times_as_good(figure: f64, base: f64, measure: &Measure) -> f64 {
    if measure.less_is_better {
        base / figure
    } else {
        figure / base
    }
}

/// Ratios of one contender to the scenario's bases.
fn ratios(outcome: &Outcome, entry: &Entry, measure: &Measure, which: Which) -> Vec<String> {
    let ratio = |base: &&str| {
        let base = outcome.entry(base).and_then(|base| base.median(0, which));
        let figure = entry.median(0, which);
        match figure.zip(base) {
            Some((figure, base)) => format!("{:.2}", times_as_good(figure, base, measure)),
            None => NONE.to_owned(),
        }
    };
    outcome.scenario.bases.iter().map(ratio).collect()
}

fn unit(measure: &Measure) -> String {
    if measure.unit.is_empty() {
        measure.name.to_owned()
    } else {
        format!("{} {}", measure.name, measure.unit)
    }
}

/// A table of these rows, in which failures are said, and those who could not take part are named.
fn filled(head: Vec<String>, rows: Vec<Vec<String>>, outcome: &Outcome) -> Table {
    let width = head.len();
    let mut table = new_table(head);
    for (mut row, entry) in rows.into_iter().zip(&outcome.entries) {
        if let (Some(failure), Some(cell)) = (&entry.failed, row.get_mut(1)) {
            failure.in_short().clone_into(cell);
        }
        table.add_row(row);
    }
    for &name in &outcome.absent {
        let mut row = vec![NONE; width];
        row[0] = name;
        table.add_row(row);
    }
    table
}

/// One measure: near and far beside each other.
fn single(outcome: &Outcome, measure: &Measure) -> Table {
    let kinds = kinds(outcome);
    let mut head = vec!["contender".to_owned()];
    for (name, _) in &kinds {
        head.push(format!("{name} {} (min)", unit(measure)).trim().to_owned());
        for base in outcome.scenario.bases {
            head.push(format!("× {base}"));
        }
    }
    let mut rows = Vec::new();
    for entry in &outcome.entries {
        let mut row = vec![entry.contender.name.to_owned()];
        for (_, which) in &kinds {
            row.push(with_minimum(entry, measure, *which));
            row.extend(ratios(outcome, entry, measure, *which));
        }
        rows.push(row);
    }
    filled(head, rows, outcome)
}

/// Several measures, in rounds of one kind.
fn multiple(outcome: &Outcome, which: Which) -> Table {
    let measures = outcome.scenario.measures;
    let mut head = vec!["contender".to_owned()];
    head.extend(measures.iter().map(unit));
    head.extend(
        outcome
            .scenario
            .bases
            .iter()
            .map(|base| format!("× {base}")),
    );
    head.push("rounds".to_owned());
    let mut rows = Vec::new();
    for entry in &outcome.entries {
        let mut row = vec![entry.contender.name.to_owned()];
        let medians = measures.iter().enumerate();
        row.extend(medians.map(|(number, measure)| shown(entry.median(number, which), measure)));
        row.extend(ratios(outcome, entry, &measures[0], which));
        row.push(entry.rounds(which).to_string());
        rows.push(row);
    }
    filled(head, rows, outcome)
}

fn verdict_table(verdicts: &[Verdict]) -> Table {
    let head = ["row", "rounds", "target", "measured", ""];
    let mut table = new_table(head.map(ToOwned::to_owned).to_vec());
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Left);
    }
    for verdict in verdicts {
        table.add_row([
            verdict.row.clone(),
            verdict.rounds.to_owned(),
            verdict.target.clone(),
            verdict.measured.clone(),
            (if verdict.met { "met" } else { "NOT MET" }).to_owned(),
        ]);
    }
    table
}
