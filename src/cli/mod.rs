//! The commands: one file per verb. `reach` is their way to the database, `output` what they
//! print.
//!
//! Commands that only read open the database read-only and work beside the daemon; commands that
//! write go through the daemon's socket or, without a daemon, take the same file lock. Exit
//! codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod audit;
mod backup;
mod check;
mod conversation;
mod demo;
mod doctor;
mod duplicates;
mod init;
mod jobs;
mod logging;
mod mapping;
mod menu;
mod message;
mod outbox;
mod output;
mod person;
mod qr;
mod reach;
mod reconcile;
mod restore;
mod serve;
mod settled;
mod sim;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench;
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
    /// Writes a first configuration and tells what to enter on both sides
    Init(init::Asked),
    /// Tells everything that is wrong with the configuration
    Check,
    /// Tells what is wrong with this installation, and what to do about it
    Doctor(doctor::Options),
    /// Followers and their customers
    #[command(subcommand)]
    Mapping(mapping::Verb),
    /// Messages both ways
    #[command(subcommand)]
    Conversation(conversation::Verb),
    /// Says something to a follower
    #[command(subcommand)]
    Message(message::Verb),
    /// Effects, how their delivery goes, dead letters
    #[command(subcommand)]
    Outbox(outbox::Verb),
    /// Pushes that were taken for repetitions
    #[command(subcommand)]
    Duplicates(duplicates::Verb),
    /// What runs by the clock
    #[command(subcommand)]
    Jobs(jobs::Verb),
    /// QR codes: campaigns, customers, agents
    #[command(subcommand)]
    Qr(qr::Verb),
    /// Everything that is held of one person
    #[command(subcommand)]
    Person(person::Verb),
    /// What operators did
    #[command(subcommand)]
    Audit(audit::Verb),
    /// The menu at the foot of WeChat's conversations
    #[command(subcommand)]
    Menu(menu::Verb),
    /// Compares both platforms with the database
    Reconcile(reconcile::Asked),
    /// Writes everything into one file, beside the daemon
    Backup(backup::Asked),
    /// Puts a backup in the place of the database, or tries whether it could
    Restore(restore::Asked),
    /// Serves a simulated platform
    #[command(subcommand)]
    Sim(sim::Platform),
    /// Measures speed and memory, side by side with what bounds them
    Bench(bench::Options),
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
        Err(Failed::Other(fault)) if reader_left(&fault) => ExitCode::SUCCESS,
        Err(Failed::Other(fault)) => {
            eprintln!("qiao: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever read our output has had enough, as `head` does.
fn reader_left(fault: &anyhow::Error) -> bool {
    let io = fault.downcast_ref::<std::io::Error>();
    io.is_some_and(|fault| fault.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn dispatch(arguments: Arguments) -> Result<(), Failed> {
    let named = arguments.config.as_deref();
    let loaded = || load(named);
    let config = || load(named).map(|loaded| loaded.config);
    match arguments.command {
        Verb::Demo(options) => demo::run(&options).await?,
        Verb::Serve => serve::run(loaded()?, named).await?,
        Verb::Init(asked) => init::run(named, &asked)?,
        Verb::Check => check::run(&loaded()?)?,
        Verb::Doctor(options) => doctor::run(loaded(), options).await?,
        Verb::Mapping(verb) => mapping::run(config()?, verb).await?,
        Verb::Conversation(verb) => conversation::run(&config()?, verb).await?,
        Verb::Message(verb) => message::run(config()?, verb).await?,
        Verb::Outbox(verb) => outbox::run(config()?, verb).await?,
        Verb::Duplicates(verb) => duplicates::run(config()?, verb).await?,
        Verb::Jobs(verb) => jobs::run(config()?, verb).await?,
        Verb::Qr(verb) => qr::run(config()?, verb).await?,
        Verb::Person(verb) => person::run(config()?, verb).await?,
        Verb::Audit(verb) => audit::run(&config()?, verb).await?,
        Verb::Menu(verb) => menu::run(config()?, verb).await?,
        Verb::Reconcile(asked) => reconcile::run(config()?, asked).await?,
        Verb::Backup(asked) => backup::run(config()?, asked).await?,
        Verb::Restore(asked) => restore::run(config()?, asked).await?,
        Verb::Sim(platform) => sim::run(platform).await?,
        Verb::Bench(options) => bench::run(options).await?,
    }
    Ok(())
}

fn load(named: Option<&std::path::Path>) -> Result<Loaded, ConfigErrors> {
    config::load(named, &Environment::of_process())
}
