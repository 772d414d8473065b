//! `qiao jobs`: what runs by the clock.

use anyhow::Result;
use clap::Subcommand;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::output::{self, instant, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::jobs::JobReport;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists jobs, how each last ran and when it is due
    List {
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Runs a job now
    Run {
        /// Which
        name: String,
    },
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    match verb {
        Verb::List { json } => list(config, json).await,
        Verb::Run { name } => {
            let command = Command::JobRun { name: name.clone() };
            let done = reach::act(config, command).await?;
            let detail = done.told["detail"].as_str().unwrap_or_default();
            say(&format!("{name}: {detail}"))
        }
    }
}

async fn list(config: Config, json: bool) -> Result<()> {
    let store = reach::reading(&config).await?;
    let report = reach::parts(config, store)
        .await?
        .timetable
        .report()
        .await?;
    let columns = &[
        "job", "does", "schedule", "zone", "last_run", "took_ms", "outcome", "next_run", "idle",
        "detail",
    ];
    let rows: Vec<Value> = report.iter().map(row).collect();
    output::list(columns, &rows, json, "there are no jobs")
}

fn row(report: &JobReport) -> Value {
    let last = report.last.as_ref();
    let took = last.and_then(|run| Some(run.finished_at()?.duration_since(run.started_at())));
    json!({
        "job": report.job.name,
        "does": report.job.does,
        "schedule": report.schedule.text(),
        "zone": report.schedule.zone().and_then(TimeZone::iana_name),
        "last_run": last.map(|run| instant(run.started_at())),
        "outcome": last.map(|run| &run.outcome),
        "took_ms": took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
        "next_run": report.next.map(instant),
        "idle": report.is_idle.then_some("nothing to do"),
        "detail": last.and_then(|run| run.detail.as_ref()),
    })
}
