//! Documents and files: all of it is changed, or nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{complete, within};
use crate::documents::{Replacement, fill, replace};

fn blocks() -> BTreeMap<String, String> {
    let blocks = [("a", "new a\n"), ("b", "new b\n")];
    let owned = blocks.map(|(name, text)| (name.to_owned(), text.to_owned()));
    owned.into()
}

#[test]
fn only_what_is_between_the_markers_is_replaced() {
    let document = "\
# Title
<!-- rivals: begin b -->
old
<!-- rivals: end b -->
prose, `<!-- rivals: begin a -->`
  <!-- rivals: begin a -->
<!-- rivals: end a -->
no end of line";
    let expected = "\
# Title
<!-- rivals: begin b -->

new b

<!-- rivals: end b -->
prose, `<!-- rivals: begin a -->`
  <!-- rivals: begin a -->

new a

<!-- rivals: end a -->
no end of line";
    let filled = fill(document, &blocks()).expect("markers");
    assert_eq!(filled.text, expected);
    assert_eq!(filled.names, ["b", "a"]);
    let again = fill(&filled.text, &blocks()).expect("markers");
    assert_eq!(again, filled, "twice is once");
}

#[test]
fn markers_that_do_not_match_are_refused() {
    let begin = |name: &str| format!("<!-- rivals: begin {name} -->\n");
    let end = |name: &str| format!("<!-- rivals: end {name} -->\n");
    for (document, fault) in [
        ("prose\n".to_owned(), "no markers"),
        (begin("c") + &end("c"), "there is no block c"),
        (begin("a"), "a has no end"),
        (begin("a") + &begin("b"), "b begins before a has ended"),
        (end("a"), "a ends, but did not begin"),
        (begin("a") + &end("b"), "b ends, but did not begin"),
    ] {
        let error = fill(&document, &blocks()).expect_err(fault);
        assert!(error.contains(fault), "{document}: {error}");
    }
}

/// The names of all files in `directory`, and what is in them.
fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.is_file());
    files
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a file")))
        .collect()
}

#[test]
fn nothing_is_changed_unless_all_can_be() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("one.md"), "old").expect("written");
    fs::create_dir(path("taken")).expect("made");
    let file = |path: PathBuf| Replacement {
        path,
        text: "new".to_owned(),
    };
    let before = files(directory.path());
    let error = replace(&[file(path("one.md")), file(path("taken"))]).expect_err("a directory");
    assert!(error.contains("taken"), "{error}");
    assert_eq!(files(directory.path()), before);
    replace(&[file(path("one.md")), file(path("deep/two.svg"))]).expect("both can be");
    let after = BTreeMap::from([(path("one.md"), "new".to_owned())]);
    assert_eq!(files(directory.path()), after, "and nothing else is left");
    assert_eq!(
        fs::read_to_string(path("deep/two.svg")).as_deref().ok(),
        Some("new")
    );
}

#[test]
fn of_an_incomplete_run_nothing_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let document = "<!-- rivals: begin S1-tasks -->\n<!-- rivals: end S1-tasks -->\n";
    fs::write(path("doc.md"), document).expect("written");
    let mut run = complete();
    fs::write(path("whole.json"), run.to_string()).expect("written");
    within(&mut run, "S6-tasks")["callers"] = "threads".into();
    fs::write(path("part.json"), run.to_string()).expect("written");
    let before = files(directory.path());
    let write = |run| {
        let runs = [path(run)];
        crate::write(&runs, &[path("doc.md")], &path("curves"), "today")
    };
    let error = write("part.json").expect_err("S6 is missing");
    assert!(error.contains("no scenario S6-tasks"), "{error}");
    assert_eq!(files(directory.path()), before);
    assert!(!path("curves").exists());
    write("whole.json").expect("all is there");
    let written = fs::read_to_string(path("doc.md")).expect("a document");
    assert!(
        written.contains("| **ours-affine** | 10 (10) | 1.00 |"),
        "{written}"
    );
    assert_eq!(files(&path("curves")).len(), crate::contents::CURVES.len());
}
