//! That `rivals` measures everybody and understands what it is asked. How fast anybody is, it does not
//! assert.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

fn rivals(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rivals"))
        .args(args)
        .output()
        .expect("the program")
}

fn measured(args: &[&str]) -> Value {
    let output = rivals(&[args, &["--rounds", "1", "--millis", "5", "--json", "-"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().expect(name)
}

/// The contenders of one scenario, each with a positive figure.
fn contenders(scenario: &Value) -> BTreeSet<&str> {
    let entries = list(scenario, "entries").iter();
    let name = |entry: &'_ Value| entry["contender"].as_str().map(ToOwned::to_owned);
    for entry in entries.clone() {
        assert!(entry["failed"].is_null(), "{:?}: {entry}", name(entry));
        let median = list(entry, "measures")[0]["median"].as_f64();
        assert!(
            median.is_some_and(|m| m > 0.0),
            "{:?}: {entry}",
            name(entry)
        );
    }
    entries.filter_map(|e| e["contender"].as_str()).collect()
}

#[test]
fn everybody_is_measured() {
    let run = measured(&["--only", "S1"]);
    let [threads, tasks] = &list(&run, "scenarios")[..] else {
        panic!("S1 has two kinds of callers: {run}");
    };
    let (threads, tasks) = (contenders(threads), contenders(tasks));
    for name in [
        "ring",
        "mutex",
        "ours-affine",
        "ours-fifo",
        "ours-lifo",
        "r2d2",
    ] {
        assert!(threads.contains(name), "{name} of {threads:?}");
    }
    for name in [
        "semaphore",
        "ours-affine",
        "bb8",
        "deadpool",
        "mobc",
        "asyncband",
        "qp",
    ] {
        assert!(tasks.contains(name), "{name} of {tasks:?}");
    }
    let all: BTreeSet<_> = threads.union(&tasks).collect();
    assert!(all.len() >= 22, "{all:?}");
    let verdicts = list(&run, "verdicts");
    assert!(verdicts.len() >= 8, "{verdicts:?}");
    assert!(verdicts.iter().all(|v| v["met"].is_boolean()));
}

#[test]
fn contended_rounds_say_how_far_apart_the_processors_were() {
    let run = measured(&[
        "--only",
        "s2-threads",
        "--contenders",
        "ring,mutex,ours-affine",
    ]);
    let [scenario] = &list(&run, "scenarios")[..] else {
        panic!("one was asked for: {run}");
    };
    assert_eq!(contenders(scenario).len(), 3);
    for entry in list(scenario, "entries") {
        let [round] = &list(entry, "rounds")[..] else {
            panic!("one round was asked for: {entry}");
        };
        let distance = round["distance"].as_str().unwrap_or_default();
        assert!(["near", "between", "far"].contains(&distance), "{round}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    for (args, wrong, known) in [
        (["--contenders", "hikari"], "hikari", "deadpool"),
        (["--only", "S99"], "S99", "S3W"),
    ] {
        let output = rivals(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(wrong) && said.contains(known), "{said}");
    }
    assert_eq!(rivals(&["--rounds", "0"]).status.code(), Some(2));
}
