//! Making a backup, while the daemon goes on.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::place::{Place, RESERVE, folder_of, room};
use super::{
    BackupError, DATABASE, Database, FORMAT, MANIFEST, MEDIA, MOST_MANIFEST, Manifest, Media, at,
};
use crate::kit::blocking::blocking;
use crate::kit::media::{MediaError, MediaFolder};
use crate::kit::sealed::{Sealed, Writer};
use crate::store::{BackupKind, Copied, NewBackup, Store};

const FILE_MODE: u32 = 0o600;

/// Addresses that are read at once.
const PAGE: u32 = 1000;

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of the whole file.
    pub sha256: String,
    /// What it says about itself.
    pub manifest: Manifest,
}

/// Makes a backup at `file`, which is absolute and must not exist yet, and writes it into the book.
///
/// The file gets its name when it is whole, on disk and in the book; until then its parts lie in
/// the folder `<file>.unfinished`. Not to be called twice at once for one name.
pub async fn make(
    store: &Store,
    media: &MediaFolder,
    file: &Path,
    kind: BackupKind,
    now: Timestamp,
) -> Result<Made, BackupError> {
    let (target, database) = (file.to_owned(), store.path().to_owned());
    let place = blocking(move || prepare(&target, &database)).await?;
    let copy = place.path().join(DATABASE);
    store.copy_to(&copy).await?;
    let (mut copied, mut manifest) = examine(&copy, now).await?;
    let archive = place.path().join("backup.tar");
    let mut writer = begin(&archive, now)?;
    writer = add_media(&mut copied, media, writer, &mut manifest).await?;
    copied.close().await?;
    let (target, stays) = (file.to_owned(), store.clone());
    let (sealed, manifest) = blocking(move || finish(writer, &copy, manifest)).await?;
    stays
        .backup_made(NewBackup {
            path: file.display().to_string(),
            kind,
            created_at: now,
            bytes: sealed.bytes,
            sha256: sealed.sha256.clone(),
            missing_media: manifest.missing_media.len() as u64,
        })
        .await?;
    blocking(move || name(&archive, &target, place)).await?;
    Ok(Made {
        file: file.to_owned(),
        bytes: sealed.bytes,
        sha256: sealed.sha256,
        manifest,
    })
}

/// Refuses what cannot go well, and makes the folder for the parts.
fn prepare(file: &Path, database: &Path) -> Result<Place, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let place = Place::beside(file, "unfinished")?;
    // The copy, and the copy in the archive.
    room(place.path(), 2 * size_of(database))?;
    Ok(place)
}

/// How many bytes a database has, its log included.
fn size_of(database: &Path) -> u64 {
    let log = PathBuf::from(format!("{}-wal", database.display()));
    let size = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
    size(database) + size(&log)
}

/// Bytes that must be free for the next backup of `database`, the daemon's share included. The last
/// one, of `last` bytes, tells how much the media take; 0 without one.
pub fn needed(database: &Path, last: u64) -> u64 {
    let copy = size_of(database);
    copy.saturating_add(copy.max(last)).saturating_add(RESERVE)
}

/// Blanks what no backup may hold, checks the rest and begins the manifest.
async fn examine(copy: &Path, now: Timestamp) -> Result<(Copied, Manifest), BackupError> {
    let mut copied = Copied::open(copy).await?;
    copied.forget_tokens().await?;
    if let Some(reason) = copied.fault().await? {
        return Err(BackupError::Damaged {
            file: copy.to_owned(),
            reason: format!("the copy of the database does not check ({reason})"),
        });
    }
    let contents = copied.contents().await?;
    let manifest = Manifest {
        format: FORMAT,
        qiao: env!("CARGO_PKG_VERSION").to_owned(),
        schema: contents.schema,
        created_at: now,
        database: Database {
            bytes: 0,
            sha256: String::new(),
        },
        media: Media::default(),
        missing_media: Vec::new(),
        rows: contents.rows,
    };
    Ok((copied, manifest))
}

fn begin(archive: &Path, now: Timestamp) -> Result<Writer<File>, BackupError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(archive)
        .map_err(at(archive))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    Ok(Writer::new(file, seconds))
}

/// Every medium that the copy knows as stored, one in memory at a time.
async fn add_media(
    copied: &mut Copied,
    media: &MediaFolder,
    mut writer: Writer<File>,
    manifest: &mut Manifest,
) -> Result<Writer<File>, BackupError> {
    let mut after = String::new();
    loop {
        let page = copied.media_after(&after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(writer);
        };
        after.clone_from(last);
        for address in page {
            match media.get(&address).await {
                Ok(bytes) => {
                    manifest.media.files += 1;
                    manifest.media.bytes += bytes.len() as u64;
                    writer = blocking(move || add(writer, &address, &bytes)).await?;
                }
                // It was deleted meanwhile, or lost before. The rest is worth keeping.
                Err(MediaError::Missing(_) | MediaError::Damaged(_)) => {
                    manifest.missing_media.push(address);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
    }
}

fn add(mut writer: Writer<File>, address: &str, bytes: &[u8]) -> Result<Writer<File>, BackupError> {
    writer.add(&format!("{MEDIA}{address}"), bytes.len() as u64, bytes)?;
    Ok(writer)
}

/// Adds database and manifest, seals the file and brings it to the disk.
fn finish(
    mut writer: Writer<File>,
    copy: &Path,
    mut manifest: Manifest,
) -> Result<(Sealed<File>, Manifest), BackupError> {
    let database = File::open(copy).map_err(at(copy))?;
    let bytes = database.metadata().map_err(at(copy))?.len();
    let sha256 = writer.add(DATABASE, bytes, database)?;
    manifest.database = Database { bytes, sha256 };
    let told = serde_json::to_vec_pretty(&manifest).expect("a manifest is text and numbers");
    if told.len() as u64 > MOST_MANIFEST {
        return Err(BackupError::MediaGone);
    }
    writer.add(MANIFEST, told.len() as u64, &told[..])?;
    let sealed = writer.seal()?;
    sealed.out.sync_all()?;
    Ok((sealed, manifest))
}

/// Gives the whole file its name.
fn name(archive: &Path, file: &Path, place: Place) -> Result<(), BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    fs::rename(archive, file).map_err(at(file))?;
    drop(place);
    let folder = folder_of(file);
    let opened = File::open(folder).and_then(|folder| folder.sync_all());
    opened.map_err(at(folder))
}
