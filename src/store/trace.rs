//! Reading what was written lately, over all tables: for those who tell a story with its rows.

use jiff::Timestamp;
use serde::Serialize;

use super::codec::micros;
use super::{Store, StoreError};

/// A row of any table, in the words that all of them share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct TracedRow {
    /// `inbox`, `message`, `outbox`, `attempt`, `mapping`, `activity` or `media`.
    pub table: String,
    /// Its key.
    pub id: String,
    /// The kind of an arrival, the purpose of a message, the name of an effect …
    pub what: String,
    /// Its state now; the outcome of an attempt; how C4C calls an activity.
    pub state: String,
    /// What else must be said of it.
    pub detail: Option<String>,
    /// When it was written, in milliseconds since the instant asked for.
    pub at_ms: i64,
    /// From its writing to its end, in milliseconds; `None` while it has none.
    pub took_ms: Option<i64>,
}

impl Store {
    /// Every row written since `since`, oldest first. Of attempts only those that failed: the
    /// others stand in their outbox row. It scans whole tables.
    pub async fn written_since(&self, since: Timestamp) -> Result<Vec<TracedRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT \"table\", id, what, state, detail, (at - ?1) / 1000 AS at_ms,
                 (ended_at - at) / 1000 AS took_ms
             FROM (
                 SELECT 1 AS floor, 'inbox' AS \"table\", CAST(id AS TEXT) AS id, kind AS what,
                     state, coalesce('duplicate of ' || duplicate_of, reason) AS detail,
                     received_at AS at, NULL AS ended_at
                 FROM inbox
                 UNION ALL
                 SELECT 2, 'message', CAST(id AS TEXT), direction || ' ' || coalesce(purpose, kind),
                     state, NULL, recorded_at, settled_at
                 FROM message
                 UNION ALL
                 SELECT 3, 'outbox', CAST(id AS TEXT), effect,
                     state, coalesce(held_reason, note), created_at, finished_at
                 FROM outbox
                 UNION ALL
                 SELECT 4, 'attempt', a.outbox_id || '.' || a.number, o.effect,
                     a.outcome, a.verdict || ': ' || a.error, a.started_at, a.finished_at
                 FROM attempt a JOIN outbox o ON o.id = a.outbox_id WHERE a.outcome = 'failed'
                 UNION ALL
                 SELECT 5, 'mapping', account || '/' || openid, coalesce(customer_id, '?'),
                     state, reason, updated_at, NULL
                 FROM mapping
                 UNION ALL
                 SELECT 6, 'activity', CAST(id AS TEXT), direction || ' ' || kind,
                     coalesce(number, object_id), 'of message ' || message_id, recorded_at, NULL
                 FROM activity
                 UNION ALL
                 SELECT 7, 'media', CAST(id AS TEXT), kind,
                     state, coalesce(reason, name || ', ' || bytes || ' bytes'), settled_at, NULL
                 FROM media
             )
             WHERE at >= ?1 ORDER BY at, floor, id",
        )
        .bind(micros(since))
        .fetch_all(&self.readers)
        .await?)
    }
}
