//! How fast ours are, and the others: all of them in one process, in turns.
//!
//! A contender is behind a small trait (`pool.rs`, `contenders/`), a scenario says what callers do
//! (`scenarios/`, `load/`), the runner plays rounds, and from what was measured tables and verdicts are
//! made. Figures of one run can be compared with each other, and with nothing else.

mod contender;
mod contenders;
mod figures;
mod load;
mod machine;
mod outcome;
mod ping;
mod pool;
mod report;
mod runner;
mod scenarios;
mod verdicts;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use report::Report;
use runner::Plan;

/// Pools side by side: how fast, how fair, how big.
#[derive(Parser)]
struct Args {
    /// Only these scenarios: S1, or S1-threads, S1-tasks.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these contenders: names, or how several names begin ("ours").
    #[arg(long, value_delimiter = ',')]
    contenders: Vec<String>,
    /// Rounds that count; one more comes before them.
    #[arg(long, default_value_t = 7, value_parser = at_least_one)]
    rounds: usize,
    /// How long a round takes, in milliseconds (in S4 five times as long).
    #[arg(long, default_value_t = 200, value_parser = at_least_one)]
    millis: usize,
    /// Writes all figures to this file, or with `-` to the standard output, in place of the tables.
    #[arg(long)]
    json: Option<String>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn run(args: &Args) -> Result<(), String> {
    let scenarios = scenarios::chosen(&args.only)?;
    let contenders = contenders::chosen(&args.contenders)?;
    let plan = Plan {
        rounds: args.rounds,
        span: Duration::from_millis(args.millis as u64),
    };
    let watch = machine::Watch::begin();
    let outcomes = runner::run(&scenarios, &contenders, plan);
    let report = Report::new(outcomes, watch.end());
    match args.json.as_deref() {
        Some("-") => println!("{:#}", report.json()),
        Some(path) => {
            let text = format!("{:#}\n", report.json());
            std::fs::write(path, text).map_err(|error| format!("{path}: {error}"))?;
            report.print();
        }
        None => report.print(),
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
