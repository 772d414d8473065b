//! Leaving nothing of deleted rows in the file: what `secure_delete` alone cannot promise.
//!
//! SQLite overwrites what it deletes, but rows that it had moved before, from page to page, may have left
//! their bytes in unused parts of pages. Only writing the file anew is sure of that. And the write-ahead
//! log holds pages as they were until it is emptied.

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::{Store, StoreError, writer};

/// The largest file that is written anew while pushes wait: about two seconds on a slow disk, and WeChat
/// waits five. A larger one is left as it is, and the certificate says so.
const REWRITTEN_UP_TO: i64 = 64 << 20;

/// What tidying came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tidied {
    /// The file was written anew.
    pub rewritten: bool,
    /// The write-ahead log is empty. If not, somebody is reading from it: try again.
    pub log_empty: bool,
}

impl Store {
    /// Takes what is left of deleted rows out of the file, if it is not too large, and out of the
    /// write-ahead log, if nobody is reading from it.
    pub async fn tidy(&self) -> Result<Tidied, StoreError> {
        self.writer.ask(writer::Request::Tidy, false).await
    }
}

pub(super) async fn tidy(connection: &mut SqliteConnection) -> Result<Tidied, StoreError> {
    let pages: i64 = pragma(connection, "PRAGMA page_count").await?;
    let page_size: i64 = pragma(connection, "PRAGMA page_size").await?;
    let rewritten = pages * page_size <= REWRITTEN_UP_TO;
    if rewritten {
        sqlx::query("VACUUM").execute(&mut *connection).await?;
    }
    // The first column tells whether somebody was in the way.
    let blocked: i64 = pragma(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
    Ok(Tidied {
        rewritten,
        log_empty: blocked == 0,
    })
}

async fn pragma(
    connection: &mut SqliteConnection,
    words: &'static str,
) -> Result<i64, sqlx::Error> {
    sqlx::query(words).fetch_one(connection).await?.try_get(0)
}
