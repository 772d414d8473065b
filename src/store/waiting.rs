//! Effects that wait and will not be tried: their time has passed, or nobody is there any more.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{json, micros};
use super::operate::{Effected, Moved, Operation, settle_moved};
use super::plan::{Ids, Plan};
use super::{Store, StoreError};
use crate::domain::rows::Changes;
use crate::kit::trace::TraceId;

/// A row of `outbox` that is ready or held.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// `outbox.id`
    pub id: i64,
    /// What it would do.
    pub effect: String,
    /// The message that it would deliver.
    pub message_id: Option<i64>,
    /// What its handler would read.
    pub payload: String,
}

impl Store {
    /// What waits past its `expires_at`, at most `limit` of it.
    pub async fn expiring(&self, now: Timestamp, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT id, effect, message_id, payload FROM outbox
             WHERE expires_at <= ? AND expires_at IS NOT NULL
                 AND (state = 'ready' OR state = 'held')
             ORDER BY expires_at, id LIMIT ?",
        )
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows)
    }

    /// What waits in a lane, in its order.
    pub async fn waiting_in(&self, lane: &str) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT id, effect, message_id, payload FROM outbox
             WHERE lane = ?1 AND (state = 'ready' OR state = 'running') AND state = 'ready'
             UNION ALL
             SELECT id, effect, message_id, payload FROM outbox
             WHERE lane = ?1 AND state = 'held'
             ORDER BY id",
        )
        .bind(lane)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows)
    }

    /// Gives up those of these effects that still wait, and writes what follows from each of them; returns
    /// how many.
    pub async fn expire(&self, expired: Vec<(i64, Changes)>) -> Result<u64, StoreError> {
        if expired.is_empty() {
            return Ok(0);
        }
        self.operate(Operation::Expire { expired })
            .await
            .map(|done| done.rows)
    }
}

#[derive(sqlx::FromRow)]
struct Expired {
    id: i64,
    trace: Option<String>,
    #[sqlx(flatten)]
    moved: Moved,
}

pub(super) async fn expire(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    expired: &[(i64, Changes)],
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let wanted: Vec<i64> = expired.iter().map(|(id, _)| *id).collect();
    let rows: Vec<Expired> = sqlx::query_as(
        "UPDATE outbox SET state = 'dead', head = 0, held_reason = NULL, finished_at = ?1,
             last_error = 'expired before it could be delivered'
         WHERE id IN (SELECT value FROM json_each(?2)) AND (state = 'ready' OR state = 'held')
         RETURNING id, lane, message_id, trace",
    )
    .bind(micros(now))
    .bind(json(&wanted))
    .fetch_all(&mut *connection)
    .await?;
    let mut plan = Plan::new(now);
    for (id, changes) in expired {
        if let Some(row) = rows.iter().find(|row| row.id == *id) {
            let trace = row.trace.as_deref().and_then(TraceId::parse);
            plan.change(changes, None, trace.as_ref(), ids);
        }
    }
    plan.write(connection).await?;
    settle_moved(
        connection,
        rows.into_iter().map(|row| row.moved).collect(),
        "failed",
        now,
    )
    .await
}
