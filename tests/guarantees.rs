//! The tests that the crate documentation cites for its guarantees (“Held by `…`.”) exist.

use std::fs;
use std::path::Path;

/// What is cited in the section on guarantees, one list for each.
fn citations(documentation: &str) -> Vec<Vec<String>> {
    let text = documentation.replace("//!", "");
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ");
    let section = text
        .split(" # ")
        .find(|part| part.starts_with("Guarantees"));
    let guarantees = section.unwrap_or_default().split(" - ").skip(1);
    guarantees
        .map(|guarantee| {
            let cited = guarantee
                .rsplit_once("Held by")
                .map_or("", |(_, cited)| cited);
            let quoted = cited.split('`').skip(1).step_by(2);
            quoted.map(str::to_owned).collect()
        })
        .collect()
}

/// Everything in these folders, which have no folders of their own that count.
fn sources(folders: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = folders
        .iter()
        .filter_map(|folder| fs::read_dir(root.join(folder)).ok())
        .flatten()
        .flatten();
    files
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .collect()
}

/// Whether a test begins like that. Some are named in a macro, without `fn`.
fn exists(beginning: &str, sources: &str) -> bool {
    let boundary = |c: char| !(c.is_alphanumeric() || c == '_');
    sources
        .split(boundary)
        .any(|word| word.starts_with(beginning))
}

#[test]
fn every_guarantee_has_tests() {
    let sources = sources(&[
        "tests",
        "loom-tests/tests",
        "loom-tests/tests/models",
        "src/breaker/machine",
    ]);
    let citations = citations(include_str!("../src/lib.rs"));
    assert!(citations.len() > 10, "where have they gone? {citations:?}");
    assert!(
        citations.iter().all(|cited| !cited.is_empty()),
        "{citations:?}"
    );
    let missing: Vec<_> = citations
        .into_iter()
        .flatten()
        .filter(|beginning| !exists(beginning, &sources))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_missing_test_is_noticed() {
    let documentation = "//! Top.\n//!\n//! # Guarantees\n//!\n//! - One, `x`. Held by\n//!   `a` and `b`.\n\
                         //! - Two.\n//!\n//! # More `c`";
    assert_eq!(citations(documentation), [vec!["a", "b"], vec![]]);
    assert!(exists("fault_1", "fn fault_12() {}"));
    assert!(!exists("ault_1", "fn fault_12() {}"));
}
