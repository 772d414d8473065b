//! `qiao reconcile`: where both platforms and the database differ.

use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::output::{Listing, row, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::flows::reconcile::KINDS;
use crate::jobs::Options;
use crate::store::Store;

/// Findings read and printed at once.
const PAGE: u32 = 1000;

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
    /// Prints the findings as a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Config, asked: Asked) -> Result<()> {
    let Asked {
        apply,
        only,
        limit,
        json,
    } = asked;
    let options = Options { apply, only, limit };
    let done = reach::act(config.clone(), Command::Reconcile(options)).await?;
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
