//! `qiao outbox`: every effect, how its delivery goes, and another try.

use anyhow::{Result, anyhow};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::conversation::message;
use super::output::{self, card, object, row, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::store::{OutboxFilter, OutboxRow, Store};

const STATES: [&str; 6] = ["ready", "running", "held", "done", "dead", "cancelled"];

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists effects, the newest first
    List {
        /// Only those in this state; `dead` are the dead letters
        #[arg(long, value_parser = PossibleValuesParser::new(STATES))]
        state: Option<String>,
        /// Only those of this name, for example `wechat.send`
        #[arg(long)]
        effect: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Shows one effect, its attempts and the message it delivers
    Show {
        /// Which
        id: i64,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Tries a dead, held or cancelled effect again, at once
    Retry {
        /// Which
        id: i64,
    },
    /// Gives up a waiting, held or dead effect
    Cancel {
        /// Which
        id: i64,
    },
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    match verb {
        Verb::List {
            state,
            effect,
            limit,
            json,
        } => {
            let filter = OutboxFilter {
                state,
                effect,
                limit,
            };
            list(&reach::reading(&config).await?, &filter, json).await
        }
        Verb::Show { id, json } => show(&reach::reading(&config).await?, id, json).await,
        Verb::Retry { id } => {
            let done = reach::act(config, Command::OutboxRetry { id }).await?;
            say(&format!("effect {id} is ready again"))?;
            done.remind();
            Ok(())
        }
        Verb::Cancel { id } => {
            reach::act(config, Command::OutboxCancel { id }).await?;
            say(&format!("effect {id} is cancelled"))
        }
    }
}

async fn list(store: &Store, filter: &OutboxFilter, json: bool) -> Result<()> {
    let columns = &[
        "id",
        "state",
        "effect",
        "lane",
        "tries",
        "created_at",
        "next_attempt_at",
        "last_verdict",
        "last_error",
    ];
    let found = store.outbox(filter).await?;
    let rows: Vec<Value> = found.iter().map(printed).collect();
    output::list(columns, &rows, json, "no such effect")
}

async fn show(store: &Store, id: i64, json: bool) -> Result<()> {
    let found = store.outbox_row(id).await?;
    let (effect, attempts) =
        found.ok_or_else(|| anyhow!("there is no effect {id}; `qiao outbox list` shows them"))?;
    let mut effect = printed(&effect);
    let attempts: Vec<Value> = attempts.iter().map(row).collect();
    let delivers = store.message_of(id).await?.as_ref().map(message);
    if json {
        effect["attempts"] = json!(attempts);
        effect["message"] = json!(delivers);
        return object(&effect);
    }
    let members = [
        "id",
        "effect",
        "lane",
        "remote",
        "priority",
        "state",
        "uncertain",
        "held_reason",
        "note",
        "last_verdict",
        "last_error",
        "trace",
        "created_at",
        "next_attempt_at",
        "expires_at",
        "finished_at",
    ];
    card(&effect, &members)?;
    if let Some(delivers) = delivers {
        say("\nthe message it delivers:")?;
        card(
            &delivers,
            &["kind", "purpose", "state", "settled_at", "text"],
        )?;
    }
    say("")?;
    let columns = &[
        "number",
        "started_at",
        "took_ms",
        "outcome",
        "counted",
        "verdict",
        "error",
    ];
    output::list(columns, &attempts, false, "it was not tried yet")
}

/// An effect as it is printed: only one that waits has a next attempt.
fn printed(effect: &OutboxRow) -> Value {
    let mut printed = row(effect);
    if effect.state != "ready" {
        printed["next_attempt_at"] = Value::Null;
    }
    printed
}
