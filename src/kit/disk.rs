//! What the disk and its folders are like: room, writability, speed, and who may read.
//!
//! It looks and judges nothing. The one thing that it writes is a file of its own, which it removes.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// As much as one small commit writes.
const TRIED: [u8; 4096] = [0; 4096];

/// What is left on the disk under a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this user may still write.
    pub bytes: u64,
    /// Files that may still be made; `None` where the file system has no such limit.
    pub files: Option<u64>,
}

/// What is left on the disk under `folder`.
pub fn room(folder: &Path) -> io::Result<Room> {
    let told = rustix::fs::statvfs(folder)?;
    Ok(Room {
        bytes: told.f_bavail.saturating_mul(told.f_frsize),
        // Btrfs and some network disks count none.
        files: (told.f_files > 0).then_some(told.f_favail),
    })
}

/// How long the disk under `folder` takes to keep a small file: writing and syncing, as a commit
/// does. The file is removed.
pub fn try_to_write(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!(".qiao-doctor-{}", std::process::id()));
    let began = Instant::now();
    let written = File::create_new(&path).and_then(|mut file| {
        file.write_all(&TRIED)?;
        file.sync_all()
    });
    let took = began.elapsed();
    // What could not be made need not be removed.
    let _ = std::fs::remove_file(&path);
    written.map(|()| took)
}

/// Whether any user of this machine may read the file: its own mode, and a way through the folders
/// above it.
pub fn anybody_may_read(path: &Path) -> io::Result<bool> {
    const READ: u32 = 0o004;
    const PASS: u32 = 0o001;
    let path = path.canonicalize()?;
    if std::fs::metadata(&path)?.permissions().mode() & READ == 0 {
        return Ok(false);
    }
    for folder in path.ancestors().skip(1) {
        if std::fs::metadata(folder)?.permissions().mode() & PASS == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_is_open_to_all_when_every_folder_above_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "x").unwrap();
        for (above, itself, open) in [
            (0o755, 0o644, true),
            (0o755, 0o640, false),
            (0o750, 0o644, false),
        ] {
            allow(folder.path(), above);
            allow(&file, itself);
            assert_eq!(
                anybody_may_read(&file).unwrap(),
                open,
                "{above:o} {itself:o}"
            );
        }
        assert!(anybody_may_read(&folder.path().join("gone")).is_err());
    }

    #[test]
    fn a_try_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        try_to_write(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(try_to_write(&folder.path().join("gone")).is_err());
        assert!(room(folder.path()).unwrap().bytes > 0);
    }
}
