//! `qiao reconcile`: where both platforms and the database differ.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::output::{Listing, row, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::flows::reconcile::KINDS;
use crate::jobs::{Options, Progress};
use crate::store::Store;

/// Findings read and printed at once.
const PAGE: u32 = 1000;

/// How often a person is told how far it has come.
const TELL_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Queues the repairs; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// Looks for this kind only
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(KINDS))]
    only: Option<String>,
    /// Stops after this many findings
    #[arg(long)]
    limit: Option<u64>,
    /// Repairs even if there are more repairs than reconcile.max_repairs
    #[arg(long, requires = "apply")]
    yes: bool,
    /// Prints the findings as a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Config, asked: Asked) -> Result<()> {
    let Asked {
        apply,
        only,
        limit,
        yes,
        json,
    } = asked;
    let options = Options {
        apply,
        only,
        limit,
        yes,
    };
    // It holds the state of every command, so it goes on the heap.
    let acting = Box::pin(reach::act(config.clone(), Command::Reconcile(options)));
    let done = told_meanwhile(&config, acting).await?;
    let run = done.told["run"].as_i64();
    let run = run.context("the daemon named no run; it is of another version, restart it")?;
    let repairing = list(&reach::reading(&config).await?, run, json).await?;
    let detail = done.told["detail"].as_str().unwrap_or_default();
    if json {
        eprintln!("{detail}");
    } else {
        say(detail)?;
    }
    if repairing {
        done.remind();
    }
    Ok(())
}

/// Waits, and tells a person at a terminal how far it has come.
async fn told_meanwhile<T>(config: &Config, acting: impl Future<Output = Result<T>>) -> Result<T> {
    if !stderr().is_terminal() {
        return acting.await;
    }
    let mut acting = std::pin::pin!(acting);
    let mut ticks = tokio::time::interval(TELL_EVERY);
    ticks.tick().await;
    let mut reader = None;
    let outcome = loop {
        tokio::select! {
            outcome = &mut acting => break outcome,
            _ = ticks.tick() => {
                if reader.is_none() {
                    reader = reach::reading(config).await.ok();
                }
                let Some(store) = &reader else { continue };
                let last = store.last_run("reconcile").await.ok().flatten();
                if let Some(progress) = last.as_ref().and_then(Progress::of) {
                    tell(&format!(
                        "{}: {} rows, {} findings",
                        progress.stage, progress.rows, progress.found
                    ));
                }
            }
        }
    };
    tell("");
    outcome
}

/// Replaces the line; who does not see it misses nothing.
fn tell(line: &str) {
    let mut to = stderr();
    let _ = write!(to, "\r\u{1b}[2K{line}");
    let _ = to.flush();
}

/// Prints what a run found, page by page, and tells whether anything is being repaired.
async fn list(store: &Store, run: i64, json: bool) -> Result<bool> {
    let columns = &["kind", "state", "account", "openid", "object_id", "detail"];
    let mut listing = Listing::new(columns, json);
    let mut repairing = false;
    let mut after = 0;
    loop {
        let page = store.findings(run, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        repairing |= page.iter().any(|found| found.state == "repairing");
        listing.page(&page.iter().map(row).collect::<Vec<_>>())?;
    }
    listing.end("no differences")?;
    Ok(repairing)
}
