//! A way to open a store: all that the suite knows of one engine, here SQLite on a file.
//!
//! A second engine offers the same functions: open, open beside the writer, what a crash would
//! leave, a foreign lock, other versions, and one statement or number by SQL.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use qiao::kit::clock::ManualClock;
use qiao::store::{CommitWatch, OpenError, Opening, Store};
use sqlx::{AssertSqlSafe, SqliteConnection};
use tempfile::TempDir;

use crate::world::open;

/// One database and how it is opened. Its clock stands still until a story moves it.
#[derive(Debug, Clone)]
pub struct Way {
    folder: Arc<TempDir>,
    volatile: bool,
    pub clock: ManualClock,
}

impl Way {
    /// As the daemon does it.
    pub fn of_the_daemon() -> Self {
        Self::new(false)
    }

    /// As the simulation does it, without waiting for the disk.
    pub fn of_the_simulation() -> Self {
        Self::new(true)
    }

    fn new(volatile: bool) -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            volatile,
            clock: ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()),
        }
    }

    /// The same way to open a database of its own.
    pub fn to_another(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            ..Self::new(self.volatile)
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("qiao.db")
    }

    /// Opens it for writing.
    pub async fn try_open(&self, watch: Option<Arc<dyn CommitWatch>>) -> Result<Store, OpenError> {
        let opening = Opening {
            volatile: self.volatile,
            watch,
            ..Opening::default()
        };
        let clock = Arc::new(self.clock.clone());
        Store::open_as(&self.file(), clock, opening).await
    }

    /// Opens it for writing, when the one before has let go of it.
    pub async fn open(&self) -> Store {
        loop {
            match self.try_open(None).await {
                Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
                opened => return opened.unwrap(),
            }
        }
    }

    /// Opens it beside the writer.
    pub async fn try_read(&self) -> Result<Store, OpenError> {
        Store::open_read_only(&self.file()).await
    }

    /// What a process that opens the database finds if the present one dies at this moment.
    pub fn after_a_crash(&self) -> Self {
        let copy = self.to_another();
        for ending in ["qiao.db", "qiao.db-wal"] {
            let (from, to) = (self.folder.path().join(ending), copy.folder.path());
            std::fs::copy(from, to.join(ending)).unwrap();
        }
        copy
    }

    /// Whether the database stands in its file alone, so that a copy of that is a copy of it.
    pub fn is_whole(&self) -> bool {
        let log = std::fs::metadata(self.folder.path().join("qiao.db-wal"));
        log.map_or(0, |log| log.len()) == 0
    }

    /// Somebody else takes the write lock and keeps it until the connection is dropped.
    pub async fn locked_by_somebody(&self) -> SqliteConnection {
        let mut connection = open(&self.file()).await;
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut connection);
        begun.await.unwrap();
        connection
    }

    /// Makes it look as if the last migration of another Qiao had had this number.
    pub async fn made_by_version(&self, version: i64) {
        let sql = format!(
            "DELETE FROM _sqlx_migrations
                 WHERE version < (SELECT max(version) FROM _sqlx_migrations);
             UPDATE _sqlx_migrations SET version = {version};"
        );
        let updated = sqlx::raw_sql(AssertSqlSafe(sql));
        updated
            .execute(&mut open(&self.file()).await)
            .await
            .unwrap();
    }

    /// The copy that a migration leaves behind.
    pub fn copy_before_migration(&self) -> Option<Self> {
        let folder = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names = folder.map(|entry| entry.unwrap().path());
        let kept = names.find(|path| path.display().to_string().contains(".before-"))?;
        let copy = self.to_another();
        std::fs::copy(kept, copy.file()).unwrap();
        Some(copy)
    }

    /// One number, as a person with `sqlite3 -readonly` gets it.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&mut open(&self.file()).await)
            .await
            .unwrap()
    }

    /// Carries out one statement, as a person with `sqlite3` would.
    pub async fn does(&self, sql: &'static str) {
        let mut connection = open(&self.file()).await;
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }

    /// The plan of a statement: what it does, step by step.
    pub async fn plan(&self, statement: &str) -> Vec<String> {
        let sql = format!("EXPLAIN QUERY PLAN {statement}");
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_all(&mut open(&self.file()).await)
            .await
            .unwrap_or_else(|fault| panic!("{fault}:\n{statement}"));
        steps.into_iter().map(|(.., step)| step).collect()
    }
}
