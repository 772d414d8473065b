//! What a follower's own page is told: their tickets, and what they asked for that is not done yet.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, json, micros};
use super::operate::{Effected, Moved, settle_moved};
use super::plan::{Ids, Plan};
use super::sessions::Visit;
use super::{Store, StoreError};
use crate::domain::rows::{Changes, Follower};
use crate::kit::trace::{TraceId, present};

/// A ticket of a follower's conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketOf {
    /// Its number in C4C.
    pub ticket_id: String,
    /// `open` or `ended`, as its newest conversation.
    pub state: String,
    /// When its first conversation began.
    pub opened_at: Timestamp,
    /// When something was said last.
    pub last_at: Timestamp,
}

/// An effect that a follower waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Its id.
    pub id: i64,
    /// `ready`, `running`, `held` or `dead`.
    pub state: String,
    /// When they asked for it.
    pub created_at: Timestamp,
}

/// What a follower asks for takes the place of what they asked for before.
pub(super) struct Instead {
    lane: String,
    effect: &'static str,
    follower: Follower,
    reason: &'static str,
    changes: Changes,
}

impl Store {
    /// The tickets of a follower's conversations, newest first, at most `limit`.
    pub async fn tickets_told(
        &self,
        follower: &Follower,
        limit: u32,
    ) -> Result<Vec<TicketOf>, StoreError> {
        let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT ticket_id, CASE WHEN max(state = 'open') THEN 'open' ELSE 'ended' END,
                 min(opened_at), max(last_at)
             FROM conversation WHERE account = ? AND openid = ? AND ticket_id IS NOT NULL
             GROUP BY ticket_id ORDER BY max(first_message_id) DESC LIMIT ?",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        let ticket = |(ticket_id, state, opened_at, last_at)| TicketOf {
            ticket_id,
            state,
            opened_at: instant(opened_at),
            last_at: instant(last_at),
        };
        Ok(rows.into_iter().map(ticket).collect())
    }

    /// Effects of that name in a lane that are about a follower and not done, oldest first.
    pub async fn awaited(
        &self,
        lane: &str,
        follower: &Follower,
    ) -> Result<Vec<Awaited>, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT id, state, created_at FROM (
                 SELECT id, state, created_at, payload FROM outbox
                 WHERE lane = ?1 AND (state = 'ready' OR state = 'running')
                     AND effect = 'customer.change'
                 UNION ALL SELECT id, state, created_at, payload FROM outbox
                 WHERE lane = ?1 AND state = 'held' AND effect = 'customer.change'
                 UNION ALL SELECT id, state, created_at, payload FROM outbox
                 WHERE lane = ?1 AND state = 'dead' AND effect = 'customer.change')
             WHERE payload ->> '$.follower.account' = ?2 AND payload ->> '$.follower.openid' = ?3
             ORDER BY id",
        )
        .bind(lane)
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_all(&self.readers)
        .await?;
        let awaited = |(id, state, created_at)| Awaited {
            id,
            state,
            created_at: instant(created_at),
        };
        Ok(rows.into_iter().map(awaited).collect())
    }

    /// Cancels what of that name waits, is held or was given up in a lane for a follower, and commits
    /// `changes` with one effect in its place, whose id is returned.
    pub async fn ask_instead(
        &self,
        lane: String,
        effect: &'static str,
        follower: Follower,
        reason: &'static str,
        changes: Changes,
    ) -> Result<i64, StoreError> {
        let instead = Instead {
            lane,
            effect,
            follower,
            reason,
            changes,
        };
        let ask = Visit::AskInstead(Box::new(instead), present());
        self.at_once(ask).await.map(|done| done.id)
    }
}

pub(super) async fn ask_instead(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    instead: &Instead,
    trace: Option<&TraceId>,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let before: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM (
             SELECT id, effect, payload FROM outbox
             WHERE lane = ?1 AND (state = 'ready' OR state = 'running') AND state = 'ready'
             UNION ALL SELECT id, effect, payload FROM outbox WHERE lane = ?1 AND state = 'held'
             UNION ALL SELECT id, effect, payload FROM outbox
             WHERE lane = ?1 AND state = 'dead' AND effect = 'customer.change')
         WHERE effect = ?2 AND payload ->> '$.follower.account' = ?3
             AND payload ->> '$.follower.openid' = ?4",
    )
    .bind(&instead.lane)
    .bind(instead.effect)
    .bind(instead.follower.account.as_str())
    .bind(instead.follower.openid.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let moved: Vec<Moved> = sqlx::query_as(
        "UPDATE outbox SET state = 'cancelled', head = 0, held_reason = NULL, note = ?2,
             finished_at = ?3
         WHERE id IN (SELECT value FROM json_each(?1)) RETURNING lane, message_id",
    )
    .bind(json(&before))
    .bind(instead.reason)
    .bind(micros(now))
    .fetch_all(&mut *connection)
    .await?;
    settle_moved(connection, moved, "cancelled", now).await?;
    let mut plan = Plan::new(now);
    plan.change(&instead.changes, None, trace, ids);
    plan.write(connection).await?;
    Ok(Effected {
        rows: 1,
        id: ids.outbox.last(),
    })
}
