//! The tests that the crate documentation cites for its guarantees exist: `file::beginning` names
//! tests in `tests/file.rs` or models in `loom-tests/tests/models/file.rs`.

use std::fs;
use std::path::Path;

/// The citations in the section on guarantees.
fn citations(documentation: &str) -> Vec<(&str, &str)> {
    let section = documentation
        .split("//! # ")
        .find(|section| section.starts_with("Guarantees"));
    section
        .unwrap_or_default()
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.split_once("::"))
        .filter(|(file, _)| file.starts_with(char::is_lowercase))
        .collect()
}

fn exists(file: &str, beginning: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["tests", "loom-tests/tests/models"].iter().any(|folder| {
        let source = fs::read_to_string(root.join(folder).join(file).with_extension("rs"));
        // Some tests are named in a macro, without `fn`.
        let boundary = |c: char| !(c.is_alphanumeric() || c == '_');
        source.is_ok_and(|source| {
            source
                .split(boundary)
                .any(|word| word.starts_with(beginning))
        })
    })
}

#[test]
fn every_cited_test_exists() {
    let documentation = include_str!("../src/lib.rs");
    let citations = citations(documentation);
    assert!(citations.len() > 10, "where have they gone? {citations:?}");
    let missing: Vec<_> = citations
        .into_iter()
        .filter(|(file, beginning)| !exists(file, beginning))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_missing_test_is_noticed() {
    let documentation =
        "//! # Guarantees\n//! `here::a_test`, [`Fairness::Strict`]\n//! # B `x::y`";
    assert_eq!(citations(documentation), [("here", "a_test")]);
    assert!(!exists("here", "a_test"));
    assert!(exists("guarantees", "a_missing_test"));
}
