//! That `performance` understands what `rivals` writes: the same scenarios, contenders and measures on
//! both sides. How tables and curves look is tested where they are made.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Everybody that tables and curves need.
const CONTENDERS: &str = "ring,mutex,semaphore,r2d2,deadpool,bb8,ours-affine,ours-affine-owned";

fn written(run: &Path, document: &Path, curves: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_performance"))
        .arg("write")
        .arg(run)
        .arg("--into")
        .arg(document)
        .arg("--curves")
        .arg(curves)
        .output()
        .expect("the program")
}

/// The scenarios of a run, as `--only` takes them.
fn scenarios(run: &Value) -> Vec<String> {
    let all = run["scenarios"].as_array().expect("scenarios").iter();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|s| format!("{}-{}", word(&s["scenario"]), word(&s["callers"])))
        .collect()
}

fn compared_with_itself(run: &Path) {
    let mut compare = Command::new(env!("CARGO_BIN_EXE_performance"));
    compare.arg("compare").arg("--these").arg(run);
    let output = compare
        .arg("--base")
        .arg(run)
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let same = said.lines().filter(|line| line.ends_with("| 1.00 |"));
    assert!(same.count() > 20, "{said}");
}

#[test]
fn what_rivals_writes_can_be_shown() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_rivals"))
        .args(["--rounds", "1", "--millis", "5", "--contenders", CONTENDERS])
        .arg("--json")
        .arg(path("run.json"))
        .output()
        .expect("the program");
    assert!(output.status.success(), "{output:?}");
    let run = fs::read_to_string(path("run.json")).expect("a run");
    let names = scenarios(&serde_json::from_str(&run).expect("JSON"));
    let markers = names.iter().map(String::as_str);
    let markers = markers.chain(["machine", "verdicts", "short"]);
    let marked = |name| format!("<!-- rivals: begin {name} -->\n<!-- rivals: end {name} -->\n");
    let document: String = markers.map(marked).collect();
    fs::write(path("document.md"), &document).expect("written");

    let output = written(&path("run.json"), &path("document.md"), &path("curves"));
    let said = String::from_utf8_lossy(&output.stderr);
    let now = fs::read_to_string(path("document.md")).expect("a document");
    if output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!said.contains("no document has markers"), "{said}");
        assert!(
            now.contains("| S1 sync | all | to the bare ring: "),
            "{now}"
        );
        assert!(path("curves/threads.svg").exists(), "{said}");
        compared_with_itself(&path("run.json"));
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{said}");
    // On a busy machine five milliseconds may pass without one acquire; all else is a misunderstanding.
    let mut reasons = said.lines().skip(1);
    assert!(
        said.contains("incomplete") && reasons.all(|r| r.contains("no figure")),
        "{said}"
    );
    assert_eq!(now, document);
}
