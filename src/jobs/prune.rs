//! `prune`: what only serves a short memory is forgotten, so that its tables stay small. What an
//! operator may want to keep for longer or shorter is the business of `retention`.

use jiff::{SignedDuration, Timestamp};

use super::Job;
use crate::domain::jobs::JOBS;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;
use crate::store::StoreError;

/// WeChat retries within seconds; the reference asks for a day (wechat.md 2.1), a week is safe.
const DEDUPE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Runs kept of each job: more than an hour of one that runs every five seconds, years of a nightly one.
const RUNS: u32 = 1000;

pub(super) struct Prune(pub(super) Context);

impl Job for Prune {
    fn name(&self) -> &'static str {
        "prune"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let store = &self.0.store;
            let now = self.0.clock.now();
            let before = now.saturating_sub(DEDUPE).unwrap_or(Timestamp::MIN);
            let told = |fault: StoreError| fault.to_string();
            let keys = store.prune_dedupe(before).await.map_err(told)?;
            let sessions = store.prune_sessions(now).await.map_err(told)?;
            let mut runs = 0;
            for job in JOBS {
                runs += store.prune_runs(job.name, RUNS).await.map_err(told)?;
            }
            self.note_audit().await.map_err(told)?;
            Ok(format!(
                "{keys} dedupe keys, {runs} runs of jobs and {sessions} logins forgotten"
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
}
