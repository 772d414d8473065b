//! Suppressed duplicates: listed, released, and their keys pruned.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, json, micros};
use super::operate::{Effected, Operation};
use super::{Dedupe, Store, StoreError};
use crate::domain::rows::Changes;
use crate::kit::trace;

/// Keys that are forgotten in one commit: a few milliseconds of the writer's time.
const PAGE: u32 = 1000;

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
            trace: trace::present(),
        })
        .await
        .map(|done| done.rows > 0)
    }

    /// Forgets keys seen before `before`; a sender that retries later than that is not known.
    ///
    /// The keys are looked through beside the writer, which only deletes what was found, a page a
    /// commit: pushes do not wait for it.
    pub async fn prune_dedupe(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        let mut after = Dedupe {
            key: "".into(),
            remote: "".into(),
            sender: "".into(),
        };
        loop {
            let keys = self.seen_before(before, &after).await?;
            let Some(last) = keys.last() else {
                return Ok(forgotten);
            };
            after = last.clone();
            forgotten += self.operate(Operation::Prune { keys }).await?.rows;
        }
    }

    /// The next page of keys after `after` that were seen before `before`.
    async fn seen_before(
        &self,
        before: Timestamp,
        after: &Dedupe,
    ) -> Result<Vec<Dedupe>, StoreError> {
        let keys: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT key, remote, sender FROM dedupe
             WHERE (key, remote, sender) > (?, ?, ?) AND seen_at < ?
             ORDER BY key, remote, sender LIMIT ?",
        )
        .bind(&*after.key)
        .bind(&*after.remote)
        .bind(&*after.sender)
        .bind(micros(before))
        .bind(PAGE)
        .fetch_all(&self.readers)
        .await?;
        let key = |(key, remote, sender): (String, String, String)| Dedupe {
            key: key.into(),
            remote: remote.into(),
            sender: sender.into(),
        };
        Ok(keys.into_iter().map(key).collect())
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
    keys: &[Dedupe],
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "DELETE FROM dedupe WHERE (key, remote, sender) IN (
             SELECT value ->> 'key', value ->> 'remote', value ->> 'sender' FROM json_each(?))",
    )
    .bind(json(keys))
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}
