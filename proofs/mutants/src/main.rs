//! cargo-mutants builds every mutant by itself, which is most of what it does. Here all of them are
//! built at once, each behind a switch, and the tests that are run for one are those that reach it.
//!
//! Decides the order of things, and what is asked for on the command line.

mod fit;
mod hunt;
mod list;
mod switch;
mod trial;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Parser;
use hunt::{Hunt, Outcome, Results};
use list::Mutant;

type Failure = Box<dyn Error + Send + Sync>;

/// Switches on one mutant after the other, and runs the tests that reach it.
#[derive(Parser)]
struct Wish {
    /// What `cargo mutants --list --json` prints
    list: PathBuf,
    /// Where the sources are
    from: PathBuf,
    /// A copy of them, which is overwritten
    tree: PathBuf,
    /// Where it is written down what becomes of each: what was caught is not tried again
    home: PathBuf,
    /// Only those under core/src/ whose names begin so, in this order
    files: Vec<String>,
    /// What `cargo test` is told
    #[arg(last = true)]
    cargo: Vec<String>,
}

impl Wish {
    /// Where in the order this mutant is, if it is to be tried at all.
    fn rank(&self, mutant: &Mutant) -> Option<usize> {
        if self.files.is_empty() {
            return Some(0);
        }
        let file = mutant
            .file
            .strip_prefix("core/src/")
            .unwrap_or(&mutant.file);
        self.files.iter().position(|name| file.starts_with(name))
    }
}

/// Writes the names of those that ended so into a file.
fn write_down(
    chosen: &[&Mutant],
    known: &BTreeMap<String, Outcome>,
    outcome: Outcome,
    to: &Path,
) -> std::io::Result<usize> {
    let ended_so = |mutant: &&&Mutant| known.get(&mutant.name) == Some(&outcome);
    let names: Vec<_> = chosen
        .iter()
        .filter(ended_so)
        .map(|mutant| format!("{}\n", mutant.name))
        .collect();
    std::fs::write(to, names.concat())?;
    Ok(names.len())
}

fn main() -> Result<(), Failure> {
    let wish = Wish::parse();
    let mutants = list::read(&std::fs::read_to_string(&wish.list)?)?;
    let fitted = fit::fit(
        &mutants,
        &wish.from,
        &wish.tree,
        &wish.home.join("unviable.txt"),
    )?;
    let mut chosen: Vec<_> = mutants
        .iter()
        .filter(|mutant| wish.rank(mutant).is_some())
        .collect();
    chosen.sort_by_key(|mutant| wish.rank(mutant));

    // What runs for a while on threads of the system is another matter than what is broken.
    let tests = trial::tests(&wish.tree, &wish.cargo, &["::threads"])?;
    let tests = hunt::measured(tests, &wish.home)?;
    println!("{} tests", tests.len());
    let results = Results::open(&wish.home.join("results.tsv"))?;
    Hunt::new(tests, &results).go(&chosen, &fitted)?;
    let known = results.known();
    for (outcome, word) in Outcome::ALL {
        let to = wish.home.join(format!("{word}.names"));
        println!("{} {word}", write_down(&chosen, &known, outcome, &to)?);
    }
    Ok(())
}
