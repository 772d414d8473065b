//! The commands: one file per verb.
//!
//! Commands that only read open the database read-only and work beside the daemon; commands that
//! write go through the daemon's socket or, without a daemon, take the same file lock. Exit
//! codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod demo;
mod logging;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, ConfigErrors, Environment, Loaded};

/// A bridge between WeChat Official Accounts and SAP Cloud for Customer.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Arguments {
    /// The configuration file [default: `QIAO_CONFIG`, ./qiao.toml, /etc/qiao/qiao.toml]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plays the main job between both platforms, simulated, and verifies each step
    Demo(demo::Options),
    /// Runs the daemon
    Serve,
}

/// Why a command ends with a code other than 0.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The configuration is wrong: code 2.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Anything else: code 1.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// Runs the command and gives its exit code.
pub fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("qiao: the runtime cannot start: {fault}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Config(errors)) => {
            eprintln!("{errors}");
            ExitCode::from(2)
        }
        Err(Failed::Other(fault)) => {
            eprintln!("qiao: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(arguments: Arguments) -> Result<(), Failed> {
    let loaded = || load(arguments.config.as_deref());
    match arguments.command {
        Verb::Demo(options) => demo::run(&options).await.map_err(Failed::from),
        Verb::Serve => serve::run(loaded()?, arguments.config.as_deref())
            .await
            .map_err(Failed::from),
    }
}

fn load(named: Option<&std::path::Path>) -> Result<Loaded, ConfigErrors> {
    config::load(named, &Environment::of_process())
}
