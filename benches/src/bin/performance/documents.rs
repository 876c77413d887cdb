//! Documents with places for tables, and files that are changed together.
//!
//! Decides what a marker is, and that nothing is written before everything can be. Knows nothing of what
//! it writes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A document with its blocks filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) text: String,
    /// The blocks that it has a place for.
    pub(crate) names: Vec<String>,
}

/// The name in a line that is nothing but `<!-- rivals: WORD NAME -->`.
fn marker<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let inside = line.trim().strip_prefix("<!-- rivals: ")?;
    let name = inside.strip_suffix(" -->")?.strip_prefix(word)?;
    name.strip_prefix(' ')
}

/// `document` with the blocks between their markers.
///
/// # Errors
///
/// When there are no markers, when they do not match, or when one names no block.
pub(crate) fn fill(document: &str, blocks: &BTreeMap<String, String>) -> Result<Filled, String> {
    let mut text = String::new();
    let mut names: Vec<String> = Vec::new();
    let mut open: Option<&str> = None;
    for line in document.split_inclusive('\n') {
        if let Some(name) = marker(line, "begin") {
            if let Some(open) = open {
                return Err(format!("{name} begins before {open} has ended"));
            }
            let block = blocks.get(name);
            let block = block.ok_or_else(|| format!("there is no block {name}"))?;
            text += &format!("{}\n\n{}\n", line.trim_end(), block.trim_end());
            names.push(name.to_owned());
            open = Some(name);
        } else if let Some(name) = marker(line, "end") {
            if open != Some(name) {
                return Err(format!("{name} ends, but did not begin"));
            }
            text += &format!("\n{line}");
            open = None;
        } else if open.is_none() {
            text += line;
        }
    }
    match open {
        Some(open) => Err(format!("{open} has no end")),
        None if names.is_empty() => Err("no markers (<!-- rivals: begin NAME -->)".to_owned()),
        None => Ok(Filled { text, names }),
    }
}

/// What a file is to become.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The new text beside the old file; gone unless it takes its place.
struct Staged<'a> {
    path: &'a Path,
    new: PathBuf,
}

impl<'a> Staged<'a> {
    fn write(file: &'a Replacement) -> io::Result<Self> {
        let path = file.path.as_path();
        if path.is_dir() {
            return Err(io::Error::other("is a directory"));
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let staged = Self {
            path,
            new: PathBuf::from(new),
        };
        fs::write(&staged.new, &file.text)?;
        Ok(staged)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // Nothing there: it has taken its place.
        let _gone = fs::remove_file(&self.new);
    }
}

/// Puts all the new texts in the place of the old ones. Each file is the old one or the new one at any
/// time, and none is changed unless all could be written.
///
/// # Errors
///
/// With the file that could not be written.
pub(crate) fn replace(files: &[Replacement]) -> Result<(), String> {
    let at = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut staged = Vec::new();
    for file in files {
        staged.push(Staged::write(file).map_err(|error| at(&file.path, error))?);
    }
    for file in &staged {
        fs::rename(&file.new, file.path).map_err(|error| at(file.path, error))?;
    }
    Ok(())
}
