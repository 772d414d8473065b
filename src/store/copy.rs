//! A copy of the database that nobody serves from: how it is made for a backup, and what is asked of
//! it when it comes out of one.
//!
//! It must not be opened with [`Store::open`], which would migrate it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{OpenError, Store, StoreError, open};

impl Store {
    /// Writes a copy of the database, as it is at one moment, into a new file. It has a connection of
    /// its own that reads, so nobody waits for it; the log grows until it is done.
    pub async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        let mut reader = open::reading(self.path()).connect().await?;
        let copied = sqlx::query("VACUUM INTO ?")
            .bind(file.display().to_string())
            .execute(&mut reader)
            .await;
        reader.close().await?;
        Ok(copied.map(drop)?)
    }
}

/// A copy that was opened alone.
#[derive(Debug)]
pub struct Copied {
    connection: SqliteConnection,
    path: PathBuf,
}

/// What a copy holds, as a manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its last migration.
    pub schema: i64,
    /// Rows of the tables in which what happened stands.
    pub rows: BTreeMap<String, i64>,
}

impl Copied {
    /// The last migration that this binary knows: it reads no copy that has had another after it.
    pub fn newest_schema() -> i64 {
        open::newest_known()
    }

    /// Opens the file, which must not have been migrated by a newer Qiao.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let sqlite = |source| OpenError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            // It is thrown away when anything goes wrong, so nothing needs to be rolled back.
            .journal_mode(SqliteJournalMode::Memory)
            // What is taken out of it must not be left in its free pages.
            .pragma("secure_delete", "ON")
            .connect()
            .await
            .map_err(sqlite)?;
        let applied = open::applied_versions(&mut connection).await;
        open::refuse_newer(&applied.map_err(sqlite)?, path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// What is wrong with its pages, rows or indexes, as SQLite says it; `None` when all is well.
    pub async fn fault(&mut self) -> Result<Option<String>, StoreError> {
        let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&mut self.connection)
            .await?;
        Ok((found != "ok").then_some(found))
    }

    /// What it holds.
    pub async fn contents(&mut self) -> Result<Contents, StoreError> {
        let applied = open::applied_versions(&mut self.connection).await?;
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT 'activity', count(*) FROM activity
             UNION ALL SELECT 'attempt', count(*) FROM attempt
             UNION ALL SELECT 'audit', count(*) FROM audit
             UNION ALL SELECT 'conversation', count(*) FROM conversation
             UNION ALL SELECT 'customer_snapshot', count(*) FROM customer_snapshot
             UNION ALL SELECT 'inbox', count(*) FROM inbox
             UNION ALL SELECT 'mapping', count(*) FROM mapping
             UNION ALL SELECT 'media', count(*) FROM media
             UNION ALL SELECT 'message', count(*) FROM message
             UNION ALL SELECT 'outbox', count(*) FROM outbox",
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(Contents {
            schema: applied.into_iter().max().unwrap_or_default(),
            rows: rows.into_iter().collect(),
        })
    }

    /// The addresses of stored media after `after`, in order, at most `limit`.
    pub async fn media_after(
        &mut self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT DISTINCT sha256 FROM media WHERE sha256 IS NOT NULL AND sha256 > ?
             ORDER BY sha256 LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&mut self.connection)
        .await?)
    }

    /// Takes the tokens out, so that no byte of them is left; and the sessions, some of which will have
    /// been ended by the time of a restore.
    pub async fn forget_tokens(&mut self) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM account_token",
            "DELETE FROM session",
            "DELETE FROM oauth_state",
            "UPDATE consent SET refresh_token = NULL",
        ] {
            sqlx::query(statement).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Marks every effect that is still to be done as perhaps done: since the copy was made it may
    /// have been. Returns how many there are.
    pub async fn doubt(&mut self) -> Result<u64, StoreError> {
        let doubted = sqlx::query(
            "UPDATE outbox SET uncertain = 1,
                 last_error = 'it was restored from a backup and may have been done since'
             WHERE (state = 'ready' OR state = 'running' OR state = 'held') AND remote <> 'local'",
        )
        .execute(&mut self.connection)
        .await?;
        Ok(doubted.rows_affected())
    }

    /// Closes it, so that its file is whole.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await?)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
