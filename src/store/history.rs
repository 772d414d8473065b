//! Reading conversations: for the follower, the operator and the handlers.

use jiff::Timestamp;

use super::codec::instant;
use super::{Answer, Store, StoreError};
use crate::domain::rows::Follower;

/// A line of a follower's own history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// Said by the follower; otherwise by us.
    pub incoming: bool,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A message in full, as `conversation show` prints it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MessageRow {
    /// `message.id`
    pub id: i64,
    /// `in` or `out`.
    pub direction: String,
    /// `text`, `image` …
    pub kind: String,
    /// Why we sent it.
    pub purpose: Option<String>,
    /// Its words.
    pub text: Option<String>,
    /// How far it has come.
    pub state: String,
    /// The effect that delivers it.
    pub outbox_id: Option<i64>,
    created_at: i64,
    recorded_at: i64,
    settled_at: Option<i64>,
}

impl MessageRow {
    /// The sender's clock.
    pub fn created_at(&self) -> Timestamp {
        instant(self.created_at)
    }

    /// When its delivery reached its present state.
    pub fn settled_at(&self) -> Option<Timestamp> {
        self.settled_at.map(instant)
    }

    /// When it was committed.
    pub fn recorded_at(&self) -> Timestamp {
        instant(self.recorded_at)
    }
}

/// A held message that can only be delivered as a passive reply.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldSend {
    /// The held effect.
    pub outbox_id: i64,
    /// `text`, `image` …
    pub kind: String,
    /// The words; of a medium its name.
    pub text: String,
}

impl Store {
    /// Whether a message of that purpose that holds `piece` reached the follower, or is on its way.
    pub async fn was_told(
        &self,
        follower: &Follower,
        purpose: &str,
        piece: &str,
    ) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT EXISTS (SELECT 1 FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
                 WHERE m.account = ?1 AND m.openid = ?2 AND m.purpose = ?3
                 AND instr(m.text, ?4) > 0 AND m.state <> 'failed' AND m.state <> 'cancelled')",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(purpose)
        .bind(piece)
        .fetch_one(&self.readers)
        .await?)
    }

    /// The oldest message held for `reason` in a follower's send lane.
    pub async fn held_send(
        &self,
        follower: &Follower,
        reason: &str,
    ) -> Result<Option<HeldSend>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT o.id AS outbox_id, m.kind, m.text
             FROM outbox o JOIN message m ON m.id = o.message_id
             WHERE o.lane = ? AND o.state = 'held' AND o.held_reason = ? AND m.text IS NOT NULL
             ORDER BY o.id LIMIT 1",
        )
        .bind(follower.send_lane())
        .bind(reason)
        .fetch_optional(&self.readers)
        .await?)
    }

    /// Whether any send of the account is held for `reason`.
    pub async fn any_held(&self, remote: &str, reason: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM outbox WHERE state = 'held' AND held_reason = ? AND remote = ? LIMIT 1",
        )
        .bind(reason)
        .bind(remote)
        .fetch_optional(&self.readers)
        .await?;
        Ok(found.is_some())
    }

    /// Whether anything in this lane is held for `reason`.
    pub async fn is_held(&self, lane: &str, reason: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox
             WHERE lane = ? AND state = 'held' AND held_reason = ?)",
        )
        .bind(lane)
        .bind(reason)
        .fetch_one(&self.readers)
        .await?)
    }

    /// Whether anything in this lane is about to run, or runs.
    pub async fn is_under_way(&self, lane: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox
             WHERE lane = ? AND (state = 'ready' OR state = 'running'))",
        )
        .bind(lane)
        .fetch_one(&self.readers)
        .await?)
    }

    /// What was said with a follower, newest first, at most `limit` lines that have words.
    pub async fn history(
        &self,
        follower: &Follower,
        limit: u32,
    ) -> Result<Vec<HistoryLine>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.direction, m.text, m.created_at
             FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
             WHERE m.account = ? AND m.openid = ? AND m.text IS NOT NULL
                 AND m.state IN ('received', 'answered', 'sent')
             ORDER BY m.id DESC LIMIT ?",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        let line = |(direction, text, at): (String, String, i64)| HistoryLine {
            incoming: direction == "in",
            text,
            at: instant(at),
        };
        Ok(rows.into_iter().map(line).collect())
    }

    /// The messages of one follower in order, the newest `limit` of them.
    pub async fn messages(
        &self,
        follower: &Follower,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let rows = self.messages_before(follower, i64::MAX, limit).await?;
        Ok(rows.into_iter().map(|row| row.message).collect())
    }

    /// The message that an effect delivers, if it delivers one.
    pub async fn message_of(&self, outbox_id: i64) -> Result<Option<MessageRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, direction, kind, purpose, text, state, outbox_id, created_at, recorded_at,
                 settled_at
             FROM message WHERE id = (SELECT message_id FROM outbox WHERE id = ?)",
        )
        .bind(outbox_id)
        .fetch_optional(&self.readers)
        .await?)
    }

    /// The raw push or notification of an effect; `None` once deleted.
    pub async fn inbox_body(&self, inbox_id: i64) -> Result<Option<String>, StoreError> {
        let body: Option<Option<String>> =
            sqlx::query_scalar("SELECT body FROM inbox WHERE id = ?")
                .bind(inbox_id)
                .fetch_optional(&self.readers)
                .await?;
        Ok(body.flatten())
    }

    /// What a push was or will be answered.
    pub async fn answer(&self, inbox_id: i64) -> Result<Answer, StoreError> {
        let row: Option<(String, Option<String>)> =
            sqlx::query_as("SELECT answer_state, answer FROM inbox WHERE id = ?")
                .bind(inbox_id)
                .fetch_optional(&self.readers)
                .await?;
        Ok(match row {
            Some((state, _)) if state == "pending" => Answer::Pending,
            Some((_, Some(answer))) => Answer::Stored(answer),
            _ => Answer::None,
        })
    }

    /// How many refused but authenticated notifications a tenant has left behind.
    pub async fn rejected(&self, remote: &str) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM inbox WHERE state = 'rejected' AND remote = ?",
        )
        .bind(remote)
        .fetch_one(&self.readers)
        .await?;
        Ok(count.unsigned_abs())
    }
}
