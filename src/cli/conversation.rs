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
use crate::domain::ids::AccountId;
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::{
    ConversationFilter, ListedConversation, Mapping, MessageRow, Store, StoredGrant, TranscriptRow,
};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists conversations, the newest first
    List {
        /// Only those in this state
        #[arg(long, value_parser = ["open", "ended"])]
        state: Option<String>,
        /// Only those of this account
        #[arg(long)]
        account: Option<String>,
        /// Only those with this follower
        #[arg(long)]
        openid: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only those older than this one
        #[arg(long, value_name = "ID", default_value_t = i64::MAX, hide_default_value = true)]
        before: i64,
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
        Verb::List {
            state,
            account,
            openid,
            limit,
            before,
            json,
        } => {
            let filter = ConversationFilter {
                state,
                account: account.map(AccountId::new),
                before,
                limit,
            };
            list(&store, &filter, openid.as_deref(), json).await
        }
        Verb::Show {
            openid,
            account,
            limit,
            before,
            json,
        } => {
            let mapping = reach::mapping(&store, &openid, account.as_deref()).await?;
            let follower = &mapping.follower;
            let messages = store.messages_before(follower, before, limit).await?;
            show(&store, &mapping, &messages, json).await
        }
        Verb::Search(asked) => search::run(&store, asked).await,
        Verb::Export(asked) => export::run(&store, asked, &config.server.time_zone).await,
    }
}

async fn list(
    store: &Store,
    filter: &ConversationFilter,
    openid: Option<&str>,
    json: bool,
) -> Result<()> {
    let found = match openid {
        Some(openid) => {
            let account = filter.account.as_ref().map(AccountId::as_str);
            let mapping = reach::mapping(store, openid, account).await?;
            store.conversations_with(&mapping.follower, filter).await?
        }
        None => store.conversations(filter).await?,
    };
    let columns = &[
        "id",
        "account",
        "openid",
        "customer_id",
        "state",
        "end_reason",
        "messages",
        "ticket",
        "opened_at",
        "last_at",
    ];
    let rows: Vec<Value> = found.iter().map(conversation).collect();
    output::list(columns, &rows, json, "no such conversation")?;
    if let Some(last) = found.last()
        && found.len() == filter.limit as usize
    {
        eprintln!("older ones, if there are: --before {}", last.id);
    }
    Ok(())
}

fn conversation(conversation: &ListedConversation) -> Value {
    json!({
        "id": conversation.id.to_string(),
        "account": conversation.account,
        "openid": conversation.openid,
        "customer_id": conversation.customer_id,
        "state": conversation.state,
        "end_reason": conversation.end_reason,
        "messages": conversation.messages,
        "ticket": conversation.ticket,
        "opened_at": instant(conversation.opened_at()),
        "last_at": instant(conversation.last_at()),
    })
}

async fn show(
    store: &Store,
    mapping: &Mapping,
    messages: &[TranscriptRow],
    json: bool,
) -> Result<()> {
    let conversations = conversations_of(store, mapping, messages).await?;
    let messages: Vec<Value> = messages.iter().map(told).collect();
    let now = SystemClock.now();
    let grants = store.grants(&mapping.follower).await?;
    let grants: Vec<Value> = grants.iter().map(|g| grant(g, now)).collect();
    let follower = mapping::row(mapping);
    if json {
        return object(&json!({
            "follower": follower,
            "conversations": conversations,
            "messages": messages,
            "send_windows": grants,
        }));
    }
    card(&follower, &["account", "openid", "state", "customer_id"])?;
    say("")?;
    let columns = &[
        "conversation",
        "state",
        "end_reason",
        "ticket",
        "opened_at",
        "last_at",
    ];
    output::list(
        columns,
        &conversations,
        false,
        "no conversation has begun yet",
    )?;
    say("")?;
    let columns = &[
        "created_at",
        "conversation",
        "direction",
        "kind",
        "purpose",
        "state",
        "activity",
        "effect",
        "trace",
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

/// The conversations in which these messages were said. A follower's follow each other without a
/// gap, so the newest of them and their number tell which they are.
async fn conversations_of(
    store: &Store,
    mapping: &Mapping,
    messages: &[TranscriptRow],
) -> Result<Vec<Value>> {
    let mut ids: Vec<i64> = messages.iter().filter_map(|m| m.conversation_id).collect();
    ids.dedup();
    let filter = ConversationFilter {
        state: None,
        account: None,
        before: ids.last().map_or(0, |newest| newest + 1),
        limit: u32::try_from(ids.len())?,
    };
    let conversations = store.conversations_with(&mapping.follower, &filter).await?;
    let row = |listed: &ListedConversation| {
        let mut row = conversation(listed);
        row["conversation"] = row["id"].clone();
        row
    };
    Ok(conversations.iter().rev().map(row).collect())
}

/// A message with its way: received, stored (`recorded_at`), in C4C, delivered (`settled_at`).
fn told(row: &TranscriptRow) -> Value {
    let mut told = message(&row.message);
    told["conversation"] = json!(row.conversation_id.map(|id| id.to_string()));
    told["msg_id"] = json!(row.msg_id);
    told["trace"] = json!(row.trace);
    told["last_error"] = json!(row.last_error);
    told["activity"] = json!(row.activity);
    told["received_at"] = json!(row.received_at().map(instant));
    told["in_c4c_at"] = json!(row.in_c4c_at().map(instant));
    told["media"] = row.media();
    told
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
