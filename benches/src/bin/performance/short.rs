//! The short table: a line per question, a column per pool that many people know.
//!
//! Decides which rounds stand for a scenario where two kinds were measured.

use crate::contents::{COLUMNS, Line, SHORT};
use crate::markdown::{NONE, Side, shown, table};
use crate::runs::{Measure, Scenario, Which};

/// Near where there were such rounds; but rather another kind than one that some have no figures of.
fn kind(scenario: &Scenario) -> (&'static str, Which) {
    let known = |which| figures(scenario, 0, which).iter().flatten().count();
    let mut best = (if scenario.contended { "all" } else { "" }, None);
    for (kind, which) in scenario.kinds().into_iter().rev() {
        if known(which) >= known(best.1) {
            best = (kind, which);
        }
    }
    best
}

/// The figures of a line, in the order of the columns.
fn figures(scenario: &Scenario, number: usize, which: Which) -> Vec<Option<f64>> {
    let of = |names: &[&str]| {
        let entry = names.iter().find_map(|name| scenario.entry(name))?;
        entry.median(number, which)
    };
    COLUMNS.iter().map(|(_, names)| of(names)).collect()
}

/// Shows the figures, and the best of them bold.
fn cells(figures: &[Option<f64>], measure: &Measure) -> Vec<String> {
    let some = figures.iter().flatten().copied();
    let best = if measure.less_is_better() {
        some.min_by(f64::total_cmp)
    } else {
        some.max_by(f64::total_cmp)
    };
    let cell = |figure: &Option<f64>| match figure {
        None => NONE.to_owned(),
        Some(figure) if Some(*figure) == best => format!("**{}**", shown(*figure, &measure.unit)),
        Some(figure) => shown(*figure, &measure.unit),
    };
    figures.iter().map(cell).collect()
}

fn row(line: &Line, scenarios: &[Scenario]) -> Option<Vec<String>> {
    let mut all = scenarios.iter();
    let scenario = all.find(|scenario| scenario.name() == line.scenario)?;
    let mut measures = scenario.measures().iter().enumerate();
    let (number, measure) = measures.find(|(_, measure)| measure.measure == line.measure)?;
    let (kind, which) = kind(scenario);
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!(", {kind}")
    };
    let words = format!("{}{kind}, {}", line.words, measure.unit);
    let mut row = vec![words];
    row.extend(cells(&figures(scenario, number, which), measure));
    Some(row)
}

pub(crate) fn block(scenarios: &[Scenario]) -> String {
    let names = COLUMNS.iter().map(|(name, _)| (*name).to_owned());
    let head: Vec<_> = [String::new()].into_iter().chain(names).collect();
    let rows: Vec<_> = SHORT.iter().filter_map(|l| row(l, scenarios)).collect();
    table(&head, &rows, Side::Right)
}
