//! The project's files as the rules see them: where they are, and which part of a source is code,
//! which part of that is shipped. Knows no rule.

use std::fs;
use std::path::{Path, PathBuf};

use crate::mask::{blank, mask};

/// One source file.
pub(crate) struct Source {
    /// Relative to the root of the repository, with `/` between.
    pub(crate) path: String,
    /// As it is on disk.
    pub(crate) text: String,
    /// The text without comments and literals.
    pub(crate) code: String,
    /// The code without its tests.
    pub(crate) shipped: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = mask(text);
        let mut shipped = String::new();
        if is_test_file(path) {
            blank(&code, &mut shipped);
        } else {
            shipped = without_tests(&code);
        }
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            shipped,
        }
    }
}

/// An attribute (`#[…]` or `#![…]`): where it starts, and what stands between the brackets.
pub(crate) struct Attribute<'a> {
    pub(crate) at: usize,
    pub(crate) inside: &'a str,
}

/// The attributes in masked code.
pub(crate) fn attributes(code: &str) -> impl Iterator<Item = Attribute<'_>> {
    code.match_indices('#').filter_map(|(at, _)| {
        let rest = &code[at + 1..];
        let rest = rest.strip_prefix('!').unwrap_or(rest).strip_prefix('[')?;
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            depth == 0
        })?;
        let inside = rest[..end].trim();
        Some(Attribute { at, inside })
    })
}

/// The line, from 1, on which the byte at `at` stands.
pub(crate) fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Files that a `#[cfg(test)] mod …;` brings in, by their names.
fn is_test_file(path: &str) -> bool {
    path.split('/')
        .any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
}

fn without_tests(code: &str) -> String {
    let mut shipped = String::with_capacity(code.len());
    for Attribute { at, inside } in attributes(code) {
        let test_only = inside == "cfg(test)" || inside.starts_with("cfg(all(test");
        if test_only && at >= shipped.len() {
            shipped.push_str(&code[shipped.len()..at]);
            let end = at + item_length(&code[at..]);
            blank(&code[at..end], &mut shipped);
        }
    }
    shipped.push_str(&code[shipped.len()..]);
    shipped
}

/// The length of the item at the start of `code`: to the brace that closes it, or its semicolon.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        let ends_item = (c == '}' || c == ';') && depth == 0;
        if ends_item || depth < 0 {
            return at + c.len_utf8();
        }
    }
    code.len()
}

/// Every Rust source of the project.
pub(crate) fn sources() -> Vec<Source> {
    files(|path| path.extension().is_some_and(|end| end == "rs"))
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect()
}

/// Every `Cargo.toml` of the project: its path and its text.
pub(crate) fn manifests() -> Vec<(String, String)> {
    files(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))
}

fn files(wanted: fn(&Path) -> bool) -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut pending = vec![root.clone()];
    while let Some(directory) = pending.pop() {
        for path in entries(&directory) {
            if path.is_dir() {
                pending.extend((!is_skipped(&path)).then_some(path));
            } else if wanted(&path) {
                let name = path.strip_prefix(&root).unwrap_or(&path);
                let name = name.to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).expect("a source is UTF-8")));
            }
        }
    }
    found.sort();
    found
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(directory).expect("a directory can be listed");
    listing
        .map(|entry| entry.expect("an entry can be read").path())
        .collect()
}

/// Build output, and what begins with a dot (`.git`).
fn is_skipped(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("target") || name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::{Source, attributes, manifests, sources};

    #[test]
    fn the_project_is_found() {
        let paths: Vec<_> = sources().into_iter().map(|source| source.path).collect();
        for path in ["core/src/lib.rs", "src/lib.rs", "tests/tidy.rs"] {
            assert!(paths.iter().any(|found| found == path), "{path}: {paths:?}");
        }
        assert!(
            manifests()
                .iter()
                .any(|(path, _)| path == "core/Cargo.toml")
        );
    }

    #[test]
    fn tests_are_not_shipped() {
        let text = "a();\n#[cfg(test)]\nmod t {\n  b([{}]);\n}\nc();\n#[cfg(test)]\nmod d;\ne();";
        let shipped = Source::new("src/x.rs", text).shipped;
        let words: Vec<_> = shipped.split_whitespace().collect();
        assert_eq!(words, ["a();", "c();", "e();"]);
        assert_eq!(shipped.lines().count(), text.lines().count());
        for path in ["src/tests.rs", "src/odd_tests.rs", "src/tests/x.rs"] {
            assert_eq!(Source::new(path, "a();").shipped.trim(), "");
        }
    }

    #[test]
    fn attributes_end_at_their_own_bracket() {
        let inside: Vec<_> = attributes("#![a]\n#[b(\n[c])] # d")
            .map(|attribute| attribute.inside)
            .collect();
        assert_eq!(inside, ["a", "b(\n[c])"]);
    }
}
