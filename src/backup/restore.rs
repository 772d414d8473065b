//! Putting a backup in the place of the database.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::place::{self, Place, folder_of, room};
use super::read::{check, refuse_newer};
use super::{BackupError, DATABASE, Manifest, at, read};
use crate::kit::blocking::blocking;
use crate::kit::media::MediaFolder;
use crate::store::{Copied, Lock};

/// What a restore came to.
#[derive(Debug)]
pub struct Restored {
    /// What the backup says about itself.
    pub manifest: Manifest,
    /// Effects that were still to be done when it was made, and may have been done since.
    pub doubted: u64,
    /// The folder into which that was moved which stood there.
    pub aside: Option<PathBuf>,
}

/// Puts the backup `file` where `database` and the media beside it are, or leaves everything as it is.
///
/// Refused while a daemon runs; with a database there, unless `replace` allows to move it aside; for a
/// backup that is damaged or of a newer schema. After a crash at any moment either the old stands
/// there or, once the next command or daemon takes the lock, the new.
pub async fn restore(
    file: &Path,
    database: &Path,
    replace: bool,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    let lock = Lock::take(database, now)?;
    if !replace && let Some(there) = in_the_way(database) {
        return Err(BackupError::InTheWay(there));
    }
    let (from, to) = (file.to_owned(), database.to_owned());
    let (manifest, place) = blocking(move || unpack(&from, &to)).await?;
    let new = place.path().join(Lock::NEW);
    check(file, &new, &manifest).await?;
    let mut copied = Copied::open(&new.join(DATABASE)).await?;
    let doubted = copied.doubt().await?;
    copied.close().await?;
    let to = database.to_owned();
    let aside = blocking(move || take_place(&lock, &place, &to, now)).await?;
    Ok(Restored {
        manifest,
        doubted,
        aside,
    })
}

/// What a restore would replace.
fn in_the_way(database: &Path) -> Option<PathBuf> {
    let media = MediaFolder::beside(database);
    let holds_any = std::fs::read_dir(&media).is_ok_and(|mut entries| entries.next().is_some());
    if database.exists() {
        Some(database.to_owned())
    } else {
        holds_any.then_some(media)
    }
}

/// Unpacks it beside the database, after a look that writes nothing.
fn unpack(file: &Path, database: &Path) -> Result<(Manifest, Place), BackupError> {
    let manifest = read(file, None)?;
    refuse_newer(&manifest)?;
    let place = Place::beside(database, "unfinished")?;
    room(place.path(), manifest.database.bytes + manifest.media.bytes)?;
    let new = place.path().join(Lock::NEW);
    place::make(&new)?;
    Ok((read(file, Some(&new))?, place))
}

fn take_place(
    lock: &Lock,
    place: &Place,
    database: &Path,
    now: Timestamp,
) -> Result<Option<PathBuf>, BackupError> {
    let new = place.path().join(Lock::NEW);
    let name = database.file_name().unwrap_or_default();
    let unnamed = new.join(DATABASE);
    std::fs::rename(&unnamed, new.join(name)).map_err(at(&unnamed))?;
    place::sync_disk(&new)?;
    lock.swap_in(place.path(), now)
        .map_err(at(folder_of(database)))
}
