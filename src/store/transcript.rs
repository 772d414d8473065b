//! Reading one conversation page by page, in both directions.

use jiff::Timestamp;

use super::codec::instant;
use super::{MessageRow, Store, StoreError};
use crate::domain::rows::Follower;

/// A message with all that is known of its way, as `conversation export` writes it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TranscriptRow {
    /// The message.
    #[sqlx(flatten)]
    pub message: MessageRow,
    /// WeChat's MsgId.
    pub msg_id: Option<String>,
    /// Why the effect that delivers it failed last.
    pub last_error: Option<String>,
    received_at: Option<i64>,
}

impl TranscriptRow {
    /// When the push reached us that brought it or that it answers.
    pub fn received_at(&self) -> Option<Timestamp> {
        self.received_at.map(instant)
    }
}

impl Store {
    /// The messages of one follower older than the message `before`, in order, the newest `limit`
    /// of them.
    pub async fn conversation_before(
        &self,
        follower: &Follower,
        before: i64,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let mut rows: Vec<MessageRow> = sqlx::query_as(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT min(?1, (SELECT max(id) FROM message)) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.id, m.direction, m.kind, m.purpose, m.text, m.state, m.outbox_id,
                 m.created_at, m.recorded_at, m.settled_at
             FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
             WHERE m.account = ?2 AND m.openid = ?3 AND m.id < ?1 ORDER BY m.id DESC LIMIT ?4",
        )
        .bind(before)
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.reverse();
        Ok(rows)
    }

    /// The messages of one follower after the message `after`, in order, at most `limit`.
    pub async fn transcript(
        &self,
        follower: &Follower,
        after: i64,
        limit: u32,
    ) -> Result<Vec<TranscriptRow>, StoreError> {
        Ok(sqlx::query_as(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT ?1 >> 10 UNION ALL
                 SELECT number + 1 FROM bucket
                 WHERE number < (SELECT max(id) FROM message) >> 10)
             SELECT m.id, m.direction, m.kind, m.purpose, m.text, m.state, m.outbox_id,
                 m.created_at, m.recorded_at, m.settled_at, m.msg_id, o.last_error, i.received_at
             FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
             LEFT JOIN outbox o ON o.id = m.outbox_id
             LEFT JOIN inbox i ON i.id = m.inbox_id
             WHERE m.account = ?2 AND m.openid = ?3 AND m.id > ?1 ORDER BY m.id LIMIT ?4",
        )
        .bind(after)
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }
}
