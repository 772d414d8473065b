//! Counting what was written since a mark: for those who measure and must prove that every
//! acknowledged push is there exactly once.

use super::{Store, StoreError};

/// The newest rows of the tables whose ids grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Mark {
    inbox: i64,
    message: i64,
    outbox: i64,
}

/// How many rows were written since a [`Mark`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Tally {
    /// Facts, duplicates included.
    pub inbox: i64,
    /// Facts that were taken for repetitions.
    pub suppressed: i64,
    /// Keys of those that were not.
    pub dedupe: i64,
    /// Messages.
    pub message: i64,
    /// Effects.
    pub outbox: i64,
    /// Effects that still wait or run.
    pub open: i64,
    /// Effects whose remote is not the database itself.
    pub remote: i64,
    /// Attempts of effects.
    pub attempt: i64,
}

impl Store {
    /// The newest rows.
    pub async fn mark(&self) -> Result<Mark, StoreError> {
        Ok(sqlx::query_as(
            "SELECT (SELECT coalesce(max(id), 0) FROM inbox) AS inbox,
                    (SELECT coalesce(max(id), 0) FROM message) AS message,
                    (SELECT coalesce(max(id), 0) FROM outbox) AS outbox",
        )
        .fetch_one(&self.readers)
        .await?)
    }

    /// Counts the rows since `mark`.
    pub async fn tally(&self, mark: &Mark) -> Result<Tally, StoreError> {
        Ok(sqlx::query_as(
            "SELECT (SELECT count(*) FROM inbox WHERE id > ?1) AS inbox,
                    (SELECT count(*) FROM inbox WHERE id > ?1 AND duplicate_of IS NOT NULL)
                        AS suppressed,
                    (SELECT count(*) FROM dedupe WHERE inbox_id > ?1) AS dedupe,
                    (SELECT count(*) FROM message WHERE id > ?2) AS message,
                    (SELECT count(*) FROM outbox WHERE id > ?3) AS outbox,
                    (SELECT count(*) FROM outbox WHERE id > ?3
                        AND (state = 'ready' OR state = 'running')) AS open,
                    (SELECT count(*) FROM outbox WHERE id > ?3 AND remote <> 'local') AS remote,
                    (SELECT count(*) FROM attempt WHERE outbox_id > ?3) AS attempt",
        )
        .bind(mark.inbox)
        .bind(mark.message)
        .bind(mark.outbox)
        .fetch_one(&self.readers)
        .await?)
    }

    /// The MsgIds of the messages that came in since `mark`, as often as they were written.
    pub async fn msg_ids(&self, mark: &Mark) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT msg_id FROM message WHERE id > ? AND direction = 'in' AND msg_id IS NOT NULL",
        )
        .bind(mark.message)
        .fetch_all(&self.readers)
        .await?)
    }
}
