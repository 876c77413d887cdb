//! The league of faults: every row of the fault matrix that a pool's API can express, asked of our
//! pools and of others alike.
//!
//! A row is written once, against a scripted server and a small trait (`contender.rs`); each pool is
//! set up as its documentation recommends (`contenders/`). What counts as pass is the matrix's column
//! "must hold", said at each row (`rows/`). In doubt the rival is right. Rows that need a real server,
//! several tenants or a clock moved by hand (19, 22 to 26, 32) are not part of it.

mod cases;
mod contender;
mod contenders;
mod judge;
mod memory;
mod report;
mod rows;
mod server;
mod thing;
mod verdict;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use cases::Case;
use contender::Entrant;
use report::Report;
use rows::Row;

/// Which pool survives which fault.
#[derive(Parser)]
struct Args {
    /// Only these rows: numbers, or numbers with a letter (3, 3b).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these pools.
    #[arg(long, value_delimiter = ',')]
    contenders: Vec<String>,
    /// Prints the results as JSON.
    #[arg(long)]
    json: bool,
    /// Cases played at a time, but for those that need the machine for themselves.
    #[arg(long, default_value_t = 3)]
    jobs: usize,
    /// Seconds after which a case counts as hung. (Where a pool looks after itself every 30 s, two rows
    /// wait for that.)
    #[arg(long, default_value_t = 45)]
    limit: u64,
    /// Ends with an error if one of these pools fails a row that it could be asked.
    #[arg(long, value_delimiter = ',')]
    must_pass: Vec<String>,
    /// Writes the tables between the markers in this document.
    #[arg(long)]
    write: Option<PathBuf>,
    /// A line about the machine and the day, for the document.
    #[arg(long, default_value = "")]
    about: String,
    /// Plays one row here, of the one pool named.
    #[arg(long, hide = true)]
    case: Option<String>,
}

fn known(name: &String) -> Result<&'static dyn Entrant, String> {
    contenders::named(name).ok_or_else(|| format!("there is no pool {name}"))
}

fn entrants(asked: &[String]) -> Result<Vec<&'static dyn Entrant>, String> {
    if asked.is_empty() {
        return Ok(contenders::ALL.to_vec());
    }
    asked.iter().map(known).collect()
}

fn rows(asked: &[String]) -> Result<Vec<&'static Row>, String> {
    for one in asked {
        if !rows::ALL.iter().any(|row| row.is(one)) {
            return Err(format!("there is no row {one}"));
        }
    }
    let is_asked = |row: &&Row| asked.is_empty() || asked.iter().any(|one| row.is(one));
    Ok(rows::ALL.iter().filter(is_asked).collect())
}

/// In the order of the matrix, so that the table is filled row by row.
fn all_cases(rows: &[&'static Row], entrants: &[&'static dyn Entrant]) -> Vec<Case> {
    let of_row = |row: &&'static Row| {
        let row = *row;
        entrants.iter().map(move |entrant| Case {
            row,
            entrant: *entrant,
        })
    };
    rows.iter().flat_map(of_row).collect()
}

fn write(report: &Report, path: &PathBuf, about: &str) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", path.display());
    let document = std::fs::read_to_string(path).map_err(at)?;
    let text = format!("{about}\n\n{}", report.markdown());
    let new = report::between_markers(&document, &text)
        .ok_or_else(|| format!("{} has no markers", path.display()))?;
    std::fs::write(path, new).map_err(at)
}

/// Whether all went as it must.
fn run(args: &Args) -> Result<bool, String> {
    for name in &args.must_pass {
        known(name)?;
    }
    let entrants = entrants(&args.contenders)?;
    if let (Some(id), [entrant]) = (&args.case, &entrants[..]) {
        let row = rows::named(id).ok_or_else(|| format!("there is no row {id}"))?;
        cases::play_here(Case {
            row,
            entrant: *entrant,
        });
    }
    let cases = all_cases(&rows(&args.only)?, &entrants);
    let limit = Duration::from_secs(args.limit);
    let report = Report::new(cases::play(&cases, args.jobs, limit));
    if args.json {
        println!("{:#}", report.json());
    } else {
        report.print();
    }
    if let Some(path) = &args.write {
        write(&report, path, &args.about)?;
    }
    let failures = report.failures(&args.must_pass);
    for failure in &failures {
        eprintln!("must have been passed: {failure}");
    }
    Ok(failures.is_empty())
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
