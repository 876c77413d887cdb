//! cargo-mutants builds every mutant by itself, which is most of what it does. Here all of them are
//! built at once, each behind a switch, and the tests that are run for one are those that reach it.
//!
//! Decides the order of things, and what is asked for on the command line.

mod fit;
mod hunt;
mod list;
mod switch;
mod trial;

use std::error::Error;
use std::path::{Path, PathBuf};

use hunt::{Failure, Hunt, Outcome, Results};
use list::Mutant;

const USAGE: &str = "usage: nebula-resource-mutants LIST FROM TREE HOME [FILE…] -- CARGO-TEST-ARG…

LIST   what `cargo mutants --list --json` prints
FROM   where the sources are
TREE   a copy of them, which is overwritten
HOME   where it is written down what becomes of each: what was caught is not tried again
FILE   only those under core/src/ whose names begin so, in this order";

/// What was asked for.
struct Wish {
    list: PathBuf,
    from: PathBuf,
    tree: PathBuf,
    home: PathBuf,
    files: Vec<String>,
    cargo: Vec<String>,
}

fn wish(arguments: impl Iterator<Item = String>) -> Option<Wish> {
    let mut arguments = arguments;
    Some(Wish {
        list: arguments.next()?.into(),
        from: arguments.next()?.into(),
        tree: arguments.next()?.into(),
        home: arguments.next()?.into(),
        files: arguments
            .by_ref()
            .take_while(|argument| argument != "--")
            .collect(),
        cargo: arguments.collect(),
    })
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
    results: &Results,
    outcome: Outcome,
    to: &Path,
) -> std::io::Result<usize> {
    let known = results.known();
    let ended_so = |mutant: &&&Mutant| known.get(&mutant.name) == Some(&outcome);
    let names: Vec<_> = chosen
        .iter()
        .filter(ended_so)
        .map(|mutant| format!("{}\n", mutant.name))
        .collect();
    std::fs::write(to, names.concat())?;
    Ok(names.len())
}

fn main() -> Result<(), Box<dyn Error>> {
    let wish = wish(std::env::args().skip(1)).ok_or(USAGE)?;
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
    let results = Results::open(&wish.home.join("results.tsv"))?;
    let hunted = hunt::measured(tests, &wish.home).and_then(|tests| {
        println!("{} tests", tests.len());
        Hunt::new(tests, &results).go(&chosen, &fitted)
    });
    hunted.map_err(|error: Failure| error.to_string())?;
    for (outcome, word) in Outcome::ALL {
        let to = wish.home.join(format!("{word}.names"));
        println!("{} {word}", write_down(&chosen, &results, outcome, &to)?);
    }
    Ok(())
}
