//! `qiao bench`: speed and memory, measured side by side with what bounds them.
//!
//! What is measured runs as child processes of this binary ([`process`], [`roles`]) on one core,
//! the load ([`load`]) on another; cases take turns over several rounds ([`figures`]), and after
//! every run the database must show that what was acknowledged is there exactly once
//! ([`run`](mod@run)).
//! It owns no SQL and no decision of Qiao; it only uses what the daemon is made of. Start reading
//! at [`run`](fn@run), then [`intake`] and [`delivery`].

mod apart;
mod cores;
mod delivery;
mod drain;
mod feel;
mod figures;
mod growth;
mod intake;
mod load;
mod machine;
mod memory;
mod platforms;
mod process;
mod profile;
mod pushes;
mod reconcile;
mod report;
mod roles;
mod run;
mod search;
mod site;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};

use cores::Cores;
use machine::Machine;
use report::{Report, Section};
use roles::Role;

use crate::kit::clock::SystemClock;
use crate::store;

/// What is measured, and how long.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    part: Option<Part>,
    /// Measures only these
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<Topic>,
    /// How often every case is measured
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: u32,
    /// How long each run of intake takes
    #[arg(long, default_value_t = 4.0, value_name = "SECONDS")]
    seconds: f64,
    /// How many rows each run of delivery drains
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    rows: u64,
    /// How many people act in what a person feels
    #[arg(long, default_value_t = 60, value_name = "N")]
    people: u32,
    #[command(flatten)]
    size: Size,
    /// Where databases are made: on the disk that is to be measured
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    /// Writes the tables as Markdown, too
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Makes a database as years of use would leave it
    Seed {
        /// The file, which must not exist
        file: PathBuf,
        #[command(flatten)]
        size: Size,
    },
    /// Plays a part in a measurement
    #[command(subcommand, hide = true)]
    Serve(Role),
}

/// How much history a database has.
#[derive(Debug, Clone, Copy, Args)]
struct Size {
    /// How many messages a grown database has
    #[arg(long, default_value_t = 5_000_000, value_name = "N")]
    messages: u64,
    /// How many linked followers a grown database has
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    mappings: u64,
}

/// A group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topic {
    /// Pushes acknowledged
    Intake,
    /// Effects delivered
    Delivery,
    /// What a person feels
    Feel,
    /// Both again on a large database
    Growth,
    /// Resident memory
    Memory,
    /// Finding messages by their words
    Search,
    /// Comparing both platforms with the database
    Reconcile,
    /// Where the processor time goes
    Profile,
}

impl Topic {
    async fn measure(self, measure: &Measure) -> anyhow::Result<Section> {
        match self {
            Self::Intake => intake::measure(measure).await,
            Self::Delivery => delivery::measure(measure).await,
            Self::Feel => feel::measure(measure).await,
            Self::Growth => growth::measure(measure).await,
            Self::Memory => memory::measure(measure).await,
            Self::Search => search::measure(measure).await,
            Self::Reconcile => reconcile::measure(measure).await,
            Self::Profile => profile::measure(measure).await,
        }
    }
}

/// How everything is measured.
#[derive(Debug)]
struct Measure {
    rounds: u32,
    time: Duration,
    rows: u64,
    people: u32,
    size: Size,
    cores: Cores,
    folder: PathBuf,
}

/// Does what was asked for: measuring, printing and writing, unless it is a part of that.
pub async fn run(options: Options) -> anyhow::Result<()> {
    match options.part {
        // A database of years must not be left behind in the temporary folder.
        None => tokio::select! {
            measured = measure_all(options) => measured,
            _ = tokio::signal::ctrl_c() => bail!("stopped before its end; nothing is written"),
        },
        Some(Part::Serve(role)) => roles::play(role).await,
        Some(Part::Seed { file, size }) => {
            let Size { messages, mappings } = size;
            Ok(store::seed(&file, Arc::new(SystemClock), mappings, messages).await?)
        }
    }
}

async fn measure_all(options: Options) -> anyhow::Result<()> {
    let measure = Measure {
        rounds: options.rounds.max(1),
        time: Duration::try_from_secs_f64(options.seconds).context("--seconds")?,
        rows: options.rows.max(1),
        people: options.people.max(1),
        size: options.size,
        cores: Cores::of_this_process(),
        folder: options.folder,
    };
    let mut report = Report {
        machine: Machine::here(&measure.folder, measure.cores),
        sections: Vec::new(),
    };
    for topic in Topic::value_variants() {
        if options.only.is_empty() || options.only.contains(topic) {
            eprintln!("measuring {} …", topic_name(*topic));
            report.sections.push(topic.measure(&measure).await?);
        }
    }
    if let Some(file) = &options.write {
        std::fs::write(file, report.as_markdown())
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", report.as_markdown());
    }
    Ok(())
}

fn topic_name(topic: Topic) -> String {
    topic
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}
