//! The `qiao` binary: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;

/// A batch of pushes is made on one thread and bound on SQLite's: the system's allocator pays for
/// each text that another thread frees, a fifth of all instructions of a push.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    qiao::cli::run(qiao::cli::Arguments::parse())
}
