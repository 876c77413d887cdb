//! That the league's rows can be failed: the hidden pool that does everything wrong fails every one of
//! them, for a reason of the row's own.
//!
//! That they can be passed is shown by our pools (`ci/league.sh`).

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// What the league says of `contenders`, asked about all rows.
fn league(contenders: &str, more: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_fault-league"))
        .args(["--json", "--jobs", "8", "--contenders", contenders])
        .args(more)
        .output()
        .expect("the league");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn field<'a>(result: &'a Value, name: &str) -> &'a str {
    result[name].as_str().unwrap_or_default()
}

#[test]
fn every_row_can_be_failed() {
    let results = league("broken", &["--limit", "40"]);
    let rows: BTreeSet<_> = results.iter().map(|r| field(r, "row")).collect();
    assert!(rows.len() >= 40, "{rows:?}");
    let passed: Vec<_> = results
        .iter()
        .filter(|r| field(r, "ended") != "failed")
        .map(|r| field(r, "row"))
        .collect();
    assert!(
        passed.is_empty(),
        "passed by a pool that is broken: {passed:?}"
    );
    // A row that only ever ends by force, or with its process, judges nothing.
    let forced: Vec<_> = results
        .iter()
        .filter(|r| field(r, "why").starts_with("hung") || field(r, "why").contains("died"))
        .map(|r| (field(r, "row"), field(r, "why")))
        .collect();
    assert!(
        forced.is_empty(),
        "not judged by the row itself: {forced:?}"
    );
}

#[test]
fn a_failure_is_the_leagues_own() {
    let league = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_fault-league"))
            .args(["--only", "18", "--contenders", "broken"])
            .args(more)
            .output()
            .expect("the league")
            .status
            .code()
    };
    assert_eq!(league(&[]), Some(0), "it only reports");
    assert_eq!(league(&["--must-pass", "broken"]), Some(1));
    assert_eq!(league(&["--must-pass", "bb8"]), Some(0), "not asked");
    assert_eq!(league(&["--only", "99"]), Some(2), "there is no such row");
}
