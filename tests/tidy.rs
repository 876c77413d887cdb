//! The house rules that no lint can hold, held by reading the sources (CONTRIBUTING.md has the
//! reasons). Every rule comes with a bad snippet, to show that it can fail.

#[path = "tidy/mask.rs"]
mod mask;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use rules::MOST_LINES;
use source::{Source, manifests, sources};

/// Parts of the engine that may name atomics: the one place, and what no model looks at because
/// it only informs (`core/src/primitives/mod.rs` says why) or only waits.
const NAMES_PRIMITIVES: [&str; 6] = [
    "core/src/primitives",
    "core/src/clock",
    "core/src/helpers",
    "core/src/park",
    "core/src/record",
    "core/src/stats",
];

/// The part of the engine that reads the time.
const READS_A_CLOCK: [&str; 1] = ["core/src/clock"];

type Rule = fn(&Source) -> Vec<usize>;

/// Fails with every line that breaks `rule` in the files that it is `for_path`.
#[track_caller]
fn enforce(rule: Rule, name: &str, for_path: impl Fn(&str) -> bool) {
    let sources = sources();
    let bound: Vec<_> = sources.iter().filter(|s| for_path(&s.path)).collect();
    assert!(
        !bound.is_empty(),
        "no file to look at: has the layout changed?"
    );
    let breaches: Vec<_> = bound
        .into_iter()
        .flat_map(|source| rule(source).into_iter().map(|line| (&source.path, line)))
        .map(|(path, line)| format!("{path}:{line}: {name}"))
        .collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// Fails unless `rule` finds exactly these `lines` in `text`, read as a file of the engine.
#[track_caller]
fn finds(rule: Rule, lines: &[usize], text: &str) {
    let found = rule(&Source::new("core/src/snippet.rs", text));
    assert_eq!(found, lines, "in:\n{text}");
}

fn anywhere(_path: &str) -> bool {
    true
}

fn in_engine(path: &str) -> bool {
    path.starts_with("core/src/")
}

/// Whether `path` is one of `modules`, as a file or as a directory.
fn is_one_of(path: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| {
        path.strip_prefix(module)
            .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    })
}

/// What other people's programs run: the libraries, without benchmarks and models.
fn is_library(path: &str) -> bool {
    ["core/src/", "sync/src/", "async/src/", "src/"]
        .iter()
        .any(|library| path.starts_with(library))
        || (path.starts_with("drivers/") && path.contains("/src/"))
}

#[test]
fn files_are_short() {
    let name = format!("more lines than a file may have ({MOST_LINES})");
    enforce(rules::too_long, &name, anywhere);
}

#[test]
fn a_long_file_is_found() {
    finds(rules::too_long, &[], &"a\n".repeat(MOST_LINES));
    finds(rules::too_long, &[401], &"a\n".repeat(401));
}

#[test]
fn files_introduce_themselves() {
    let name = "a file opens with `//!`: what it decides, what it knows nothing about";
    enforce(rules::no_introduction, name, anywhere);
}

#[test]
fn a_file_without_introduction_is_found() {
    finds(rules::no_introduction, &[], "//! About.\n");
    finds(rules::no_introduction, &[1], "\n//! About.\n");
    finds(rules::no_introduction, &[1], "// About.\n");
    finds(rules::no_introduction, &[1], "");
}

#[test]
fn one_place_names_the_primitives() {
    let name = "only core/src/primitives names atomics, the ring and the snapshot cell, \
                so that a model can put its own in their place";
    enforce(rules::names_primitives, name, |path| {
        in_engine(path) && !is_one_of(path, &NAMES_PRIMITIVES)
    });
}

#[test]
fn a_foreign_primitive_is_found() {
    let rule = rules::names_primitives;
    finds(rule, &[1], "use std::sync::atomic::AtomicU64;");
    finds(
        rule,
        &[3],
        "use std::sync::{\n  Arc,\n  atomic::{AtomicU8, Ordering},\n};",
    );
    finds(
        rule,
        &[2],
        "\nlet a = core::sync::atomic::AtomicU8::new(0);",
    );
    finds(rule, &[1], "use crossbeam_utils::atomic::AtomicCell;");
    finds(
        rule,
        &[1, 2],
        "use crossbeam_queue::SegQueue;\nlet q: ArrayQueue<T>;",
    );
    finds(rule, &[1], "use arc_swap::Guard;");
    finds(
        rule,
        &[],
        "use crate::primitives::atomic::AtomicU64; // std::sync::atomic",
    );
    finds(
        rule,
        &[],
        "#[cfg(test)]\nmod tests {\n    use std::sync::atomic::AtomicU8;\n}",
    );
    finds(
        rule,
        &[4],
        "#[cfg(test)]\nmod tests;\n\nuse std::sync::atomic::AtomicU8;",
    );
}

#[test]
fn the_engine_reads_no_clock() {
    let name = "the engine is told the time (`now`) and never reads a clock";
    enforce(rules::reads_a_clock, name, |path| {
        in_engine(path) && !is_one_of(path, &READS_A_CLOCK)
    });
}

#[test]
fn a_clock_is_found() {
    finds(
        rules::reads_a_clock,
        &[2],
        "fn f() {\n    let now = Instant::now();\n}",
    );
    finds(rules::reads_a_clock, &[1], "use std::time::SystemTime;");
    finds(
        rules::reads_a_clock,
        &[],
        "/// Not `Instant::now`.\nfn f(now: Instant) {}",
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let name = "what is left to do belongs into an issue, not into the sources";
    enforce(rules::unfinished, name, anywhere);
}

#[test]
fn an_unfinished_place_is_found() {
    finds(rules::unfinished, &[1], concat!("// TO", "DO: later"));
    finds(rules::unfinished, &[2], concat!("//! a\n/// FIX", "ME"));
    finds(
        rules::unfinished,
        &[1, 2],
        "todo!();\nstd::unimplemented!()",
    );
    finds(rules::unfinished, &[], "\"todo!\"; // todo: unimplemented");
}

#[test]
fn no_test_is_ignored() {
    enforce(
        rules::ignored_test,
        "a test runs or goes; none is ignored",
        anywhere,
    );
}

#[test]
fn an_ignored_test_is_found() {
    finds(rules::ignored_test, &[2], "#[test]\n#[ignore]\nfn f() {}");
    finds(rules::ignored_test, &[1], "#[ignore = \"slow\"]");
    finds(rules::ignored_test, &[1], "#[cfg_attr(windows, ignore)]");
    finds(rules::ignored_test, &[], "#[serde(ignore)] // #[ignore]");
}

#[test]
fn every_relaxed_lint_has_a_reason() {
    let name = "a relaxed lint says why: #[allow(…, reason = \"…\")]";
    enforce(rules::allows_without_reason, name, anywhere);
}

#[test]
fn a_lint_relaxed_without_reason_is_found() {
    let rule = rules::allows_without_reason;
    finds(rule, &[1, 2], "#![allow(dead_code)]\n#[allow(clippy::all)]");
    finds(rule, &[1], "#[allow(\n    clippy::all,\n)]");
    finds(
        rule,
        &[1, 2],
        "#[cfg_attr(loom, allow(unused))]\n#[expect(unused)]",
    );
    finds(rule, &[1], "#[allow(unused)] // reason = \"none\"");
    finds(
        rule,
        &[],
        "#[allow(\n    unused,\n    reason = \"a good one\"\n)]",
    );
    finds(
        rule,
        &[],
        "#[should_panic(expected = \"x\")]\nfn allow() { a.expect(b) }",
    );
}

#[test]
fn no_code_is_unsafe() {
    enforce(
        rules::has_unsafe,
        "the project has no unsafe code",
        anywhere,
    );
}

#[test]
fn unsafe_code_is_found() {
    finds(
        rules::has_unsafe,
        &[2],
        "macro_rules! m { () => {\n    unsafe { f() }\n}}",
    );
    finds(
        rules::has_unsafe,
        &[],
        "#![forbid(unsafe_code)] // unsafe\nlet a = \"unsafe\";",
    );
}

#[test]
fn libraries_do_not_unwrap() {
    let name = "a library returns its errors: no unwrap, no expect outside tests";
    enforce(rules::may_panic, name, is_library);
}

#[test]
fn an_unwrap_is_found() {
    finds(
        rules::may_panic,
        &[1, 3],
        "a.unwrap();\nb\n    .expect(\"c\");",
    );
    finds(
        rules::may_panic,
        &[],
        "a.unwrap_or(b); //! a.unwrap()\n/// b.expect(\"c\")",
    );
    finds(
        rules::may_panic,
        &[],
        "#[cfg(test)]\nmod tests {\n    fn f() { a.unwrap() }\n}",
    );
}

#[test]
fn every_crate_inherits_the_lints() {
    let breaches: Vec<_> = manifests()
        .into_iter()
        .filter(|(_, manifest)| !rules::inherits_lints(manifest))
        .map(|(path, _)| format!("{path}:1: a crate takes the lints of the workspace"))
        .collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn a_crate_with_lints_of_its_own_is_found() {
    assert!(rules::inherits_lints(
        "[package]\n[lints]\nworkspace = true\n"
    ));
    assert!(!rules::inherits_lints("[package]\nworkspace = true\n"));
    assert!(!rules::inherits_lints(
        "[lints]\n[dependencies]\nworkspace = true\n"
    ));
    assert!(!rules::inherits_lints("[lints.clippy]\nall = \"allow\"\n"));
}
