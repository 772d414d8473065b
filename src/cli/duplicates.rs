//! `qiao duplicates`: pushes that were taken for repetitions.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use super::output::{self, instant, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::store::{Store, Suppressed};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists suppressed pushes, the newest first
    List {
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Treats a suppressed push as one of its own; its sender is not answered any more
    Release {
        /// Which push
        id: i64,
    },
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    match verb {
        Verb::List { limit, json } => list(&reach::reading(&config).await?, limit, json).await,
        Verb::Release { id } => {
            let done = reach::act(config, Command::DuplicateRelease { id }).await?;
            say(&format!("push {id} is released"))?;
            done.remind();
            Ok(())
        }
    }
}

async fn list(store: &Store, limit: u32, json: bool) -> Result<()> {
    let columns = &[
        "id",
        "duplicate_of",
        "account",
        "openid",
        "kind",
        "state",
        "received_at",
    ];
    let row = |push: &Suppressed| {
        json!({
            "id": push.id.to_string(),
            "duplicate_of": push.duplicate_of.to_string(),
            "account": push.remote,
            "openid": push.openid,
            "kind": push.kind,
            "state": push.state,
            "received_at": instant(push.received_at()),
        })
    };
    let found = store.duplicates(limit).await?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    output::list(columns, &rows, json, "no push was taken for a duplicate")
}
