//! Reading one conversation page by page, in both directions.

use jiff::Timestamp;
use serde_json::Value;

use super::codec::{instant, json};
use super::{MessageRow, Store, StoreError};
use crate::domain::rows::Follower;

/// A message with all that is known of its way, as `conversation show` and `export` tell it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TranscriptRow {
    /// The message.
    #[sqlx(flatten)]
    pub message: MessageRow,
    /// WeChat's MsgId.
    pub msg_id: Option<String>,
    /// The trace of the push that brought it, or of the effect that delivers it.
    pub trace: Option<String>,
    /// Why the effect that delivers it failed last.
    pub last_error: Option<String>,
    /// The conversation in which it was said; ours may come before the first one.
    pub conversation_id: Option<i64>,
    /// The ID of the activity that stands for it in C4C.
    pub activity: Option<String>,
    received_at: Option<i64>,
    in_c4c_at: Option<i64>,
    media: String,
}

impl TranscriptRow {
    /// When the push reached us that brought it or that it answers.
    pub fn received_at(&self) -> Option<Timestamp> {
        self.received_at.map(instant)
    }

    /// When C4C had it, or gave it to us.
    pub fn in_c4c_at(&self) -> Option<Timestamp> {
        self.in_c4c_at.map(instant)
    }

    /// What hangs on it, without the bytes: an array of objects.
    pub fn media(&self) -> Value {
        serde_json::from_str(&self.media).expect("SQLite made this JSON")
    }
}

impl Store {
    /// The messages of one follower older than the message `before`, in order, the newest `limit`
    /// of them.
    pub async fn messages_before(
        &self,
        follower: &Follower,
        before: i64,
        limit: u32,
    ) -> Result<Vec<TranscriptRow>, StoreError> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT min(?1, (SELECT max(id) FROM message)) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.id FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
             WHERE m.account = ?2 AND m.openid = ?3 AND m.id < ?1 ORDER BY m.id DESC LIMIT ?4",
        )
        .bind(before)
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        self.transcript_of(&ids).await
    }

    /// The messages of one follower after the message `after`, in order, at most `limit`.
    pub async fn transcript(
        &self,
        follower: &Follower,
        after: i64,
        limit: u32,
    ) -> Result<Vec<TranscriptRow>, StoreError> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT ?1 >> 10 UNION ALL
                 SELECT number + 1 FROM bucket
                 WHERE number < (SELECT max(id) FROM message) >> 10)
             SELECT m.id FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
             WHERE m.account = ?2 AND m.openid = ?3 AND m.id > ?1 ORDER BY m.id LIMIT ?4",
        )
        .bind(after)
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        self.transcript_of(&ids).await
    }

    /// These messages in order; one that was deleted meanwhile is not among them.
    async fn transcript_of(&self, ids: &[i64]) -> Result<Vec<TranscriptRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT m.id, m.direction, m.kind, m.purpose, m.text, m.state, m.outbox_id,
                 m.created_at, m.recorded_at, m.settled_at, m.msg_id, o.last_error, i.received_at,
                 coalesce(o.trace, i.trace) AS trace,
                 (SELECT c.id FROM conversation c WHERE c.account = m.account
                      AND c.openid = m.openid AND c.first_message_id <= m.id
                  ORDER BY c.first_message_id DESC LIMIT 1) AS conversation_id,
                 (SELECT min(a.number) FROM activity a WHERE a.message_id = m.id) AS activity,
                 (SELECT min(a.recorded_at) FROM activity a WHERE a.message_id = m.id)
                     AS in_c4c_at,
                 (SELECT json_group_array(json_object('kind', f.kind, 'state', f.state, 'name',
                      f.name, 'mime', f.mime, 'bytes', f.bytes, 'reason', f.reason) ORDER BY f.id)
                  FROM media f WHERE f.message_id = m.id) AS media
             FROM json_each(?) j CROSS JOIN message m ON m.id = j.value
             LEFT JOIN outbox o ON o.id = m.outbox_id
             LEFT JOIN inbox i ON i.id = m.inbox_id
             ORDER BY m.id",
        )
        .bind(json(ids))
        .fetch_all(&self.readers)
        .await?)
    }
}
