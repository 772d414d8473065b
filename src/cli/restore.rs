//! `qiao restore`: a backup in the place of the database, or on trial.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::output::say;
use super::reach;
use crate::backup::{Restored, restore, try_restore};
use crate::config::Config;
use crate::jobs::restore_drill::told;
use crate::kit::clock::{Clock, SystemClock};
use crate::store::{Act, Store, Target};

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// A file that `qiao backup` wrote
    file: PathBuf,
    /// Only tries it in a folder beside the database, which is removed again
    #[arg(long, conflicts_with = "replace")]
    check: bool,
    /// Moves a database that is there aside, with its media
    #[arg(long)]
    replace: bool,
}

pub(super) async fn run(config: Config, asked: Asked) -> Result<()> {
    let database = &config.database.path;
    if asked.check {
        let manifest = try_restore(&asked.file, database, "check").await?;
        return say(&format!("{}: {}", asked.file.display(), told(&manifest)));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let restored = restore(&asked.file, database, asked.replace, clock.now()).await?;
    let store = Store::open_configured(&config.database, clock).await?;
    store.recover().await?;
    let target = asked.file.display().to_string();
    let act = Act {
        who: reach::who(),
        act: "restore",
        target: Target::Thing(target),
        before: None,
        after: Some(format!("begun at {}", restored.manifest.created_at)),
    };
    store.audit(act).await?;
    store.close().await;
    report(&restored)
}

/// What an operator must know before the daemon starts.
fn report(restored: &Restored) -> Result<()> {
    say(&format!("restored: {}", told(&restored.manifest)))?;
    if let Some(aside) = &restored.aside {
        say(&format!("what was there is in {}", aside.display()))?;
    }
    for address in &restored.manifest.missing_media {
        say(&format!("not in the backup: media {address}"))?;
    }
    say(&format!(
        "{} effects may have been done since the backup: Qiao looks before it does them again, and \
         holds sends for you where it cannot look (`qiao outbox list --state held`)",
        restored.doubted
    ))?;
    say("nothing that came after the backup is here; docs/BACKUP.md tells what to do about that")
}
