//! Backups: the whole of what Qiao keeps in one file, and back again.
//!
//! A backup is a sealed tar file ([`crate::kit::sealed`]): `media/<SHA-256>` for every stored medium
//! in the order of the addresses, then `qiao.db`, then `manifest.json`, then the seal. It is made from
//! a reader's view of one moment while the daemon goes on. This room owns that layout and what makes
//! a backup good; which are made and kept, and when, belongs to `jobs`.
//!
//! Start reading at [`make()`], then [`read()`]: all of a backup is checked before any of it is used.

mod make;
mod place;
mod read;
mod restore;
mod shelf;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use make::{Made, make, needed};
pub use read::{read, read_from, try_restore};
pub use restore::{Restored, restore};
pub use shelf::{Found, file_name, found, outdated, tidy};

use crate::kit::media::MediaError;
use crate::kit::sealed::Broken;
use crate::store::{OpenError, StoreError};

/// The layout described above. Another layout gets another number.
pub const FORMAT: u32 = 1;

/// The names of the entries.
const MEDIA: &str = "media/";
const DATABASE: &str = "qiao.db";
const MANIFEST: &str = "manifest.json";

/// The largest manifest that is written or read: it names some 240,000 missing media.
const MOST_MANIFEST: u64 = 16 * 1024 * 1024;

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`]
    pub format: u32,
    /// The version of Qiao that made it.
    pub qiao: String,
    /// The last migration of its database.
    pub schema: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// The database.
    pub database: Database,
    /// The media; their names are their SHA-256.
    pub media: Media,
    /// Addresses of media that the database knows as stored and whose bytes were not there, or damaged.
    pub missing_media: Vec<String>,
    /// Rows of each table in which what happened stands.
    pub rows: BTreeMap<String, i64>,
}

/// The database in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// The media in a backup, taken together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// How many.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// Why a backup was not made, or is not used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is not what was written.
    #[error("{file} is damaged: {reason}; take another backup")]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Made by a newer Qiao.
    #[error(
        "the backup is of schema {schema} and this qiao knows {known}; install the version {qiao} \
         or newer"
    )]
    Newer {
        /// Its last migration.
        schema: i64,
        /// Ours.
        known: i64,
        /// Who made it.
        qiao: String,
    },
    /// A backup overwrites nothing.
    #[error("{0} exists; choose another name")]
    Exists(PathBuf),
    /// A restore overwrites nothing.
    #[error("{0} exists; stop and think, then `--replace` moves it aside")]
    InTheWay(PathBuf),
    /// The disk would be too full for the daemon.
    #[error("{folder} has {free} MiB of free space and {needed} MiB are needed; free some space")]
    NoRoom {
        /// Where.
        folder: PathBuf,
        /// What is there, in MiB.
        free: u64,
        /// What it takes, in MiB.
        needed: u64,
    },
    /// More media are missing than a manifest can name.
    #[error("too many media are missing; is the folder `media` beside the database the right one?")]
    MediaGone,
    /// A file or folder refuses.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A step on a thread of its own broke.
    #[error("the work on the files broke off: {0}")]
    Broke(#[from] std::io::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The media folder refused.
    #[error(transparent)]
    Media(#[from] MediaError),
}

impl BackupError {
    /// Whether the backup itself is at fault, and not the place or the moment.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}

/// The file or folder that refused.
fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.into();
    move |source| BackupError::Io { path, source }
}

/// What was found in `file`, or what its disk says.
fn broken(file: &std::path::Path) -> impl Fn(Broken) -> BackupError {
    let file = file.to_owned();
    move |fault| match fault {
        Broken::Damaged(reason) => BackupError::Damaged {
            file: file.clone(),
            reason: reason.to_owned(),
        },
        Broken::Io(source) => BackupError::Io {
            path: file.clone(),
            source,
        },
    }
}
