//! Taking messages into the full-text index, after they were answered.
//!
//! The index goes along with the ids, so its highest rowid tells where to go on. That a deleted
//! message is no longer found is the business of the triggers of `migrations/0003_search.sql`.

use sqlx::sqlite::SqliteConnection;

use super::given::{self, row};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::grams::grams;

/// A message as the index has it.
struct Indexed {
    rowid: i64,
    grams: String,
}
row!(Indexed: rowid, grams);

impl Store {
    /// Takes the next messages into the index, at most `limit`; returns how many.
    pub async fn index_messages(&self, limit: u32) -> Result<u64, StoreError> {
        self.operate(Operation::Index { limit })
            .await
            .map(|done| done.rows)
    }

    /// How many of the newest messages are not in the index yet; deleted ones may be counted.
    pub async fn unindexed(&self) -> Result<u64, StoreError> {
        let behind: i64 = sqlx::query_scalar(
            "SELECT coalesce((SELECT max(id) FROM message), 0)
                 - coalesce((SELECT rowid FROM message_search ORDER BY rowid DESC LIMIT 1), 0)",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(u64::try_from(behind).unwrap_or_default())
    }
}

/// In one transaction, so that nothing is deleted between its reading and its indexing.
pub(super) async fn index(
    connection: &mut SqliteConnection,
    limit: u32,
) -> Result<Effected, sqlx::Error> {
    let messages: Vec<(i64, Option<String>)> = sqlx::query_as(
        "SELECT id, text FROM message
         WHERE id > coalesce((SELECT rowid FROM message_search ORDER BY rowid DESC LIMIT 1), 0)
         ORDER BY id LIMIT ?",
    )
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    let rows: Vec<Indexed> = messages
        .into_iter()
        .map(|(rowid, text)| Indexed {
            rowid,
            grams: text.as_deref().map(grams).unwrap_or_default(),
        })
        .collect();
    let count = rows.len() as u64;
    given::insert(connection, "message_search", rows).await?;
    Ok(Effected::rows(count))
}
