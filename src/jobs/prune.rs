//! `prune`: what only serves a short memory is forgotten, so that its tables stay small.

use jiff::{SignedDuration, Timestamp};

use super::Job;
use super::answers::ANSWERS;
use super::index::INDEX;
use super::reconcile::RECONCILE;
use super::timetable::Schedule;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;
use crate::store::StoreError;

/// WeChat retries within seconds; the reference asks for a day (wechat.md 2.1), a week is safe.
const DEDUPE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A finding that still holds is found again every night; two nights are kept to compare with.
const FINDINGS_OF: u32 = 3;

/// `index` may run every five seconds and `answers` every minute: an hour or more of them tells enough.
const RUNS: u32 = 1000;

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
            for job in [INDEX, ANSWERS] {
                runs += store.prune_runs(job, RUNS).await.map_err(told)?;
            }
            Ok(format!(
                "{keys} dedupe keys, {findings} findings and {runs} runs of {INDEX} and {ANSWERS} \
                 forgotten"
            ))
        })
    }
}
