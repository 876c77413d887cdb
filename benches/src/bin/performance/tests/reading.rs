//! What is read, what is put together, and what is refused.

use serde_json::json;

use super::{complete, entry, read, run, scenario, scenarios, within};
use crate::complete::check;
use crate::contents::OURS;
use crate::merge::merged;
use crate::runs::Distance;

#[test]
fn everything_is_enough() {
    assert_eq!(check(&scenarios(&complete())), Ok(()));
}

#[test]
fn every_gap_is_named() {
    let mut run = complete();
    let all = run["scenarios"].as_array_mut().expect("scenarios");
    all.retain(|s| s["scenario"] != "S5");
    all.push(scenario("S77-tasks", false, &[entry(OURS, &[])]));
    let bases = within(&mut run, "S3-tasks")["entries"].as_array_mut();
    bases.expect("entries").retain(|e| e["contender"] != "ring");
    within(&mut run, "S1-threads")["entries"][1]["rounds"] = json!([]);
    within(&mut run, "GT-threads")["entries"][1]["rounds"][0]["figures"] = json!([10.0, null]);
    let error = check(&scenarios(&run)).expect_err("much is missing");
    let gaps: Vec<_> = error.lines().skip(1).map(str::trim).collect();
    assert_eq!(
        gaps,
        [
            "S1-threads has no figures of mutex",
            "S3-tasks has no ring",
            "no scenario S5-threads",
            "no scenario S5-tasks",
            "GT-threads has no figure of ours-affine at 10",
            "S77-tasks is not known here (contents.rs)",
        ]
    );
}

#[test]
fn one_that_has_failed_is_there() {
    let mut run = complete();
    let base = &mut within(&mut run, "S4-threads")["entries"][1];
    base["failed"] = json!("hung");
    base["rounds"] = json!([]);
    assert_eq!(check(&scenarios(&run)), Ok(()));
}

#[test]
fn the_rounds_of_several_runs_count_together() {
    let of = |figures| read(&run(&[scenario("S2-tasks", true, &[entry(OURS, figures)])]));
    let near = of(&[("near", 10.0), ("near", 30.0)]);
    let far = of(&[("near", 14.0), ("far", 90.0)]);
    let all = merged(&[near, far]).expect("the same contenders");
    let [scenario] = &all[..] else {
        panic!("one scenario: {all:?}");
    };
    let ours = scenario.entry(OURS).expect("ours");
    assert_eq!(ours.median(0, Some(Distance::Near)), Some(14.0));
    assert_eq!(ours.median(0, None), Some(22.0));
    assert_eq!(ours.minimum(0, None), Some(10.0));
}

#[test]
fn a_failure_in_one_run_is_a_failure() {
    let sound = run(&[scenario("S7-tasks", true, &[entry(OURS, &[("near", 1.0)])])]);
    let mut broken = sound.clone();
    within(&mut broken, "S7-tasks")["entries"][0]["failed"] = json!("lost one");
    for runs in [[&sound, &broken], [&broken, &sound]] {
        let all = merged(&runs.map(read)).expect("the same contenders");
        let ours = all[0].entry(OURS).expect("ours");
        assert_eq!(ours.failed.as_deref(), Some("lost one"));
        assert_eq!(ours.median(0, None), None);
    }
}

#[test]
fn runs_that_cannot_be_compared_are_refused() {
    let one = run(&[scenario(
        "S1-tasks",
        false,
        &[entry(OURS, &[]), entry("bb8", &[])],
    )]);
    let mut another = run(&[scenario("S1-tasks", false, &[entry(OURS, &[])])]);
    another["versions"] = json!(["bb8 0.8.0", "mobc 0.9.0"]);
    let error = merged(&[read(&one), read(&another)]).expect_err("not the same");
    assert!(error.contains("bb8 is 0.9.1 in a.json, 0.8.0"), "{error}");
    assert!(
        error.contains("S1-tasks: not in every run took part: bb8"),
        "{error}"
    );
    assert!(!error.contains("mobc"), "in one of them only: {error}");
}

#[test]
fn what_rivals_did_not_write_is_refused_by_name() {
    let error = crate::runs::Run::read("b.json", "{\"scenarios\": []}").expect_err("no run");
    assert!(
        error.contains("b.json") && error.contains("machine"),
        "{error}"
    );
}
