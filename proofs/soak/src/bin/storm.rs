//! The command `storm`: counts memory and reads its arguments; `nebula_resource_soak::storm` does the
//! rest.

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use nebula_resource_soak::storm::{Options, run};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    run(&Options::parse())
}
