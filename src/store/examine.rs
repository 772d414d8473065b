//! What `qiao doctor` asks of the database: the state of the file, and traces of trouble.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::codec::instant;
use super::{Store, StoreError};

/// Steps of SQLite between two looks at whether time is up: about a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// How many of the newest pushes and notifications are looked through for trouble.
const LATELY: i64 = 10_000;

/// The file as SQLite describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// `wal`, unless somebody changed it.
    pub journal_mode: String,
    /// Bytes of the file without its log.
    pub bytes: i64,
    /// Bytes of it that hold nothing.
    pub free_bytes: i64,
}

/// What a look through the file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// Nothing is wrong.
    Sound,
    /// SQLite's first complaint.
    Broken(String),
    /// Time was up first.
    Unfinished,
}

/// Traces of trouble, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Held effects by reason.
    pub held: BTreeMap<String, i64>,
    /// Followers whose customer is not clear.
    pub conflicts: i64,
    /// Pushes and notifications among the last 10,000.
    pub arrived: i64,
    /// Those of them that could not be read.
    pub rejected: i64,
    /// Those of them that were taken for repetitions.
    pub suppressed: i64,
}

impl Store {
    /// The file as SQLite describes it.
    pub async fn file_facts(&self) -> Result<FileFacts, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let journal_mode = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut *reader)
            .await?;
        let page: i64 = sqlx::query_scalar("PRAGMA page_size")
            .fetch_one(&mut *reader)
            .await?;
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
            .fetch_one(&mut *reader)
            .await?;
        let free: i64 = sqlx::query_scalar("PRAGMA freelist_count")
            .fetch_one(&mut *reader)
            .await?;
        Ok(FileFacts {
            journal_mode,
            bytes: pages.saturating_mul(page),
            free_bytes: free.saturating_mul(page),
        })
    }

    /// Looks through the file for damage, for no longer than `within`.
    pub async fn quick_check(&self, within: Duration) -> Result<Integrity, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        reader
            .lock_handle()
            .await?
            .set_progress_handler(STEPS_BETWEEN_LOOKS, move || !seen.load(Ordering::Relaxed));
        let mut checking = Box::pin(
            sqlx::query_scalar::<_, String>("PRAGMA quick_check(1)").fetch_one(&mut *reader),
        );
        let checked = tokio::select! {
            checked = &mut checking => checked,
            () = tokio::time::sleep(within) => {
                is_over.store(true, Ordering::Relaxed);
                checking.as_mut().await
            }
        };
        drop(checking);
        reader.lock_handle().await?.remove_progress_handler();
        match checked {
            Ok(word) if word == "ok" => Ok(Integrity::Sound),
            Ok(complaint) => Ok(Integrity::Broken(complaint)),
            Err(_) if is_over.load(Ordering::Relaxed) => Ok(Integrity::Unfinished),
            // What cannot even be read to be checked is damaged, too.
            Err(fault) if fault.as_database_error().is_some() => {
                Ok(Integrity::Broken(fault.to_string()))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// When the newest row was written, by the clock of that moment; `None` in an empty database.
    pub async fn newest(&self) -> Result<Option<Timestamp>, StoreError> {
        let newest: Option<i64> = sqlx::query_scalar(
            "SELECT max(at) FROM (
                 SELECT received_at AS at FROM inbox WHERE id = (SELECT max(id) FROM inbox)
                 UNION ALL
                 SELECT created_at FROM outbox WHERE id = (SELECT max(id) FROM outbox)
                 UNION ALL
                 SELECT started_at FROM job_run WHERE id = (SELECT max(id) FROM job_run))",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(newest.map(instant))
    }

    /// Traces of trouble.
    pub async fn troubles(&self) -> Result<Troubles, StoreError> {
        let held: Vec<(String, i64)> = sqlx::query_as(
            "SELECT held_reason, count(*) FROM outbox WHERE state = 'held' GROUP BY held_reason",
        )
        .fetch_all(&self.readers)
        .await?;
        let (conflicts, arrived, rejected, suppressed) = sqlx::query_as(
            "WITH lately(id) AS (SELECT coalesce(max(id), 0) - ? FROM inbox)
             SELECT (SELECT count(*) FROM mapping WHERE state = 'conflict'),
                 (SELECT count(*) FROM inbox WHERE id > (SELECT id FROM lately)),
                 (SELECT count(*) FROM inbox WHERE id > (SELECT id FROM lately)
                      AND state = 'rejected'),
                 (SELECT count(*) FROM inbox WHERE id > (SELECT id FROM lately)
                      AND duplicate_of IS NOT NULL)",
        )
        .bind(LATELY)
        .fetch_one(&self.readers)
        .await?;
        Ok(Troubles {
            held: held.into_iter().collect(),
            conflicts,
            arrived,
            rejected,
            suppressed,
        })
    }
}
