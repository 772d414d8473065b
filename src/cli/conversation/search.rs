//! `qiao conversation search`: messages by their words.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::super::output;
use crate::domain::grams::Sought;
use crate::domain::ids::{AccountId, OpenId};
use crate::store::{FoundMessage, SearchQuery, Store};

const COLUMNS: &[&str] = &[
    "id",
    "recorded_at",
    "account",
    "openid",
    "direction",
    "state",
    "text",
];

/// What to find.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    /// Words apart by spaces; a message must have all of them
    #[arg(value_parser = Sought::parse)]
    text: Sought,
    /// Only in this account
    #[arg(long)]
    account: Option<String>,
    /// Only said with this follower
    #[arg(long)]
    openid: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Only messages older than this one
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// Prints a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(store: &Store, asked: Asked) -> Result<()> {
    let query = SearchQuery {
        account: asked.account.map(AccountId::new),
        openid: asked.openid.map(OpenId::new),
        before: asked.before,
        ..SearchQuery::new(asked.text, asked.limit)
    };
    let found = store.search(&query).await?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    output::list(COLUMNS, &rows, asked.json, "no message has these words")?;
    let last = found.last().filter(|_| found.len() == query.limit as usize);
    if let Some(last) = last {
        eprintln!("there may be older ones: --before {}", last.message.id);
    }
    // One follower's messages are read without the index.
    let unindexed = store.unindexed().await?;
    if query.openid.is_none() && unindexed > 0 {
        eprintln!(
            "the newest {unindexed} messages cannot be found yet: the job `index` comes to them"
        );
    }
    Ok(())
}

fn row(found: &FoundMessage) -> Value {
    let mut row = super::message(&found.message);
    row["account"] = json!(found.account);
    row["openid"] = json!(found.openid);
    row
}
