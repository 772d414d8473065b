//! `qiao bench`: speed and memory, measured side by side with what bounds them.
//!
//! What is measured runs as child processes of this binary ([`process`], [`roles`]) on one core,
//! the load ([`load`]) on another; cases take turns over several rounds ([`figures`]), and after
//! every run the database must show that what was acknowledged is there exactly once ([`run`]).
//! It owns no SQL and no decision of Qiao; it only uses what the daemon is made of. Start reading
//! at [`run`](fn@run), then [`intake`] and [`delivery`].

mod cores;
mod delivery;
mod drain;
mod figures;
mod intake;
mod load;
mod machine;
mod process;
mod pushes;
mod report;
mod roles;
mod run;
mod site;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use cores::Cores;
use machine::Machine;
use report::{Report, Section};
use roles::Role;

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
    /// Plays a part in a measurement
    #[command(subcommand, hide = true)]
    Serve(Role),
}

/// A group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topic {
    /// Pushes acknowledged
    Intake,
    /// Effects delivered
    Delivery,
}

impl Topic {
    async fn measure(self, measure: &Measure) -> anyhow::Result<Section> {
        match self {
            Self::Intake => intake::measure(measure).await,
            Self::Delivery => delivery::measure(measure).await,
        }
    }
}

/// How everything is measured.
#[derive(Debug)]
struct Measure {
    rounds: u32,
    time: Duration,
    rows: u64,
    cores: Cores,
    folder: PathBuf,
}

/// Measures, prints and writes.
pub async fn run(options: Options) -> anyhow::Result<()> {
    match options.part {
        Some(Part::Serve(role)) => return roles::play(role).await,
        None => {}
    }
    let measure = Measure {
        rounds: options.rounds.max(1),
        time: Duration::try_from_secs_f64(options.seconds).context("--seconds")?,
        rows: options.rows.max(1),
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
