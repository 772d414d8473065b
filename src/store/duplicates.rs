//! Suppressed duplicates: listed, released, and their keys pruned.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::rows::Changes;

/// A push that was taken for a duplicate.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Suppressed {
    /// Its own `inbox.id`.
    pub id: i64,
    /// The `inbox.id` of the first one.
    pub duplicate_of: i64,
    /// The account.
    pub remote: String,
    /// Who sent it.
    pub openid: Option<String>,
    /// `text`, `event:LOCATION` …
    pub kind: String,
    /// `suppressed` or `released`.
    pub state: String,
    /// The push as it came; `None` once deleted.
    pub body: Option<String>,
    received_at: i64,
}

impl Suppressed {
    /// When it came.
    pub fn received_at(&self) -> Timestamp {
        instant(self.received_at)
    }
}

impl Store {
    /// Suppressed and released duplicates, newest first, at most `limit`.
    pub async fn duplicates(&self, limit: u32) -> Result<Vec<Suppressed>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, duplicate_of, remote, openid, kind, state, body, received_at FROM inbox
             WHERE duplicate_of IS NOT NULL ORDER BY id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// One duplicate.
    pub async fn duplicate(&self, inbox_id: i64) -> Result<Option<Suppressed>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, duplicate_of, remote, openid, kind, state, body, received_at FROM inbox
             WHERE id = ? AND duplicate_of IS NOT NULL",
        )
        .bind(inbox_id)
        .fetch_optional(&self.readers)
        .await?)
    }

    /// Treats a suppressed push as one of its own: marks it released and commits what follows
    /// from it. `false` when it is not suppressed (any more).
    pub async fn release(&self, inbox_id: i64, changes: Changes) -> Result<bool, StoreError> {
        self.operate(Operation::Release {
            inbox_id,
            changes: Box::new(changes),
        })
        .await
        .map(|done| done.rows > 0)
    }

    /// Forgets keys seen before `before`; a sender that retries later than that is not known.
    pub async fn prune_dedupe(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.operate(Operation::Prune { before })
            .await
            .map(|done| done.rows)
    }
}

pub(super) async fn mark_released(
    connection: &mut SqliteConnection,
    inbox_id: i64,
) -> Result<Effected, sqlx::Error> {
    sqlx::query("UPDATE inbox SET state = 'released' WHERE id = ? AND state = 'suppressed'")
        .bind(inbox_id)
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn prune(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> Result<Effected, sqlx::Error> {
    sqlx::query("DELETE FROM dedupe WHERE seen_at < ?")
        .bind(micros(before))
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}
