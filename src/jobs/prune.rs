//! `prune`: what only serves a short memory is forgotten, so that its tables stay small.

use jiff::{SignedDuration, Timestamp};

use super::Job;
use super::timetable::Schedule;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;

/// WeChat retries within seconds; the reference asks for a day (wechat.md 2.1), a week is safe.
const DEDUPE: SignedDuration = SignedDuration::from_hours(7 * 24);

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
            let before = self
                .0
                .clock
                .now()
                .saturating_sub(DEDUPE)
                .unwrap_or(Timestamp::MIN);
            let keys = self
                .0
                .store
                .prune_dedupe(before)
                .await
                .map_err(|f| f.to_string())?;
            Ok(format!("{keys} dedupe keys forgotten"))
        })
    }
}
