//! `backup`: everything in one file, every night, and the oldest file goes.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Job;
use crate::backup::{self, BackupError, Made, file_name, found, outdated, tidy};
use crate::domain::schedule::{Schedule, Since};
use crate::effects::Context;
use crate::kit::blocking::blocking;
use crate::kit::sealed::sha256_of;
use crate::kit::transport::BoxFuture;
use crate::store::{BackupKind, NewBackup, StandingBackup};

/// Missing media that are named in a sentence; the manifest names all.
const NAMED: usize = 3;

/// A run of the job: into the folder by the clock, or where a person wants it.
pub struct Backup {
    context: Context,
    asked: Option<PathBuf>,
}

impl Backup {
    /// As the timetable runs it.
    pub(super) fn scheduled(context: Context) -> Self {
        let asked = None;
        Self { context, asked }
    }

    /// A backup at `file`, an absolute path at which nothing stands.
    pub fn asked(context: Context, file: PathBuf) -> Self {
        let asked = Some(file);
        Self { context, asked }
    }
}

impl Job for Backup {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        let keep = self.context.live().config.backup.keep;
        Box::pin(async move { keep == 0 })
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let done = match &self.asked {
                Some(file) => self.make(file, BackupKind::Asked).await.map(|it| told(&it)),
                None => self.one_more().await,
            };
            done.map_err(|fault| fault.to_string())
        })
    }
}

impl Backup {
    async fn make(&self, file: &Path, kind: BackupKind) -> Result<Made, BackupError> {
        let Context {
            store,
            media,
            clock,
            ..
        } = &self.context;
        backup::make(store, media, file, kind, clock.now()).await
    }

    /// One more in the folder, and the oldest beyond `keep` go.
    async fn one_more(&self) -> Result<String, BackupError> {
        let plan = self.context.live().config.backup.clone();
        let folder = plan.folder.clone();
        blocking(move || tidy(&folder)).await?;
        self.take_in(&plan.folder).await?;
        let file = plan.folder.join(file_name(self.context.clock.now()));
        let made = self.make(&file, BackupKind::Scheduled).await?;
        let standing = standing(&self.context).await?;
        let mut deleted = 0;
        for old in outdated(&standing, plan.keep.max(1)) {
            let path = PathBuf::from(&old.path);
            blocking(move || std::fs::remove_file(&path).map_err(|fault| io(&path, fault))).await?;
            self.context.store.backup_gone(old.id).await?;
            deleted += 1;
        }
        Ok(format!("{}; {deleted} old ones deleted", told(&made)))
    }

    /// Writes files of ours into the book that it does not have: after a restore it is older than they
    /// are, or their disk was away when they were looked for.
    async fn take_in(&self, folder: &Path) -> Result<(), BackupError> {
        let there = folder.to_owned();
        for found in blocking(move || found(&there)).await? {
            let path = found.path.display().to_string();
            if self.context.store.knows_backup(&path).await? {
                continue;
            }
            let file = found.path.clone();
            let read = blocking(move || sha256_of(&file).map_err(|fault| io(&file, fault)));
            let (sha256, bytes) = read.await?;
            let made = NewBackup {
                path,
                kind: BackupKind::Scheduled,
                created_at: found.created_at,
                bytes: bytes.max(1),
                sha256,
                missing_media: 0,
            };
            self.context.store.backup_made(made).await?;
        }
        Ok(())
    }
}

/// The backups of the book that are there, the newest first; those whose file is gone are written off.
pub async fn standing(context: &Context) -> Result<Vec<StandingBackup>, BackupError> {
    let mut standing = Vec::new();
    for known in context.store.backups_before(Timestamp::MAX).await? {
        let path = PathBuf::from(&known.path);
        // Where that cannot be told it may be there. One in the folder whose disk was only away is
        // taken in again.
        let is_there = blocking(move || Ok::<_, std::io::Error>(path.try_exists().unwrap_or(true)));
        if is_there.await? {
            standing.push(known);
        } else {
            context.store.backup_gone(known.id).await?;
        }
    }
    Ok(standing)
}

/// When rotation will have deleted a backup, as far as the plan tells: once `keep` newer ones are there.
/// `None`: a person asked for it, or none is made any more, so nothing deletes it.
pub fn expires_at(
    backup: &StandingBackup,
    standing: &[StandingBackup],
    keep: usize,
    schedule: &Schedule,
    now: Timestamp,
) -> Option<Timestamp> {
    if !backup.is_scheduled() || keep == 0 {
        return None;
    }
    let scheduled = standing.iter().filter(|it| it.is_scheduled());
    let newer = scheduled.filter(|it| it.created_at() > backup.created_at());
    let to_come = keep.saturating_sub(newer.count()).max(1);
    (0..to_come).try_fold(now, |at, _| schedule.next(Since::Ran(at), at))
}

fn io(path: &Path, source: std::io::Error) -> BackupError {
    BackupError::Io {
        path: path.to_owned(),
        source,
    }
}

fn told(made: &Made) -> String {
    let media = &made.manifest.media;
    let (file, bytes, sha256) = (made.file.display(), made.bytes, &made.sha256);
    let told = format!(
        "{file}: {bytes} bytes, {} media, sha256 {sha256}",
        media.files
    );
    let missing = &made.manifest.missing_media;
    if missing.is_empty() {
        return told;
    }
    let named: Vec<&str> = missing.iter().take(NAMED).map(String::as_str).collect();
    let more = if missing.len() > NAMED { " …" } else { "" };
    format!(
        "{told}; {} media are missing or damaged in the media folder and so in it ({}{more}); its \
         manifest.json lists them",
        missing.len(),
        named.join(", "),
    )
}
