//! `prune`: what only serves a short memory is forgotten, so that its tables stay small.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

use super::Job;
use super::answers::ANSWERS;
use super::erase::ERASE;
use super::idle::IDLE;
use super::index::INDEX;
use super::reconcile::RECONCILE;
use super::timetable::Schedule;
use crate::effects::Context;
use crate::kit::media::MediaError;
use crate::kit::transport::BoxFuture;
use crate::store::StoreError;

/// WeChat retries within seconds; the reference asks for a day (wechat.md 2.1), a week is safe.
const DEDUPE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A finding that still holds is found again every night; two nights are kept to compare with.
const FINDINGS_OF: u32 = 3;

/// `index` may run every five seconds, `answers` and `idle` every minute: an hour or more of them tells enough.
const RUNS: u32 = 1000;

/// A file is put a moment before the row that points to it: until then nobody knows whose it is.
const UNUSED: Duration = Duration::from_hours(1);

pub(super) struct Prune(pub(super) Context);

impl Job for Prune {
    fn name(&self) -> &'static str {
        "prune"
    }

    fn schedule(&self) -> Schedule {
        Schedule::Every(SignedDuration::from_hours(24))
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let store = &self.0.store;
            let now = self.0.clock.now();
            let before = now.saturating_sub(DEDUPE).unwrap_or(Timestamp::MIN);
            let told = |fault: StoreError| fault.to_string();
            let keys = store.prune_dedupe(before).await.map_err(told)?;
            let findings = store
                .prune_findings(RECONCILE, FINDINGS_OF)
                .await
                .map_err(told)?;
            let mut runs = 0;
            for job in [INDEX, ANSWERS, IDLE, ERASE] {
                runs += store.prune_runs(job, RUNS).await.map_err(told)?;
            }
            let media = self.sweep_media().await?;
            self.note_audit().await.map_err(told)?;
            Ok(format!(
                "{keys} dedupe keys, {findings} findings, {runs} runs of frequent jobs and {media} media \
                 forgotten"
            ))
        })
    }
}

impl Prune {
    /// The head goes into the log, which is kept elsewhere: so that a day later nobody writes the audit's
    /// end anew unseen.
    async fn note_audit(&self) -> Result<(), StoreError> {
        let verified = self.0.store.verify_audit(None).await?;
        let (row, hash) = (verified.chain.id, verified.chain.hash);
        match verified.broken {
            None => tracing::info!(row, hash, "the audit is as it was written"),
            Some(broken) => tracing::error!(row, %broken, "the audit is broken"),
        }
        Ok(())
    }

    /// Removes the files of which every row was deleted.
    async fn sweep_media(&self) -> Result<usize, String> {
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
