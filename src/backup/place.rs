//! Folders for what is not finished yet: a crash leaves them behind under a name that nobody takes for
//! the thing itself.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::{BackupError, at};

/// What people said is for nobody else on this machine.
const FOLDER_MODE: u32 = 0o700;

/// What stays free for the daemon, which must go on writing: some minutes of pushes and its log.
pub(super) const RESERVE: u64 = 64 * MIB;

const MIB: u64 = 1024 * 1024;

/// A folder that is removed with all that is in it, unless it was given another name.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// A new folder `….<ending>` beside `path`; what a crash left there before goes.
    pub(super) fn beside(path: &Path, ending: &str) -> Result<Self, BackupError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        let place = PathBuf::from(name);
        if place.exists() {
            fs::remove_dir_all(&place).map_err(at(&place))?;
        }
        // Not the folders above it: a mistyped name must not become a place for backups.
        let made = DirBuilder::new().mode(FOLDER_MODE).create(&place);
        made.map_err(at(&place))?;
        Ok(Self(place))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It is only in the way, and the next one under its name removes it too.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder, with those above it.
pub(super) fn make(folder: &Path) -> Result<(), BackupError> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(at(folder))
}

/// Refuses what would leave too little for the daemon on the disk of `folder`.
pub(super) fn room(folder: &Path, bytes: u64) -> Result<(), BackupError> {
    let disk = rustix::fs::statvfs(folder).map_err(|fault| at(folder)(fault.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = bytes.saturating_add(RESERVE);
    if free >= needed {
        return Ok(());
    }
    Err(BackupError::NoRoom {
        folder: folder.to_owned(),
        free: free / MIB,
        needed: needed / MIB,
    })
}

/// Brings everything that was written to the disk of `folder` onto it: one call for however many files.
pub(super) fn sync_disk(folder: &Path) -> Result<(), BackupError> {
    let opened = File::open(folder).map_err(at(folder))?;
    rustix::fs::syncfs(&opened).map_err(|fault| at(folder)(io::Error::from(fault)))
}

/// The folder in which a file lies.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
