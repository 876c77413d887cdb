//! The targets: each as every run has judged it, row by row.
//!
//! Decides what is said of a target that runs judge differently, and of what none has judged. Lays no
//! bound against a figure itself.

use crate::contents::ROWS;
use crate::markdown::{NONE, Side, table};
use crate::runs::{Distance, Run, Scenario, Verdict, Which};

/// A target, and what each run that had figures for it says.
struct Target<'a> {
    first: &'a Verdict,
    all: Vec<&'a Verdict>,
}

impl Target<'_> {
    fn met(&self) -> usize {
        self.all.iter().filter(|verdict| verdict.met).count()
    }

    fn is_met(&self) -> bool {
        self.met() == self.all.len()
    }

    fn cells(&self) -> Vec<String> {
        let measured: Vec<_> = self.all.iter().map(|v| v.measured.as_str()).collect();
        let (met, of) = (self.met(), self.all.len());
        let verdict = match met {
            _ if self.is_met() => "met".to_owned(),
            0 => "**not met**".to_owned(),
            _ => format!("**met in {met} of {of} runs**"),
        };
        vec![
            self.first.row.clone(),
            self.first.rounds.clone(),
            self.first.target.clone(),
            measured.join(", "),
            verdict,
        ]
    }
}

fn same(one: &Verdict, other: &Verdict) -> bool {
    (&one.row, &one.rounds, &one.target) == (&other.row, &other.rounds, &other.target)
}

/// Where a row stands; those that are not expected come last.
fn place(row: &str) -> usize {
    let mut rows = ROWS.iter();
    rows.position(|known| *known == row).unwrap_or(ROWS.len())
}

fn targets(runs: &[Run]) -> Vec<Target<'_>> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    for verdict in runs.iter().flat_map(|run| &run.verdicts) {
        match targets.iter_mut().find(|t| same(t.first, verdict)) {
            Some(known) => known.all.push(verdict),
            None => targets.push(Target {
                first: verdict,
                all: vec![verdict],
            }),
        }
    }
    targets.sort_by_key(|target| place(&target.first.row));
    targets
}

/// A row that no run has a figure for is not met.
fn unanswered(row: &str) -> Vec<String> {
    let cells = [row, NONE, NONE, "nothing", "**not met**"];
    cells.map(ToOwned::to_owned).to_vec()
}

/// Scenarios that are judged near and far, and had no rounds of one kind.
fn unseen(scenarios: &[Scenario], (kind, which): (&str, Which)) -> Option<String> {
    let contended = scenarios.iter().filter(|scenario| scenario.contended);
    let unseen = contended.filter(|scenario| scenario.rounds(which) == 0);
    let names: Vec<_> = unseen.map(Scenario::name).collect();
    (!names.is_empty()).then(|| format!("\nWithout {kind} rounds: {}.\n", names.join(", ")))
}

pub(crate) fn block(runs: &[Run], scenarios: &[Scenario]) -> String {
    let targets = targets(runs);
    let mut rows: Vec<_> = targets.iter().map(Target::cells).collect();
    let judged = |row: &&&str| targets.iter().any(|target| target.first.row == **row);
    let open = ROWS.iter().filter(|row| !judged(row));
    rows.extend(open.map(|row| unanswered(row)));
    rows.sort_by_key(|cells| place(&cells[0]));
    let met = targets.iter().filter(|target| target.is_met()).count();
    let head = ["row", "rounds", "target", "measured", ""].map(ToOwned::to_owned);
    let table = table(&head, &rows, Side::Left);
    let kinds = [("near", Some(Distance::Near)), ("far", Some(Distance::Far))];
    let unseen = kinds.into_iter().filter_map(|kind| unseen(scenarios, kind));
    let unseen: String = unseen.collect();
    format!("{met} of {} met.\n\n{table}{unseen}", rows.len())
}
