//! `qiao conversation`: every message both ways, and what may still be sent.

mod export;
mod search;
mod transcript;

use anyhow::Result;
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{self, card, instant, object, say};
use super::{mapping, reach};
use crate::config::Config;
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::{Conversation, Mapping, MessageRow, Store, StoredGrant};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists conversations, the last spoken first
    List {
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Shows what was said with one follower, and whether something may be sent now
    Show {
        /// Who
        openid: String,
        /// In which account, when several know the OpenID
        #[arg(long)]
        account: Option<String>,
        /// The newest so many messages
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only messages older than this one
        #[arg(long, value_name = "ID", default_value_t = i64::MAX, hide_default_value = true)]
        before: i64,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Finds messages by their words, the newest first
    Search(search::Asked),
    /// Writes all that was said with one follower, the oldest first
    Export(export::Asked),
}

pub(super) async fn run(config: &Config, verb: Verb) -> Result<()> {
    let store = reach::reading(config).await?;
    match verb {
        Verb::List { limit, json } => list(&store, limit, json).await,
        Verb::Show {
            openid,
            account,
            limit,
            before,
            json,
        } => {
            let mapping = reach::mapping(&store, &openid, account.as_deref()).await?;
            let follower = &mapping.follower;
            let messages = store.conversation_before(follower, before, limit).await?;
            show(&store, &mapping, &messages, json).await
        }
        Verb::Search(asked) => search::run(&store, asked).await,
        Verb::Export(asked) => export::run(&store, asked, &config.server.time_zone).await,
    }
}

async fn list(store: &Store, limit: u32, json: bool) -> Result<()> {
    let columns = &["account", "openid", "customer_id", "messages", "last_at"];
    let found = store.conversations(limit).await?;
    let row = |conversation: &Conversation| {
        json!({
            "account": conversation.account,
            "openid": conversation.openid,
            "customer_id": conversation.customer_id,
            "messages": conversation.messages,
            "last_at": instant(conversation.last_at()),
        })
    };
    let rows: Vec<Value> = found.iter().map(row).collect();
    output::list(columns, &rows, json, "nobody has said anything yet")
}

async fn show(store: &Store, mapping: &Mapping, messages: &[MessageRow], json: bool) -> Result<()> {
    let messages: Vec<Value> = messages.iter().map(message).collect();
    let now = SystemClock.now();
    let grants = store.grants(&mapping.follower).await?;
    let grants: Vec<Value> = grants.iter().map(|g| grant(g, now)).collect();
    let follower = mapping::row(mapping);
    if json {
        return object(&json!({
            "follower": follower,
            "messages": messages,
            "send_windows": grants,
        }));
    }
    card(&follower, &["account", "openid", "state", "customer_id"])?;
    say("")?;
    let columns = &[
        "created_at",
        "direction",
        "kind",
        "purpose",
        "state",
        "effect",
        "text",
    ];
    output::list(columns, &messages, false, "nothing was said yet")?;
    say("")?;
    let columns = &[
        "send_window",
        "state",
        "used",
        "allowed",
        "granted_at",
        "valid_until",
    ];
    let none = "no send window: the follower must act before anything can be sent";
    output::list(columns, &grants, false, none)
}

/// A message as it is printed; `effect` is the outbox row that delivers it.
pub(super) fn message(message: &MessageRow) -> Value {
    json!({
        "id": message.id.to_string(),
        "direction": message.direction,
        "kind": message.kind,
        "purpose": message.purpose,
        "state": message.state,
        "effect": message.outbox_id.map(|id| id.to_string()),
        "text": message.text,
        "created_at": instant(message.created_at()),
        "recorded_at": instant(message.recorded_at()),
        "settled_at": message.settled_at().map(instant),
    })
}

fn grant(grant: &StoredGrant, now: Timestamp) -> Value {
    let state = if now >= grant.valid_until {
        "closed"
    } else if grant.used >= grant.allowed {
        "used up"
    } else {
        "open"
    };
    json!({
        "send_window": grant.trigger,
        "state": state,
        "used": grant.used,
        "allowed": grant.allowed,
        "granted_at": instant(grant.granted_at),
        "valid_until": instant(grant.valid_until),
    })
}
