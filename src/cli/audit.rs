//! `qiao audit`: what operators did, and whether anybody changed what stands there.

use anyhow::{Result, anyhow};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{Listing, object, row, say};
use super::reach;
use crate::config::Config;
use crate::domain::ids::OpenId;
use crate::domain::rows::Follower;
use crate::store::{AuditFilter, Store, person_target};

/// Rows read and printed at once.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists what was done, the newest first
    List {
        /// Only this act, for example `outbox.retry`
        #[arg(long)]
        act: Option<String>,
        /// Not older than this instant, for example 2026-11-23T08:00:00Z
        #[arg(long)]
        since: Option<Timestamp>,
        /// Only what was done to this person
        #[arg(long, value_name = "OPENID")]
        person: Option<String>,
        /// At most this many
        #[arg(long)]
        limit: Option<u32>,
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Follows the chain of hashes from the first row to the last
    Verify {
        /// Row and hash that were noted earlier: finds also what was cut off, or all written anew
        #[arg(long, value_name = "ID:HASH", value_parser = noted)]
        head: Option<(i64, String)>,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
}

fn noted(text: &str) -> Result<(i64, String), String> {
    let parts = text.split_once(':');
    let read = parts.and_then(|(id, hash)| Some((id.parse().ok()?, hash.to_owned())));
    read.filter(|(_, hash)| hash.len() == 64)
        .ok_or_else(|| "write it as `qiao audit verify` printed it, ID:HASH".to_owned())
}

pub(super) async fn run(config: &Config, verb: Verb) -> Result<()> {
    let store = reach::reading(config).await?;
    match verb {
        Verb::List {
            act,
            since,
            person,
            limit,
            json,
        } => {
            let mut listing = Listing::new(
                &["id", "at", "who", "act", "target", "before", "after"],
                json,
            );
            for target in targets(&store, config, person.as_deref()).await? {
                let act = act.clone();
                let filter = AuditFilter { act, target, since };
                list(&store, &filter, limit, &mut listing).await?;
            }
            listing.end("nothing was done")
        }
        Verb::Verify { head, json } => verify(&store, head.as_ref(), json).await,
    }
}

/// Everything, or what was done to a person at each account that knows them.
async fn targets(
    store: &Store,
    config: &Config,
    person: Option<&str>,
) -> Result<Vec<Option<String>>> {
    let Some(openid) = person else {
        return Ok(vec![None]);
    };
    let mut targets = Vec::new();
    for account in config.wechat.keys() {
        let follower = Follower {
            account: account.clone(),
            openid: OpenId::new(openid),
        };
        let pseudonym = store.pseudonym(&follower).await?;
        targets.extend(pseudonym.map(|pseudonym| Some(person_target(&pseudonym))));
    }
    Ok(targets)
}

async fn list(
    store: &Store,
    filter: &AuditFilter,
    limit: Option<u32>,
    listing: &mut Listing,
) -> Result<()> {
    let (mut before, mut left) = (i64::MAX, limit.unwrap_or(u32::MAX));
    while left > 0 {
        let page = store.audited(filter, before, left.min(PAGE)).await?;
        let Some(last) = page.last() else { break };
        before = last.id;
        left -= u32::try_from(page.len()).unwrap_or(left);
        let rows: Vec<Value> = page.iter().map(row).collect();
        listing.page(&rows)?;
    }
    Ok(())
}

async fn verify(store: &Store, head: Option<&(i64, String)>, json: bool) -> Result<()> {
    let verified = store.verify_audit(head).await?;
    let chain = &verified.chain;
    let head = match chain.id {
        0 => "none yet".to_owned(),
        id => format!("{id}:{}", chain.hash),
    };
    if json {
        let broken = verified.broken.as_ref().map(ToString::to_string);
        object(&json!({ "rows": chain.id, "head": head, "broken": broken }))?;
    } else if verified.broken.is_none() {
        say(&format!("{} rows, all as they were written", chain.id))?;
        say(&format!("head: {head}"))?;
    }
    match verified.broken {
        Some(broken) => Err(anyhow!("the audit is broken: {broken}")),
        None => Ok(()),
    }
}
