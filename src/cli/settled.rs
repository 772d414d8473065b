//! Commands that order one effect and wait until it is settled: by the daemon, or here when none runs.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::reach::{self, Operator};
use crate::app::Parts;
use crate::config::Config;
use crate::control::Command;
use crate::store::{OutboxRow, Store};

/// Nobody waits longer at a terminal; what has not happened by then goes on all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks: a call takes tens of milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The effect that was ordered, as it stood when the wait was over.
#[derive(Debug)]
pub(super) struct Settled {
    row: OutboxRow,
    daemon: bool,
}

/// Has a command carried out that answers `{"effect":"ID"}`, and waits for that effect.
pub(super) async fn order(config: Config, command: Command) -> Result<Settled> {
    let mut operator = Operator::new(config.clone());
    let done = operator.act(command).await?;
    let named = done.told["effect"].as_str();
    let id = named.and_then(|id| id.parse().ok());
    let id = id.context("the daemon named no effect; it is of another version, restart it")?;
    let row = match operator.alone() {
        Some(parts) => tried(parts, id).await?,
        None => waited_for(&reach::reading(&config).await?, id).await?,
    };
    Ok(Settled {
        row,
        daemon: operator.alone().is_none(),
    })
}

/// Tries it here, and nothing else: whoever stopped the daemon may not want its other work done.
async fn tried(parts: &Parts, id: i64) -> Result<OutboxRow> {
    let store = &parts.context.store;
    let lane = row(store, id).await?.lane;
    parts.engine.carry_out(&lane, id).await?;
    row(store, id).await
}

async fn waited_for(store: &Store, id: i64) -> Result<OutboxRow> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let row = row(store, id).await?;
        if !is_open(&row) || Instant::now() >= deadline {
            return Ok(row);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn row(store: &Store, id: i64) -> Result<OutboxRow> {
    let found = store.outbox_row(id).await?;
    let (row, _) = found.with_context(|| format!("there is no effect {id} any more"))?;
    Ok(row)
}

fn is_open(row: &OutboxRow) -> bool {
    matches!(row.state.as_str(), "ready" | "running")
}

impl Settled {
    /// How it happened; the error is a sentence on why it has not.
    pub(super) fn told(&self) -> Result<&str> {
        let OutboxRow {
            id,
            state,
            note,
            last_error,
            ..
        } = &self.row;
        let why = match (last_error, note) {
            (Some(why), _) | (None, Some(why)) => why,
            (None, None) => "nobody has tried it yet",
        };
        let shown = format!("`qiao outbox show {id}` tells more");
        match state.as_str() {
            "done" => Ok(note.as_deref().unwrap_or("done")),
            "ready" | "running" if self.daemon => Err(anyhow!(
                "it has not happened yet, and is tried again: {why}; {shown}"
            )),
            "ready" | "running" => Err(anyhow!(
                "it has not happened, and is tried again once `qiao serve` runs: {why}; {shown}"
            )),
            state => Err(anyhow!("it is {state}: {why}; {shown}")),
        }
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "effect": self.row.id.to_string(),
            "state": self.row.state,
            "note": self.row.note,
            "error": self.row.last_error,
        })
    }
}
