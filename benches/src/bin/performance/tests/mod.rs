//! A small set of runs, made by hand, and what becomes of it.

mod files;
mod reading;
mod showing;

use serde_json::{Value, json};

use crate::contents::{CURVES, OURS, SCENARIOS};
use crate::merge::merged;
use crate::runs::{Run, Scenario};

/// Rounds of one measure: `("near", 10.0)`.
fn rounds(figures: &[(&str, f64)]) -> Value {
    let round = |(distance, figure): &(&str, f64)| json!({"distance": distance, "crossings": [0, 0], "figures": [figure]});
    figures.iter().map(round).collect()
}

fn entry(name: &str, figures: &[(&str, f64)]) -> Value {
    json!({
        "contender": name,
        "failed": null,
        "measures": [{"measure": "time", "unit": "ns", "median": 0.0}],
        "rounds": rounds(figures),
    })
}

fn scenario(name: &str, contended: bool, entries: &[Value]) -> Value {
    let (id, callers) = name.split_once('-').expect("NAME-CALLERS");
    json!({
        "scenario": id,
        "callers": callers,
        "title": format!("what happens in {id}"),
        "contended": contended,
        "entries": entries,
    })
}

fn run(scenarios: &[Value]) -> Value {
    json!({
        "machine": {"processors": 2, "others": 0.01, "stolen": 0.02},
        "versions": ["bb8 0.9.1", "nebula-resource 0.1.0"],
        "scenarios": scenarios,
        "verdicts": [],
    })
}

fn read(value: &Value) -> Run {
    Run::read("a.json", &value.to_string()).expect("a run")
}

fn scenarios(value: &Value) -> Vec<Scenario> {
    merged(&[read(value)]).expect("one run")
}

/// What a scenario measures here: points of a curve, or whatever the short table shows.
fn measures(name: &str) -> Value {
    let names: &[(&str, &str)] = match name {
        "S4-threads" | "S4-tasks" => &[("throughput", "Mop/s"), ("longest", "µs")],
        "S6-tasks" => &[("object", "B")],
        "S7-tasks" => &[("served", "k/s")],
        "GA-threads" => &[("before", "ns"), ("after", "ns")],
        name if CURVES.iter().any(|curve| curve.scenario == name) => &[("1", "ns"), ("10", "ns")],
        _ => &[("time", "ns")],
    };
    let one = |(name, unit): &(&str, &str)| json!({"measure": name, "unit": unit});
    names.iter().map(one).collect()
}

/// One of everybody that tables and curves are made of, in everything.
fn complete() -> Value {
    let scenarios = SCENARIOS.iter().map(|wanted| {
        let measures = measures(wanted.name);
        let points = measures.as_array().map_or(0, Vec::len);
        let figures: Vec<_> = (1..=points).map(|point| 10.0 * point as f64).collect();
        let round = json!({"distance": "near", "crossings": [0, 0], "figures": figures});
        let names = wanted.bases.iter().chain([&OURS]);
        let entries: Vec<_> = names
            .map(|name| {
                json!({"contender": name, "failed": null, "measures": measures, "rounds": [round]})
            })
            .collect();
        scenario(wanted.name, wanted.name.starts_with("GT"), &entries)
    });
    run(&scenarios.collect::<Vec<_>>())
}

/// The scenario with this name in the JSON of a run.
fn within<'a>(run: &'a mut Value, name: &str) -> &'a mut Value {
    let (id, callers) = name.split_once('-').expect("NAME-CALLERS");
    let all = run["scenarios"].as_array_mut().expect("scenarios");
    let mut all = all.iter_mut();
    all.find(|s| s["scenario"] == id && s["callers"] == callers)
        .expect("a scenario")
}
