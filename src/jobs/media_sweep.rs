//! `media_sweep`: the files of which every row was deleted are removed.

use std::time::{Duration, SystemTime};

use super::Job;
use crate::effects::Context;
use crate::kit::media::MediaError;
use crate::kit::transport::BoxFuture;

/// A file is put a moment before the row that points to it: until then nobody knows whose it is.
const UNUSED: Duration = Duration::from_hours(1);

pub(super) struct MediaSweep(pub(super) Context);

impl Job for MediaSweep {
    fn name(&self) -> &'static str {
        "media_sweep"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let removed = self.sweep().await?;
            Ok(format!("{removed} files removed"))
        })
    }
}

impl MediaSweep {
    async fn sweep(&self) -> Result<usize, String> {
        let (media, store) = (&self.0.media, &self.0.store);
        let told = |fault: MediaError| fault.to_string();
        let now = media.time().await.map_err(told)?;
        let before = now.checked_sub(UNUSED).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut removed = 0;
        for first in 0..=u8::MAX {
            let old = media.older(first, before).await.map_err(told)?;
            if old.is_empty() {
                continue;
            }
            let unused = store.unused_media(&old).await;
            for sha256 in unused.map_err(|fault| fault.to_string())? {
                let gone = media.remove_older(&sha256, before).await.map_err(told)?;
                removed += usize::from(gone);
            }
        }
        Ok(removed)
    }
}
