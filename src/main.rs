//! The `qiao` binary: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    qiao::cli::run(qiao::cli::Arguments::parse())
}
