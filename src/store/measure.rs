//! How things stand, for the metrics: asked every few seconds beside the writer, so every question
//! is answered from an index.

use jiff::Timestamp;

use super::codec::instant;
use super::{Store, StoreError};

impl Store {
    /// When the oldest head of a lane became or becomes due, for each effect that has one.
    pub async fn oldest_due(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        // From one name to the next, so that what waits is not walked through.
        let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
            "WITH RECURSIVE named(effect) AS (
                 SELECT (SELECT min(effect) FROM outbox WHERE effect > '' AND head = 1)
                 UNION ALL
                 SELECT (SELECT min(o.effect) FROM outbox o
                     WHERE o.effect > named.effect AND o.head = 1)
                 FROM named WHERE named.effect IS NOT NULL)
             SELECT named.effect, (SELECT min(o.next_attempt_at) FROM outbox o
                 WHERE o.effect = named.effect AND o.head = 1 AND o.state = 'ready')
             FROM named WHERE named.effect IS NOT NULL",
        )
        .fetch_all(&self.readers)
        .await?;
        let due = |(effect, at): (String, Option<i64>)| at.map(|at| (effect, instant(at)));
        Ok(rows.into_iter().filter_map(due).collect())
    }

    /// How many effects are held, by reason.
    pub async fn held_by_reason(&self) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT held_reason, count(*) FROM outbox WHERE state = 'held' GROUP BY held_reason",
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// When the last run of each job that was done ended. A job none of whose last hundred runs
    /// was done is not among them.
    pub async fn last_successes(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
            "WITH RECURSIVE known(job) AS (
                 SELECT (SELECT min(job) FROM job_run WHERE job > '')
                 UNION ALL
                 SELECT (SELECT min(r.job) FROM job_run r WHERE r.job > known.job)
                 FROM known WHERE known.job IS NOT NULL)
             SELECT known.job, (SELECT finished_at FROM (
                 SELECT r.outcome, r.finished_at FROM job_run r WHERE r.job = known.job
                 ORDER BY r.id DESC LIMIT 100) WHERE outcome = 'done' LIMIT 1)
             FROM known WHERE known.job IS NOT NULL",
        )
        .fetch_all(&self.readers)
        .await?;
        let ended = |(job, at): (String, Option<i64>)| at.map(|at| (job, instant(at)));
        Ok(rows.into_iter().filter_map(ended).collect())
    }
}
