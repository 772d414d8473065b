//! The book of backups: which were made, which still stand, and how each was last tried.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};

/// Standing backups that are told of: one an hour for a year. Those that rotation keeps are a few.
const MOST: u32 = 10_000;

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupKind {
    /// The timetable wanted it; rotation deletes it.
    Scheduled,
    /// A person asked for it, and deletes it.
    Asked,
}

impl BackupKind {
    fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Asked => "asked",
        }
    }
}

/// A backup that is about to get its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBackup {
    /// The file, absolute.
    pub path: String,
    /// Why it was made.
    pub kind: BackupKind,
    /// Before its copy was begun.
    pub created_at: Timestamp,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of the whole file.
    pub sha256: String,
    /// Media that stand as stored and could not be put into it.
    pub missing_media: u64,
}

/// A row of `backup` whose file was there when it was last looked for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StandingBackup {
    /// `backup.id`
    pub id: i64,
    /// The file.
    pub path: String,
    /// `scheduled` or `asked`.
    pub kind: String,
    created_at: i64,
    /// Its size.
    pub bytes: i64,
    /// The SHA-256 of the whole file.
    pub sha256: String,
    /// Media that are not in it.
    pub missing_media: i64,
    drilled_at: Option<i64>,
    /// `sound` or `damaged`, once it was tried.
    pub drill_outcome: Option<String>,
    /// A sentence on that.
    pub drill_detail: Option<String>,
}

impl StandingBackup {
    /// It holds what was deleted after this instant, and nothing that was deleted well before.
    pub fn created_at(&self) -> Timestamp {
        instant(self.created_at)
    }

    /// When it was last restored on trial.
    pub fn drilled_at(&self) -> Option<Timestamp> {
        self.drilled_at.map(instant)
    }

    /// Whether rotation deletes it one day.
    pub fn is_scheduled(&self) -> bool {
        self.kind == BackupKind::Scheduled.word()
    }

    /// Whether a trial found it damaged.
    pub fn is_damaged(&self) -> bool {
        self.drill_outcome.as_deref() == Some("damaged")
    }
}

/// How backups stand as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupState {
    /// Of the newest that stands.
    pub newest_at: Option<Timestamp>,
    /// When a backup was last restored on trial and found sound.
    pub sound_drill_at: Option<Timestamp>,
    /// How many of those that stand were found damaged.
    pub damaged: i64,
}

/// What is written into the book.
pub(super) enum Entry {
    Made(NewBackup),
    Gone(i64),
    Drilled {
        id: i64,
        outcome: &'static str,
        detail: String,
    },
}

impl Store {
    /// Writes down a backup; returns its id. To be called before the file gets its name: one that
    /// nobody knows of would be kept for ever.
    pub async fn backup_made(&self, made: NewBackup) -> Result<i64, StoreError> {
        let entry = Operation::Backup(Entry::Made(made));
        self.operate(entry).await.map(|done| done.id)
    }

    /// Writes down that a backup was deleted, or is gone.
    pub async fn backup_gone(&self, id: i64) -> Result<(), StoreError> {
        self.operate(Operation::Backup(Entry::Gone(id)))
            .await
            .map(drop)
    }

    /// Writes down how a restore on trial ended: `Ok` with what was found, `Err` with the damage.
    pub async fn backup_drilled(
        &self,
        id: i64,
        outcome: Result<String, String>,
    ) -> Result<(), StoreError> {
        let (outcome, detail) = match outcome {
            Ok(detail) => ("sound", detail),
            Err(detail) => ("damaged", detail),
        };
        let entry = Entry::Drilled {
            id,
            outcome,
            detail,
        };
        self.operate(Operation::Backup(entry)).await.map(drop)
    }

    /// The backups that stand and were begun before `before`, the newest first: those that may hold
    /// what was deleted at that instant. With [`Timestamp::MAX`] all of them.
    pub async fn backups_before(
        &self,
        before: Timestamp,
    ) -> Result<Vec<StandingBackup>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, path, kind, created_at, bytes, sha256, missing_media, drilled_at,
                 drill_outcome, drill_detail
             FROM backup WHERE deleted_at IS NULL AND created_at < ?
             ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(micros(before))
        .bind(MOST)
        .fetch_all(&self.readers)
        .await?)
    }

    /// Whether a backup of this name stands in the book.
    pub async fn knows_backup(&self, path: &str) -> Result<bool, StoreError> {
        let known: i64 = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM backup WHERE deleted_at IS NULL AND path = ?)",
        )
        .bind(path)
        .fetch_one(&self.readers)
        .await?;
        Ok(known != 0)
    }

    /// How backups stand as a whole: for metrics and for `qiao doctor`.
    pub async fn backup_state(&self) -> Result<BackupState, StoreError> {
        let (newest_at, sound_drill_at, damaged): (Option<i64>, Option<i64>, i64) = sqlx::query_as(
            "SELECT (SELECT max(created_at) FROM backup WHERE deleted_at IS NULL),
                     (SELECT max(drilled_at) FROM backup WHERE drill_outcome = 'sound'),
                     (SELECT count(*) FROM backup
                      WHERE deleted_at IS NULL AND drill_outcome = 'damaged')",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(BackupState {
            newest_at: newest_at.map(instant),
            sound_drill_at: sound_drill_at.map(instant),
            damaged,
        })
    }
}

pub(super) async fn write(
    connection: &mut SqliteConnection,
    entry: &Entry,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    match entry {
        Entry::Made(made) => insert(connection, made).await,
        Entry::Gone(id) => {
            sqlx::query("UPDATE backup SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL")
                .bind(micros(now))
                .bind(id)
                .execute(connection)
                .await
                .map(|done| Effected::rows(done.rows_affected()))
        }
        Entry::Drilled {
            id,
            outcome,
            detail,
        } => sqlx::query(
            "UPDATE backup SET drilled_at = ?, drill_outcome = ?, drill_detail = ? WHERE id = ?",
        )
        .bind(micros(now))
        .bind(outcome)
        .bind(detail)
        .bind(id)
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected())),
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    made: &NewBackup,
) -> Result<Effected, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO backup (path, kind, created_at, bytes, sha256, missing_media)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&made.path)
    .bind(made.kind.word())
    .bind(micros(made.created_at))
    .bind(i64::try_from(made.bytes).unwrap_or(i64::MAX))
    .bind(&made.sha256)
    .bind(i64::try_from(made.missing_media).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(Effected {
        rows: done.rows_affected(),
        id: done.last_insert_rowid(),
    })
}

#[cfg(test)]
impl StandingBackup {
    /// One of a book that a test makes up.
    pub(crate) fn sample(id: i64, asked: bool, damaged: bool, created_at: i64) -> Self {
        Self {
            id,
            path: format!("/backups/{id}.tar"),
            kind: if asked { "asked" } else { "scheduled" }.to_owned(),
            created_at,
            bytes: 1,
            sha256: "0".repeat(64),
            missing_media: 0,
            drilled_at: damaged.then_some(created_at),
            drill_outcome: damaged.then(|| "damaged".to_owned()),
            drill_detail: damaged.then(|| "a bit".to_owned()),
        }
    }
}
