//! Reading the outbox: for the engine's timer, for operators and for `/readyz`.

use jiff::Timestamp;
use serde::Serialize;

use super::codec::{instant, json};
use super::{Store, StoreError};

/// An effect as `outbox list` and `outbox show` print it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct OutboxRow {
    /// `outbox.id`
    pub id: i64,
    /// Its lane.
    pub lane: String,
    /// Its name.
    pub effect: String,
    /// Whose gate it stands before.
    pub remote: String,
    /// `ready`, `running`, `held`, `done`, `dead` or `cancelled`.
    pub state: String,
    /// Whether it may have had its effect.
    pub uncertain: bool,
    /// `live`, `normal` or `bulk`.
    pub priority: String,
    /// Counted tries.
    pub attempts: i64,
    /// All tries.
    pub tries: i64,
    /// Why it is held.
    pub held_reason: Option<String>,
    /// How the last try failed.
    pub last_verdict: Option<String>,
    /// What the last try said.
    pub last_error: Option<String>,
    /// How it ended.
    pub note: Option<String>,
    /// The trace that it belongs to.
    pub trace: Option<String>,
    /// When it was written.
    pub created_at: String,
    /// When it is tried next.
    pub next_attempt_at: Option<String>,
    /// When it is given up.
    pub expires_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// One try, as `outbox show` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct AttemptRow {
    /// Counted from 1.
    pub number: i64,
    /// When it began.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// `done`, `failed`, `held` or `cancelled`.
    pub outcome: String,
    /// The verdict, if it failed.
    pub verdict: Option<String>,
    /// What it said.
    pub error: Option<String>,
    /// Whether it counted.
    pub counted: bool,
}

/// Which effects to list.
#[derive(Debug, Clone, Default)]
pub struct OutboxFilter {
    /// Only this state.
    pub state: Option<String>,
    /// Only this effect.
    pub effect: Option<String>,
    /// At most this many, the newest first.
    pub limit: u32,
}

/// How the queue stands, for `/readyz` and the metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Effects that wait or run.
    pub open: i64,
    /// Effects that are held.
    pub held: i64,
    /// Dead letters.
    pub dead: i64,
    /// When the oldest head of a lane became due.
    pub oldest_due_at: Option<Timestamp>,
}

impl Store {
    /// When the next head of a lane is due, for each remote that has one.
    pub async fn next_due(
        &self,
        remotes: &[String],
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
            "SELECT r.value, (SELECT min(o.next_attempt_at) FROM outbox o WHERE o.remote = r.value
                 AND o.priority = p.value AND o.head = 1 AND o.state = 'ready')
             FROM json_each(?) r, json_each('[0,1,2]') p",
        )
        .bind(json(remotes))
        .fetch_all(&self.readers)
        .await?;
        let due = |(remote, at): (String, Option<i64>)| at.map(|at| (remote, instant(at)));
        Ok(rows.into_iter().filter_map(due).collect())
    }

    /// Effects, newest first.
    pub async fn outbox(&self, filter: &OutboxFilter) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, lane, effect, remote, state, uncertain, priority, attempts, tries,
                 held_reason, last_verdict, last_error, note, trace, created_at, next_attempt_at,
                 expires_at, finished_at
             FROM v_outbox
             WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR effect = ?2)
             ORDER BY id DESC LIMIT ?3",
        )
        .bind(&filter.state)
        .bind(&filter.effect)
        .bind(filter.limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// One effect and its tries.
    pub async fn outbox_row(
        &self,
        id: i64,
    ) -> Result<Option<(OutboxRow, Vec<AttemptRow>)>, StoreError> {
        let row: Option<OutboxRow> = sqlx::query_as(
            "SELECT id, lane, effect, remote, state, uncertain, priority, attempts, tries,
                 held_reason, last_verdict, last_error, note, trace, created_at, next_attempt_at,
                 expires_at, finished_at
             FROM v_outbox WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let attempts = sqlx::query_as(
            "SELECT number, strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1e6, 'unixepoch')
                 AS started_at, (finished_at - started_at) / 1000 AS took_ms, outcome, verdict,
                 error, counted
             FROM attempt WHERE outbox_id = ? ORDER BY number",
        )
        .bind(id)
        .fetch_all(&self.readers)
        .await?;
        Ok(Some((row, attempts)))
    }

    /// How the queue stands.
    pub async fn queue_state(&self) -> Result<QueueState, StoreError> {
        let (open, held, dead): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM outbox WHERE state = 'ready' OR state = 'running'),
                    (SELECT count(*) FROM outbox WHERE state = 'held'),
                    (SELECT count(*) FROM outbox WHERE state = 'dead')",
        )
        .fetch_one(&self.readers)
        .await?;
        let due = self.oldest_due().await?;
        Ok(QueueState {
            open,
            held,
            dead,
            oldest_due_at: due.into_iter().map(|(_, at)| at).min(),
        })
    }

    /// Whether the database can be written and read: an empty commit, what the last real one came
    /// to, and how the queue stands.
    pub async fn probe(&self) -> Result<QueueState, StoreError> {
        self.write(crate::domain::rows::Changes::none()).await?;
        match self.writer.trouble() {
            Some(trouble) => Err(trouble),
            None => self.queue_state().await,
        }
    }
}
