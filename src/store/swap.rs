//! How a restored database takes the place of the one that stands there: in one step, over any crash.
//!
//! Everything new is put into a folder beside the database. That folder gets the name `….restoring` in
//! one rename: from then on the new database is the one that counts. What is left are renames, and
//! whoever takes the lock next goes on with them where a crash has cut them off. What stood there
//! before is moved aside and never deleted.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{OpenError, open};

/// The folder that is decided to take the place.
const RESTORING: &str = ".restoring";

/// In it: what comes, and what went.
const NEW: &str = Lock::NEW;
const OLD: &str = "old";

/// What was not merged into the old database yet belongs to it and must not meet the new one.
const LOGS: [&str; 2] = ["-wal", "-shm"];

/// The lock of a database: no daemon serves from it, and none starts, while this lives.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// Given back when it is dropped.
    _file: File,
}

impl Lock {
    /// The folder of what comes, in the place that [`Lock::swap_in`] takes.
    pub const NEW: &str = "new";

    /// Takes the lock, and finishes a restore that was cut off before.
    pub fn take(database: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: database.to_owned(),
            source,
        };
        if let Some(folder) = database.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let file = open::take_lock(database)?;
        finish(database, &aside(now)).map_err(io)?;
        Ok(Self {
            path: database.to_owned(),
            _file: file,
        })
    }

    /// Puts what lies in the folder `new` of `place` (the database under its own name, and whatever
    /// belongs beside it) where the database stands. `place` must lie beside it. Returns the folder
    /// into which that was moved which stood there, if anything did.
    pub fn swap_in(&self, place: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
        sync(&place.join(NEW))?;
        sync(place)?;
        fs::rename(place, suffixed(&self.path, RESTORING))?;
        finish(&self.path, &aside(now))
    }
}

/// By which name of the folder people tell when what lies in it was moved there.
pub(super) fn aside(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Whether a restore was cut off after it was decided.
pub(super) fn is_cut_off(database: &Path) -> bool {
    suffixed(database, RESTORING).exists()
}

/// Finishes a restore that was decided, if there is one.
pub(super) fn finish(database: &Path, aside: &str) -> io::Result<Option<PathBuf>> {
    let place = suffixed(database, RESTORING);
    if !place.exists() {
        return Ok(None);
    }
    let (new, old) = (place.join(NEW), place.join(OLD));
    if let Err(fault) = DirBuilder::new().mode(0o700).create(&old)
        && fault.kind() != ErrorKind::AlreadyExists
    {
        return Err(fault);
    }
    let home = folder_of(database);
    for (from, to) in moves(database, &new, &old)? {
        fs::rename(from, to)?;
        sync(&home)?;
        sync(&old)?;
    }
    let moved = if fs::read_dir(&old)?.next().is_some() {
        let to = suffixed(database, &format!(".replaced-{aside}"));
        fs::rename(&old, &to)?;
        Some(to)
    } else {
        None
    };
    fs::remove_dir_all(&place)?;
    sync(&home)?;
    Ok(moved)
}

/// The renames that are left, in order. The database itself comes last, so that while it is still to
/// come, what stands in its place is known to be the old one.
fn moves(database: &Path, new: &Path, old: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let home = folder_of(database);
    let name = database.file_name().unwrap_or_default();
    let mut coming: Vec<OsString> = Vec::new();
    for entry in fs::read_dir(new)? {
        coming.push(entry?.file_name());
    }
    coming.sort_by_key(|coming| (coming == name, coming.clone()));
    let mut leaving = coming.clone();
    if coming.iter().any(|coming| coming == name) {
        for ending in LOGS {
            let mut log = name.to_owned();
            log.push(ending);
            leaving.insert(0, log);
        }
    }
    leaving.retain(|name| home.join(name).exists());
    let out = leaving.iter().map(|name| (home.join(name), old.join(name)));
    let into = coming.iter().map(|name| (new.join(name), home.join(name)));
    Ok(out.chain(into).collect())
}

fn folder_of(database: &Path) -> PathBuf {
    match database.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn suffixed(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A file's name is on disk only when its folder is.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An old database with its log and media, and a new one that is decided.
    fn decided() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("qiao.db");
        for (name, text) in [
            ("qiao.db", "old"),
            ("qiao.db-wal", "old log"),
            ("media/ab/cd", "old picture"),
            ("qiao.db.restoring/new/qiao.db", "new"),
            ("qiao.db.restoring/new/media/ef/01", "new picture"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        (folder, database)
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_crash_after_any_rename_is_finished_by_who_comes_next() {
        let (_folder, database) = decided();
        let place = suffixed(&database, RESTORING);
        let count = moves(&database, &place.join(NEW), &place.join(OLD)).unwrap();
        assert_eq!(count.len(), 5, "{count:?}");
        for done in 0..=count.len() {
            let (folder, database) = decided();
            let place = suffixed(&database, RESTORING);
            let (new, old) = (place.join(NEW), place.join(OLD));
            fs::create_dir(&old).unwrap();
            for (from, to) in moves(&database, &new, &old).unwrap().into_iter().take(done) {
                fs::rename(from, to).unwrap();
            }
            assert!(is_cut_off(&database));
            let aside = finish(&database, "then").unwrap().unwrap();
            assert_eq!(text(&database), "new", "after {done} renames");
            assert_eq!(text(&folder.path().join("media/ef/01")), "new picture");
            assert!(!folder.path().join("qiao.db-wal").exists());
            assert!(!folder.path().join("media/ab").exists());
            assert_eq!(text(&aside.join("qiao.db")), "old", "after {done} renames");
            assert_eq!(text(&aside.join("qiao.db-wal")), "old log");
            assert_eq!(text(&aside.join("media/ab/cd")), "old picture");
            assert!(!is_cut_off(&database));
            assert_eq!(finish(&database, "again").unwrap(), None);
        }
    }

    #[test]
    fn where_nothing_stood_nothing_is_moved_aside() {
        let (folder, database) = decided();
        fs::remove_file(&database).unwrap();
        fs::remove_file(folder.path().join("qiao.db-wal")).unwrap();
        fs::remove_dir_all(folder.path().join("media")).unwrap();
        assert_eq!(finish(&database, "then").unwrap(), None);
        assert_eq!(text(&database), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
