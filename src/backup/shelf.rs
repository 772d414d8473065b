//! The folder of scheduled backups: what its files are called, what is there, and what may go.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{BackupError, at, place};
use crate::store::StandingBackup;

/// How the name of a scheduled backup tells when it was begun; in UTC.
const NAME: &str = "qiao-%Y%m%dT%H%M%SZ.tar";

/// A scheduled backup that lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// When it was begun, to the second.
    pub created_at: Timestamp,
}

/// What a backup begun at `now` is called.
pub fn file_name(now: Timestamp) -> String {
    now.strftime(NAME).to_string()
}

/// Makes the folder and clears away what a crash left unfinished there; only for who alone makes
/// backups.
pub fn tidy(folder: &Path) -> Result<(), BackupError> {
    place::make(folder)?;
    for path in entries(folder)? {
        if path
            .extension()
            .is_some_and(|ending| ending == "unfinished")
            && path.is_dir()
        {
            fs::remove_dir_all(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// The scheduled backups in the folder. Other people's files are left alone.
pub fn found(folder: &Path) -> Result<Vec<Found>, BackupError> {
    let paths = entries(folder)?.into_iter();
    let found = paths.filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        let begun = DateTime::strptime(NAME, name).ok()?;
        let created_at = TimeZone::UTC.to_timestamp(begun).ok()?;
        Some(Found { path, created_at })
    });
    Ok(found.collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    entries
        .map(|entry| Ok(entry.map_err(at(folder))?.path()))
        .collect()
}

/// Which of the standing backups rotation deletes so that `keep` scheduled ones are left: the oldest.
/// If every one that stays was found damaged, the newest good one stays too, and no asked one goes.
pub fn outdated(standing: &[StandingBackup], keep: usize) -> Vec<&StandingBackup> {
    let mut scheduled: Vec<_> = standing.iter().filter(|it| it.is_scheduled()).collect();
    scheduled.sort_by_key(|it| std::cmp::Reverse((it.created_at(), it.id)));
    let (kept, mut old) = scheduled.split_at_checked(keep).map_or_else(
        || (Vec::new(), Vec::new()),
        |(kept, old)| (kept.to_vec(), old.to_vec()),
    );
    if kept.iter().all(|it| it.is_damaged())
        && let Some(good) = old.iter().position(|it| !it.is_damaged())
    {
        old.remove(good);
    }
    old
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_tells_when_the_backup_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-28T02:15:07.5Z".parse().unwrap();
        let name = file_name(now);
        assert_eq!(name, "qiao-20261128T021507Z.tar");
        for name in [
            name.as_str(),
            "mine.tar",
            "qiao-2026.tar",
            "qiao-20261128T021507Z.tar.gz",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = found(folder.path()).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].created_at.to_string(), "2026-11-28T02:15:07Z");
    }

    #[test]
    fn what_a_crash_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let under = folder.path().join("backups");
        fs::create_dir_all(under.join("qiao-1.tar.unfinished/x")).unwrap();
        fs::write(under.join("qiao-2.tar"), "").unwrap();
        fs::write(under.join("note.unfinished"), "").unwrap();
        tidy(&under).unwrap();
        assert_eq!(entries(&under).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn the_newest_stay_and_a_good_one_always_does(
            backups in proptest::collection::vec((any::<bool>(), any::<bool>(), 0..50_i64), 0..12),
            keep in 1..6_usize,
        ) {
            let standing: Vec<_> = backups
                .iter()
                .zip(1..)
                .map(|((asked, damaged, at), id)| StandingBackup::sample(id, *asked, *damaged, *at))
                .collect();
            let gone: Vec<i64> = outdated(&standing, keep).iter().map(|it| it.id).collect();
            let of = |stays: bool| {
                let fitting = |it: &&StandingBackup| gone.contains(&it.id) != stays;
                standing.iter().filter(fitting).filter(|it| it.is_scheduled()).collect::<Vec<_>>()
            };
            let (kept, old) = (of(true), of(false));
            prop_assert!(standing.iter().all(|it| it.is_scheduled() || !gone.contains(&it.id)));
            prop_assert!(kept.len() >= keep.min(kept.len() + old.len()));
            prop_assert!(kept.len() <= keep + 1);
            let is_good = |it: &&&StandingBackup| !it.is_damaged();
            let any_good = kept.iter().chain(&old).any(|it| !it.is_damaged());
            prop_assert_eq!(kept.iter().filter(is_good).count() > 0, any_good);
            // Beyond the one good one, no older stays while a younger goes.
            let of_keep = kept.iter().map(|it| it.created_at()).collect::<Vec<_>>();
            for old in &old {
                let younger = of_keep.iter().filter(|at| **at >= old.created_at()).count();
                prop_assert!(younger >= keep);
            }
        }
    }
}
