//! The growth scenarios as curves: a point per measure, a line per contender, a panel per kind of rounds.
//!
//! Decides who is drawn. Knows nothing of pixels.

use crate::contents::{Curve, OURS};
use crate::runs::{Entry, Scenario, Which};

/// One contender.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// In nanoseconds; nothing where it was not measured.
    pub(crate) figures: Vec<Option<f64>>,
}

/// Lines that can be compared with each other.
#[derive(Debug, PartialEq)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
}

/// What one file shows.
#[derive(Debug, PartialEq)]
pub(crate) struct Graph {
    pub(crate) title: String,
    pub(crate) along: String,
    /// What stands below the points.
    pub(crate) points: Vec<String>,
    pub(crate) panels: Vec<Panel>,
}

fn line(entry: &Entry, which: Which) -> Option<Line> {
    let points = 0..entry.measures.len();
    let figures: Vec<_> = points.map(|point| entry.median(point, which)).collect();
    figures.iter().any(Option::is_some).then(|| Line {
        name: entry.contender.clone(),
        figures,
    })
}

/// Ours with the default strategy, and everybody else's.
fn is_drawn(entry: &&Entry) -> bool {
    entry.contender == OURS || !entry.contender.starts_with("ours-")
}

fn panel(scenario: &Scenario, kind: &str, which: Which) -> Panel {
    let entries = scenario.entries.iter().filter(is_drawn);
    let title = match kind {
        "" => String::new(),
        "all" => "all rounds".to_owned(),
        kind => format!("{kind} processors"),
    };
    Panel {
        title,
        lines: entries.filter_map(|entry| line(entry, which)).collect(),
    }
}

/// The graph of `curve`; `None` where its scenario was not measured.
pub(crate) fn graph(curve: &Curve, scenarios: &[Scenario]) -> Option<Graph> {
    let scenario = scenarios.iter().find(|s| s.name() == curve.scenario)?;
    let kinds = scenario.kinds().into_iter();
    let panels = kinds.map(|(kind, which)| panel(scenario, kind, which));
    let panels: Vec<_> = panels.filter(|panel| !panel.lines.is_empty()).collect();
    let points = scenario.measures().iter().map(|m| m.measure.clone());
    (!panels.is_empty()).then(|| Graph {
        title: curve.title.to_owned(),
        along: curve.along.to_owned(),
        points: points.collect(),
        panels,
    })
}
