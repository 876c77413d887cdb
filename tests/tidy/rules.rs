//! The rules themselves: each looks at one file and answers with the lines that break it.
//!
//! What a rule is for stands in CONTRIBUTING.md; which files it is for, in `tests/tidy.rs`.

use crate::source::{Attribute, Source, attributes, line_of};

/// The most lines that a file may have.
pub(crate) const MOST_LINES: usize = 400;

pub(crate) fn too_long(source: &Source) -> Vec<usize> {
    let lines = source.text.lines().count();
    if lines > MOST_LINES {
        vec![lines]
    } else {
        Vec::new()
    }
}

pub(crate) fn no_introduction(source: &Source) -> Vec<usize> {
    if source.text.starts_with("//!") {
        Vec::new()
    } else {
        vec![1]
    }
}

/// Atomics, the ring and the snapshot cell, under their own names.
pub(crate) fn names_primitives(source: &Source) -> Vec<usize> {
    lines(&source.shipped, |line| {
        let std_atomics = words(line, "atomic").any(|before| !before.ends_with("primitives::"));
        let crates = ["crossbeam_queue", "ArrayQueue", "arc_swap", "ArcSwap"];
        std_atomics || crates.iter().any(|name| has_word(line, name))
    })
}

pub(crate) fn reads_a_clock(source: &Source) -> Vec<usize> {
    lines(&source.shipped, |line| {
        line.contains("Instant::now") || has_word(line, "SystemTime")
    })
}

/// In comments too: what is left to do belongs into an issue.
pub(crate) fn unfinished(source: &Source) -> Vec<usize> {
    let mut found = lines(&source.text, |line| {
        let notes = [concat!("TO", "DO"), concat!("FIX", "ME")];
        notes.iter().any(|note| has_word(line, note))
    });
    found.extend(lines(&source.code, |line| {
        has_word(line, "todo!") || has_word(line, "unimplemented!")
    }));
    found
}

pub(crate) fn ignored_test(source: &Source) -> Vec<usize> {
    matching_attributes(source, |inside| {
        let conditional = inside.starts_with("cfg_attr") && has_word(inside, "ignore");
        conditional || words(inside, "ignore").any(str::is_empty)
    })
}

/// `allow` and `expect` alike, conditional ones too.
pub(crate) fn allows_without_reason(source: &Source) -> Vec<usize> {
    matching_attributes(source, |inside| {
        let relaxes = has_word(inside, "allow(") || has_word(inside, "expect(");
        relaxes && !has_word(inside, "reason")
    })
}

/// Where `forbid(unsafe_code)` does not reach: macros and what is compiled out.
pub(crate) fn has_unsafe(source: &Source) -> Vec<usize> {
    lines(&source.code, |line| has_word(line, "unsafe"))
}

pub(crate) fn may_panic(source: &Source) -> Vec<usize> {
    lines(&source.shipped, |line| {
        line.contains(".unwrap()") || line.contains(".expect(")
    })
}

/// Whether a manifest takes over the lints of the workspace.
pub(crate) fn inherits_lints(manifest: &str) -> bool {
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[lints]" && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

fn lines(code: &str, breaks: impl Fn(&str) -> bool) -> Vec<usize> {
    let numbered = code.lines().zip(1..);
    numbered
        .filter_map(|(line, number)| breaks(line).then_some(number))
        .collect()
}

fn matching_attributes(source: &Source, breaks: impl Fn(&str) -> bool) -> Vec<usize> {
    attributes(&source.code)
        .filter(|attribute| breaks(attribute.inside))
        .map(|Attribute { at, .. }| line_of(&source.code, at))
        .collect()
}

fn has_word(line: &str, word: &str) -> bool {
    words(line, word).next().is_some()
}

/// What stands before each `word` in `line`, where it is not part of a longer one.
fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let open_ended = !word.ends_with(part_of_word);
    line.match_indices(word).filter_map(move |(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let alone =
            !before.ends_with(part_of_word) && (open_ended || !after.starts_with(part_of_word));
        alone.then_some(before)
    })
}
