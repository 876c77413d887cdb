//! What `rivals` has measured, for readers: tables between the markers of documents, and curves as SVG.
//!
//! Reads the JSON of one run or of several, and writes all of it or nothing. Measures nothing, and
//! judges nothing: the verdicts are those of the runs.

mod compare;
mod complete;
mod contents;
mod curves;
mod documents;
mod draw;
mod markdown;
mod merge;
mod runs;
mod short;
mod tables;
#[cfg(test)]
mod tests;
mod verdicts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use documents::Replacement;
use runs::{Run, Scenario};

/// Figures of `rivals`, as tables and curves.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Writes the tables between the markers of documents, and draws the curves.
    Write {
        /// What `rivals --json FILE` has written. Of a scenario that is in several of them, the rounds
        /// are put together.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// Documents with markers `<!-- rivals: begin NAME -->` and `<!-- rivals: end NAME -->`.
        #[arg(long, default_values = ["docs/performance.md", "README.md"])]
        into: Vec<PathBuf>,
        /// Where the curves go.
        #[arg(long, default_value = "docs/performance")]
        curves: PathBuf,
        /// A line about the machine and the day.
        #[arg(long, default_value = "")]
        about: String,
    },
    /// Prints how the same contenders differ in two sets of runs, scenario by scenario.
    Compare {
        /// What is compared.
        #[arg(long, required = true, num_args = 1..)]
        these: Vec<PathBuf>,
        /// With what it is compared.
        #[arg(long, required = true, num_args = 1..)]
        base: Vec<PathBuf>,
    },
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

fn read(path: &PathBuf) -> Result<Run, String> {
    let text = std::fs::read_to_string(path).map_err(at(path))?;
    Run::read(&path.display().to_string(), &text)
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Run>, String> {
    paths.iter().map(read).collect()
}

/// Everything that a document can ask for, by the names of its markers.
fn blocks(runs: &[Run], scenarios: &[Scenario], about: &str) -> BTreeMap<String, String> {
    let mut blocks: BTreeMap<_, _> = scenarios.iter().map(tables::block).collect();
    blocks.insert("machine".to_owned(), tables::machine(runs, about));
    blocks.insert("verdicts".to_owned(), verdicts::block(runs, scenarios));
    blocks.insert("short".to_owned(), short::block(scenarios));
    blocks
}

fn drawn(scenarios: &[Scenario], directory: &Path) -> Result<Vec<Replacement>, String> {
    let one = |curve: &contents::Curve| {
        let graph = curves::graph(curve, scenarios)
            .ok_or_else(|| format!("{}: nothing to draw", curve.scenario))?;
        Ok(Replacement {
            path: directory.join(curve.file),
            text: draw::svg(&graph)?,
        })
    };
    contents::CURVES.iter().map(one).collect()
}

fn write(runs: &[PathBuf], into: &[PathBuf], curves: &Path, about: &str) -> Result<(), String> {
    let runs = read_all(runs)?;
    let scenarios = merge::merged(&runs)?;
    complete::check(&scenarios)?;
    let blocks = blocks(&runs, &scenarios, about);
    let mut files = drawn(&scenarios, curves)?;
    let mut asked = Vec::new();
    for path in into {
        let document = std::fs::read_to_string(path).map_err(at(path))?;
        let filled = documents::fill(&document, &blocks)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        asked.extend(filled.names);
        files.push(Replacement {
            path: path.clone(),
            text: filled.text,
        });
    }
    documents::replace(&files)?;
    for file in &files {
        println!("{}", file.path.display());
    }
    let nowhere = blocks.keys().filter(|name| !asked.contains(name));
    let nowhere: Vec<_> = nowhere.map(String::as_str).collect();
    if !nowhere.is_empty() {
        println!("no document has markers for: {}", nowhere.join(", "));
    }
    Ok(())
}

fn compare(these: &[PathBuf], base: &[PathBuf]) -> Result<(), String> {
    let (these, base) = (read_all(these)?, read_all(base)?);
    let table = compare::table_of(&merge::merged(&these)?, &merge::merged(&base)?)?;
    print!("{table}");
    for run in these.iter().chain(&base) {
        if run.machine.was_busy() {
            println!("{}: {}", run.name, tables::shares(&run.machine));
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let done = match &Args::parse().what {
        What::Write {
            runs,
            into,
            curves,
            about,
        } => write(runs, into, curves, about),
        What::Compare { these, base } => compare(these, base),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
