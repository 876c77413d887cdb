//! Whether everything is there that tables and curves are made of. Half a table would look like a whole
//! one.

use crate::contents::{self, CURVES, OURS, SCENARIOS, SHORT, Wanted};
use crate::runs::{Entry, Scenario};

/// What is wanting of one scenario.
fn gaps(scenario: &Scenario, wanted: &Wanted) -> Vec<String> {
    let name = wanted.name;
    let gap = |who: &&str| match scenario.entry(who) {
        None => Some(format!("{name} has no {who}")),
        Some(entry) if entry.failed.is_none() && entry.median(0, None).is_none() => {
            Some(format!("{name} has no figures of {who}"))
        }
        Some(_) => None,
    };
    let needed = wanted.bases.iter().chain([&OURS]);
    needed.filter_map(gap).collect()
}

/// Points that our curve in this scenario lacks.
fn holes(scenario: &Scenario, ours: &Entry) -> Vec<String> {
    let measures = scenario.measures().iter().enumerate();
    let hole = measures.filter(|(number, _)| ours.median(*number, None).is_none());
    let name = scenario.name();
    hole.map(|(_, point)| format!("{name} has no figure of {OURS} at {}", point.measure))
        .collect()
}

fn missing(scenarios: &[Scenario]) -> Vec<String> {
    let find = |name: &str| scenarios.iter().find(|s| s.name() == name);
    let mut missing = Vec::new();
    for wanted in &SCENARIOS {
        match find(wanted.name) {
            None => missing.push(format!("no scenario {}", wanted.name)),
            Some(scenario) => missing.extend(gaps(scenario, wanted)),
        }
    }
    for scenario in CURVES.iter().filter_map(|curve| find(curve.scenario)) {
        let ours = scenario.entry(OURS);
        missing.extend(ours.into_iter().flat_map(|ours| holes(scenario, ours)));
    }
    for line in &SHORT {
        let measured = |s: &Scenario| s.measures().iter().any(|m| m.measure == line.measure);
        if find(line.scenario).is_some_and(|scenario| !measured(scenario)) {
            missing.push(format!("{} has no {}", line.scenario, line.measure));
        }
    }
    let names = scenarios.iter().map(Scenario::name);
    let unknown = names.filter(|name| contents::scenario(name).is_none());
    missing.extend(unknown.map(|name| format!("{name} is not known here (contents.rs)")));
    missing
}

/// # Errors
///
/// With everything that is missing.
pub(crate) fn check(scenarios: &[Scenario]) -> Result<(), String> {
    let missing = missing(scenarios);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("incomplete:\n       {}", missing.join("\n       ")))
    }
}
