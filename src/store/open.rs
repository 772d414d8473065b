//! Opening the database: lock, settings, migrations, the writer task and the readers.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqlitePool};

use super::{CommitWatch, OpenError, Store, swap, writer};
use crate::kit::clock::Clock;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long the writer waits for somebody else's write lock. A push must be refused within 1 s, and
/// it may have to wait for one batch that waits for the lock before it.
const BUSY_TIMEOUT: Duration = Duration::from_millis(400);

/// Listings, the engine and the edges read at once; more would only hold memory.
const READERS: u32 = 4;

/// Rows that SQLite's thread hands over before it waits for their reader: a whole claim, or each
/// fifty rows would cost two changes of threads.
const ROW_BUFFER: usize = 1024;

/// 4 MiB of pages; larger caches cost memory and gained no speed (performance.md 7).
const CACHE_KIB: &str = "-4096";

/// Pages in the log at which Qiao makes a checkpoint although that is Litestream's part: 256 MiB.
/// Litestream makes its own from 1,000 pages on, every second, so it has been away for long; then
/// the disk must not fill up. Below what the alert `QiaoWalGrows` tells of.
const LITESTREAM_IS_AWAY: &str = "65536";

/// How a database is opened for writing. The default is what the daemon does.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Commits do not wait for the disk, and reads are made one after the other: for a simulation,
    /// whose machine never loses power and whose order must be known.
    pub volatile: bool,
    /// Checkpoints are Litestream's: between two of its looks nobody else may begin the log anew.
    pub litestream: bool,
    /// Is told of every commit.
    pub watch: Option<Arc<dyn CommitWatch>>,
}

pub(super) async fn for_writing(
    path: &Path,
    clock: Arc<dyn Clock>,
    opening: Opening,
) -> Result<Store, OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
    }
    let lock = take_lock(path)?;
    swap::finish(path, &swap::aside(clock.now())).map_err(|source| io(path, source))?;
    let synchronous = if opening.volatile {
        SqliteSynchronous::Off
    } else {
        SqliteSynchronous::Full
    };
    let mut options = options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        // What is deleted is overwritten, so that nobody reads it in the file: a person's history must be
        // gone and not only unlisted.
        .pragma("secure_delete", "ON");
    if opening.litestream {
        options = options.pragma("wal_autocheckpoint", LITESTREAM_IS_AWAY);
    }
    let mut connection = options
        .connect()
        .await
        .map_err(|source| sqlite(path, source))?;
    migrate(&mut connection, path).await?;
    let readers = readers(path, if opening.volatile { 1 } else { READERS }).await?;
    let writer = writer::start(connection, lock, clock, opening)
        .await
        .map_err(|e| sqlite(path, e))?;
    Ok(Store {
        readers,
        writer,
        path: Arc::new(path.to_owned()),
        acting: None,
    })
}

pub(super) async fn for_reading(path: &Path) -> Result<Store, OpenError> {
    if swap::is_cut_off(path) {
        return Err(OpenError::Restoring(path.to_owned()));
    }
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let readers = readers(path, READERS).await?;
    let mut reader = readers.acquire().await.map_err(|e| sqlite(path, e))?;
    let applied = applied_versions(&mut reader).await;
    drop(reader);
    let applied = applied.map_err(|e| sqlite(path, e))?;
    refuse_newer(&applied, path)?;
    if applied.iter().max() < Some(&newest_known()) {
        return Err(OpenError::Older(path.to_owned()));
    }
    Ok(Store {
        readers,
        writer: writer::Queue::closed(),
        path: Arc::new(path.to_owned()),
        acting: None,
    })
}

/// The lock file beside the database; it is released when the process ends, however it ends.
pub(super) fn take_lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|source| io(&name, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(io(&name, source)),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROW_BUFFER)
        .pragma("cache_size", CACHE_KIB)
}

/// A connection that only reads.
pub(super) fn reading(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true)
}

async fn readers(path: &Path, most: u32) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .max_connections(most)
        // A file needs no ping, which would cost as much as the read.
        .test_before_acquire(false)
        .connect_with(reading(path))
        .await
        .map_err(|source| sqlite(path, source))
}

/// Refuses a newer database, keeps a copy of an older one, then migrates.
async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let applied = applied_versions(connection)
        .await
        .map_err(|e| sqlite(path, e))?;
    refuse_newer(&applied, path)?;
    let known = newest_known();
    if applied.iter().max().is_some_and(|newest| *newest < known) {
        copy_before(connection, path, known).await?;
    }
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|source| match source {
            MigrateError::VersionMissing(version) => OpenError::Newer {
                path: path.to_owned(),
                version,
            },
            source => OpenError::Migration {
                path: path.to_owned(),
                source,
            },
        })
}

pub(super) fn newest_known() -> i64 {
    let versions = MIGRATIONS.iter().map(|migration| migration.version);
    versions.max().unwrap_or_default()
}

pub(super) fn refuse_newer(applied: &[i64], path: &Path) -> Result<(), OpenError> {
    let known = newest_known();
    match applied.iter().copied().find(|version| *version > known) {
        Some(version) => Err(OpenError::Newer {
            path: path.to_owned(),
            version,
        }),
        None => Ok(()),
    }
}

pub(super) async fn applied_versions(
    connection: &mut SqliteConnection,
) -> Result<Vec<i64>, sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations")
        .fetch_all(connection)
        .await
}

async fn copy_before(
    connection: &mut SqliteConnection,
    path: &Path,
    version: i64,
) -> Result<(), OpenError> {
    let copy = format!("{}.before-{version:04}", path.display());
    if Path::new(&copy).exists() {
        return Ok(());
    }
    sqlx::query("VACUUM INTO ?")
        .bind(copy)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|e| sqlite(path, e))
}

fn io(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Io {
        path: path.to_owned(),
        source,
    }
}

fn sqlite(path: &Path, source: sqlx::Error) -> OpenError {
    OpenError::Sqlite {
        path: path.to_owned(),
        source,
    }
}
