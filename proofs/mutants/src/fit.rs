//! Finds out which mutants build: all are put in, the compiler names those that it does not take, and
//! the rest is tried again. It knows nothing about tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;
use crate::hunt::Outcome;
use crate::list::Mutant;
use crate::switch::switch;

/// The switchboard, put at the end of the crate.
const BOARD: &str = include_str!("board.txt");

/// Which mutants are in the tree now, and why the others are not.
pub(crate) struct Fitted {
    done: BTreeSet<usize>,
    unviable: BTreeSet<usize>,
}

impl Fitted {
    /// What becomes of a mutant that is not in the tree.
    pub(crate) fn verdict(&self, mutant: &Mutant) -> Option<Outcome> {
        // Instead of `impl Trait` any type may be answered, but not two of them.
        let function = mutant.function.as_ref();
        let answers_two = function.is_some_and(|around| around.return_type.contains("impl "));
        if self.done.contains(&mutant.id) {
            None
        } else if self.unviable.contains(&mutant.id) && !answers_two {
            Some(Outcome::Unviable)
        } else {
            Some(Outcome::Alone)
        }
    }
}

/// Writes the sources of `from` with all `mutants` that build into `into`. What an earlier call found
/// out is in `notes`.
pub(crate) fn fit(
    mutants: &[Mutant],
    from: &Path,
    into: &Path,
    notes: &Path,
) -> Result<Fitted, Failure> {
    let noted = std::fs::read_to_string(notes).unwrap_or_default();
    let noted: BTreeSet<&str> = noted.lines().collect();
    let known = mutants
        .iter()
        .filter(|mutant| noted.contains(&*mutant.name));
    let mut unviable: BTreeSet<usize> = known.map(|mutant| mutant.id).collect();
    let consts = noted.iter().filter(|note| !note.starts_with("core/"));
    let mut stays_const: BTreeSet<String> = consts.map(|&note| note.to_owned()).collect();
    loop {
        let done = write(mutants, &unviable, &stays_const, from, into)?;
        let refused = refused(into)?;
        println!(
            "{} mutants put in, {} do not build",
            done.len(),
            refused.mutants.len()
        );
        if refused.mutants.is_empty() && refused.consts.is_empty() {
            let names = mutants
                .iter()
                .filter(|mutant| unviable.contains(&mutant.id));
            let names = names.map(|mutant| mutant.name.clone());
            std::fs::write(
                notes,
                names.chain(stays_const).collect::<Vec<_>>().join("\n"),
            )?;
            return Ok(Fitted { done, unviable });
        }
        unviable.extend(refused.mutants);
        stays_const.extend(refused.consts);
    }
}

fn write(
    mutants: &[Mutant],
    without: &BTreeSet<usize>,
    stays_const: &BTreeSet<String>,
    from: &Path,
    into: &Path,
) -> Result<BTreeSet<usize>, Failure> {
    let mut files: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in mutants {
        let of_file = files.entry(&mutant.file).or_default();
        if !without.contains(&mutant.id) {
            of_file.push(mutant);
        }
    }
    let mut done = BTreeSet::new();
    for (file, mutants) in files {
        let source = std::fs::read_to_string(from.join(file))?;
        let switched =
            switch(&source, &mutants, stays_const).map_err(|error| format!("{file}: {error}"))?;
        done.extend(switched.done);
        renew(&into.join(file), switched.text)?;
    }
    let root = "core/src/lib.rs";
    let board = BOARD.replace("SWITCHES", &(mutants.len() + 1).to_string());
    renew(
        &into.join(root),
        std::fs::read_to_string(from.join(root))? + &board,
    )?;
    Ok(done)
}

/// Writes only what is new: what is not touched is not built again.
fn renew(file: &Path, text: String) -> std::io::Result<()> {
    if std::fs::read_to_string(file).is_ok_and(|before| before == text) {
        return Ok(());
    }
    std::fs::write(file, text)
}

/// What the compiler does not take.
#[derive(Default)]
struct Refused {
    mutants: BTreeSet<usize>,
    /// Functions that were made variable, though a constant is made with them, as `Type::name`.
    consts: BTreeSet<String>,
}

fn refused(tree: &Path) -> Result<Refused, Failure> {
    let output = Command::new("cargo")
        .args([
            "check",
            "-p",
            "nebula-resource-core",
            "--tests",
            "--lib",
            "--message-format=json",
        ])
        .current_dir(tree)
        .env("RUSTFLAGS", "--cap-lints=warn")
        .stderr(Stdio::null())
        .output()?;
    let mut refused = Refused::default();
    let mut others = String::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(report) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let message = &report["message"];
        if report["reason"] != "compiler-message" || message["level"] != "error" {
            continue;
        }
        let spans = message["spans"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = spans.iter().filter_map(|span| around(tree, span)).collect();
        if !found.is_empty() {
            refused.mutants.extend(found);
        } else if message["code"]["code"] == "E0015" {
            refused
                .consts
                .extend(message["message"].as_str().and_then(callee));
        } else if !spans.is_empty() {
            others += message["rendered"].as_str().unwrap_or_default();
        }
    }
    if refused.mutants.is_empty() && refused.consts.is_empty() && !output.status.success() {
        return Err(
            format!("the tree does not build, and it is no mutant's fault:\n{others}").into(),
        );
    }
    Ok(refused)
}

/// `Type::name` of the function that this complaint names.
fn callee(message: &str) -> Option<String> {
    let path: Vec<_> = message.split('`').nth(1)?.rsplit("::").take(2).collect();
    Some(format!("{}::{}", path.get(1)?, path.first()?))
}

/// The mutant inside of which this place is.
fn around(tree: &Path, span: &Value) -> Option<usize> {
    let text = std::fs::read_to_string(tree.join(span["file_name"].as_str()?)).ok()?;
    let at = span["byte_start"].as_u64()? as usize;
    let opened = text.get(..at)?.rfind("/*<")?;
    let id = text[opened + 3..].split("*/").next()?;
    let closed = opened + text[opened..].find(&format!("/*{id}>*/"))?;
    (at < closed).then(|| id.parse().ok())?
}
