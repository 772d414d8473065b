//! What can go wrong with the database, and what its callers should do.

use std::path::PathBuf;
use std::sync::Arc;

/// A database operation failed; nothing of it was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk is full; free some space, Qiao goes on by itself")]
    Full,
    /// The disk fails in another way.
    #[error("the disk does not take writes; look at the system's log, Qiao goes on by itself")]
    Disk,
    /// The file or its disk became read-only.
    #[error("the database is read-only; check the mount and the file's owner")]
    ReadOnly,
    /// Somebody else holds the write lock.
    #[error("another program holds the database's write lock; close it, Qiao goes on by itself")]
    Busy,
    /// More was queued than [`super::writer::QUEUE`] allows.
    #[error("the database's queue is full; the sender will try again")]
    Overloaded,
    /// The disk does not answer.
    #[error("the disk did not take the write in time; the sender will try again")]
    Stalled,
    /// The writer has stopped: the daemon is going down.
    #[error("the database is closed")]
    Closed,
    /// Stored data contradicts itself, or SQLite refused a statement.
    #[error("the database refused the operation: {0}")]
    Refused(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            // SQLITE_BUSY, SQLITE_LOCKED
            Some(5 | 6) => Self::Busy,
            // SQLITE_READONLY, SQLITE_PERM
            Some(8 | 3) => Self::ReadOnly,
            // SQLITE_IOERR
            Some(10) => Self::Disk,
            // SQLITE_FULL
            Some(13) => Self::Full,
            _ => Self::Refused(Arc::new(error)),
        }
    }
}

impl StoreError {
    /// Whether the same request may succeed alone although its batch failed.
    pub(super) fn may_be_one_request(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// SQLite's primary result code: the extended code's low byte.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let sqlx::Error::Database(inner) = error else {
        return None;
    };
    inner.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}

/// The database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A second daemon, or a command beside it.
    #[error("{0} is in use by another qiao; stop it first or use its commands")]
    InUse(PathBuf),
    /// Made by a newer Qiao.
    #[error(
        "{path} was migrated by a newer qiao (migration {version}); install that version or newer"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The migration this binary does not know.
        version: i64,
    },
    /// Made by an older Qiao, and only opened for reading.
    #[error("{0} was made by an older qiao; start `qiao serve` once, it migrates it")]
    Older(PathBuf),
    /// There is none to read.
    #[error("{0} does not exist; start `qiao serve` once to create it")]
    Missing(PathBuf),
    /// A restore was cut off, and only reading was asked for.
    #[error("a restore of {0} was cut off; `qiao serve`, or any command that writes, finishes it")]
    Restoring(PathBuf),
    /// A file or folder cannot be made or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("{path} cannot be opened: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// A migration failed; the copy made before it is untouched.
    #[error("{path} cannot be migrated: {source}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
}
