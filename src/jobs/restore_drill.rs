//! `restore_drill`: the newest backup is restored on trial, since one that was never restored is a hope.

use std::path::{Path, PathBuf};

use super::Job;
use super::backup::standing;
use crate::backup::{BackupError, Manifest, try_restore};
use crate::effects::Context;
use crate::kit::transport::BoxFuture;
use crate::store::StandingBackup;

pub(super) struct RestoreDrill(pub(super) Context);

impl Job for RestoreDrill {
    fn name(&self) -> &'static str {
        "restore_drill"
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        // If that cannot be read, the run fails and says why.
        Box::pin(async move {
            let state = self.0.store.backup_state().await;
            state.is_ok_and(|state| state.newest_at.is_none())
        })
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move { self.drill().await.map_err(|fault| fault.to_string()) })
    }
}

impl RestoreDrill {
    async fn drill(&self) -> Result<String, BackupError> {
        let standing = standing(&self.0).await?;
        let Some(newest) = standing.first() else {
            return Ok("there is no backup to restore".to_owned());
        };
        match self.restore(newest).await {
            Ok(manifest) => {
                let told = format!("{}: {}", newest.path, told(&manifest));
                let noted = self.0.store.backup_drilled(newest.id, Ok(told.clone()));
                noted.await?;
                Ok(told)
            }
            Err(fault) => {
                // A full disk says nothing about the backup.
                if fault.is_damage() {
                    let noted = Err(fault.to_string());
                    self.0.store.backup_drilled(newest.id, noted).await?;
                }
                Err(fault)
            }
        }
    }

    async fn restore(&self, backup: &StandingBackup) -> Result<Manifest, BackupError> {
        let file = PathBuf::from(&backup.path);
        let database: &Path = self.0.store.path();
        try_restore(&file, database, "drill").await
    }
}

/// What a backup holds, in a sentence.
pub fn told(manifest: &Manifest) -> String {
    let count = |table: &str| manifest.rows.get(table).copied().unwrap_or_default();
    format!(
        "sound: begun at {}, schema {}, {} messages, {} mappings, {} media",
        manifest.created_at,
        manifest.schema,
        count("message"),
        count("mapping"),
        manifest.media.files
    )
}
