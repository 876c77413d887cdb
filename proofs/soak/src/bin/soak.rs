//! The command `soak`: reads its arguments; `nebula_resource_soak::soak` does the rest.

use std::process::ExitCode;

use clap::Parser;
use nebula_resource_soak::soak::{Options, run};

fn main() -> ExitCode {
    run(&Options::parse())
}
