//! `/metrics`: what is counted as it happens, and how things stand at this moment.
//!
//! How things stand is read beside the writer, from indexes, so that a scrape costs little however
//! much waits. Start reading at [`metrics()`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics::gauge;

use super::Edge;
use crate::domain::series;
use crate::store::{StoreError, TokenKind};

/// Reasons for which effects were held, each with a series that goes back to 0.
#[derive(Debug, Default)]
pub(super) struct Reasons(Mutex<BTreeSet<String>>);

/// Reasons are words of the code, about a dozen; should a database hold others, only so many are shown.
const MOST_REASONS: usize = 64;

impl Reasons {
    /// How much is held for each reason; for those that were shown before and are gone, nothing.
    fn with_gone(&self, held: &[(String, i64)]) -> Vec<(String, i64)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (reason, _) in held {
            if known.len() < MOST_REASONS {
                known.insert(reason.clone());
            }
        }
        let count = |reason: &String| held.iter().find(|(held, _)| held == reason);
        let with_count =
            |reason: &String| (reason.clone(), count(reason).map_or(0, |(_, count)| *count));
        known.iter().map(with_count).collect()
    }
}

/// Prometheus text.
pub(super) async fn metrics(State(edge): State<Arc<Edge>>) -> Response {
    let Some(metrics) = &edge.metrics else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = edge.context.clock.now();
    gauge!(series::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
    edge.measure_remotes();
    edge.measure_files();
    // What was counted is shown even where the database cannot be read.
    if let Err(fault) = edge.measure_rows(now).await {
        tracing::warn!(error = %fault, "the metrics do not tell how the queue stands");
    }
    let Some(text) = metrics.render() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let text_format = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, text_format)], text).into_response()
}

impl Edge {
    fn measure_remotes(&self) {
        for remote in self.engine.report() {
            let since = remote
                .since
                .map_or(0.0, |at| seconds(at, Timestamp::UNIX_EPOCH));
            let paused = u8::from(remote.paused.is_some());
            let name = remote.name;
            gauge!(series::REMOTE_PAUSED, "remote" => name.clone()).set(paused);
            gauge!(series::REMOTE_PAUSED_SINCE, "remote" => name.clone()).set(since);
            gauge!(series::REMOTE_RUNNING, "remote" => name).set(as_gauge(remote.running as u64));
        }
    }

    fn measure_files(&self) {
        let main = self.context.store.path();
        let mut wal = main.as_os_str().to_owned();
        wal.push("-wal");
        for (file, path) in [("main", main.as_os_str()), ("wal", &wal)] {
            // A log that is not there is empty.
            let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
            gauge!(series::DATABASE_BYTES, "file" => file).set(as_gauge(bytes));
        }
    }

    async fn measure_rows(&self, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.context.store;
        let queue = store.queue_state().await?;
        for (state, rows) in [
            ("open", queue.open),
            ("held", queue.held),
            ("dead", queue.dead),
        ] {
            gauge!(series::OUTBOX_ROWS, "state" => state).set(as_gauge(rows.unsigned_abs()));
        }
        for (reason, rows) in self.reasons.with_gone(&store.held_by_reason().await?) {
            let rows = as_gauge(rows.unsigned_abs());
            gauge!(series::OUTBOX_HELD_ROWS, "reason" => reason).set(rows);
        }
        let due = store.oldest_due().await?;
        for effect in self.engine.effects() {
            let oldest = due.iter().find(|(name, _)| name == effect);
            let age = oldest.map_or(0.0, |(_, at)| seconds(now, *at).max(0.0));
            gauge!(series::OUTBOX_OLDEST_DUE, "effect" => effect).set(age);
        }
        for (job, ended) in store.last_successes().await? {
            gauge!(series::JOB_LAST_SUCCESS, "job" => job).set(seconds(now, ended));
        }
        self.measure_backups(now).await?;
        for account in self.context.live().config.wechat.keys() {
            let Some(token) = store.token(account, TokenKind::AccessToken).await? else {
                continue;
            };
            let (age, left) = (
                seconds(now, token.fetched_at),
                seconds(token.expires_at, now),
            );
            let account = account.as_str().to_owned();
            gauge!(series::TOKEN_AGE, "account" => account.clone()).set(age);
            gauge!(series::TOKEN_EXPIRES, "account" => account).set(left);
        }
        Ok(())
    }

    async fn measure_backups(&self, now: Timestamp) -> Result<(), StoreError> {
        let backups = self.context.store.backup_state().await?;
        // Without one there is no number that would be true, and the last one must not stay.
        let age = |at: Option<Timestamp>| at.map_or(f64::NAN, |at| seconds(now, at));
        gauge!(series::BACKUP_AGE).set(age(backups.newest_at));
        gauge!(series::RESTORE_DRILL_AGE).set(age(backups.sound_drill_at));
        gauge!(series::BACKUPS_DAMAGED).set(as_gauge(backups.damaged.unsigned_abs()));
        Ok(())
    }
}

/// From `earlier` to `later`; negative the other way round.
fn seconds(later: Timestamp, earlier: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a gauge needs no 53rd bit")]
fn as_gauge(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_nothing_is_held_for_any_more_is_shown_as_0() {
        let reasons = Reasons::default();
        let held = |list: &[(&str, i64)]| {
            let owned = list
                .iter()
                .map(|(reason, rows)| ((*reason).to_owned(), *rows));
            reasons.with_gone(&owned.collect::<Vec<_>>())
        };
        assert_eq!(held(&[("window", 3)]), [("window".to_owned(), 3)]);
        let both = [("uncertain".to_owned(), 1), ("window".to_owned(), 0)];
        assert_eq!(held(&[("uncertain", 1)]), both);
    }

    #[test]
    fn only_so_many_reasons_have_a_series() {
        let invented = (0..200).map(|number| (format!("reason_{number}"), 1));
        let shown = Reasons::default().with_gone(&invented.collect::<Vec<_>>());
        assert_eq!(shown.len(), MOST_REASONS);
    }
}
