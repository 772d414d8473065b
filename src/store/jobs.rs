//! Runs of scheduled jobs.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};

/// Who started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedBy {
    /// The timetable.
    Schedule,
    /// A person.
    Operator,
}

/// One row of `job_run`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct JobRun {
    /// Its id.
    pub id: i64,
    /// The job's name.
    pub job: String,
    /// `running`, `done`, `failed` or `interrupted`.
    pub outcome: String,
    /// A sentence on what it did.
    pub detail: Option<String>,
    /// Where to go on, as JSON.
    pub resume: Option<String>,
    started_at: i64,
    finished_at: Option<i64>,
}

impl JobRun {
    /// When it began.
    pub fn started_at(&self) -> Timestamp {
        instant(self.started_at)
    }

    /// When it ended.
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.finished_at.map(instant)
    }
}

/// A finding, as `qiao reconcile` prints it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::FromRow)]
pub struct FindingRow {
    /// `finding.id`
    pub id: i64,
    /// One stable word.
    pub kind: String,
    /// Which account it is about.
    pub account: Option<String>,
    /// Which tenant it is about.
    pub tenant: Option<String>,
    /// Which follower.
    pub openid: Option<String>,
    /// Which customer.
    pub object_id: Option<String>,
    /// A sentence.
    pub detail: String,
    /// `found`, `repairing` or `for_person`.
    pub state: String,
}

impl Store {
    /// Remembers that this installation knows a job from now on; what it knows already stays as it is.
    pub async fn know_job(&self, job: &str) -> Result<(), StoreError> {
        let job = job.to_owned();
        self.operate(Operation::KnowJob { job }).await.map(drop)
    }

    /// Since when this installation knows a job.
    pub async fn known_since(&self, job: &str) -> Result<Option<Timestamp>, StoreError> {
        let since: Option<i64> = sqlx::query_scalar("SELECT known_since FROM job WHERE name = ?")
            .bind(job)
            .fetch_optional(&self.readers)
            .await?;
        Ok(since.map(instant))
    }

    /// Begins a run and returns its id; `None` when the job is already running.
    pub async fn start_job(&self, job: &str, by: StartedBy) -> Result<Option<i64>, StoreError> {
        let job = job.to_owned();
        let known = None;
        let started = self.operate(Operation::StartJob { job, by, known });
        started.await.map(Effected::made)
    }

    /// The same for the timetable, which has found the job due after the run `last`, 0 for none: also
    /// `None` when it has been started since.
    pub async fn start_due_job(&self, job: &str, last: i64) -> Result<Option<i64>, StoreError> {
        let (job, by) = (job.to_owned(), StartedBy::Schedule);
        let known = Some(last);
        let started = self.operate(Operation::StartJob { job, by, known });
        started.await.map(Effected::made)
    }

    /// Remembers where the run would go on after a crash.
    pub async fn note_job(&self, run: i64, resume: Option<String>) -> Result<(), StoreError> {
        self.operate(Operation::NoteJob { run, resume })
            .await
            .map(drop)
    }

    /// Ends a run: `Ok` with what it did, `Err` with why it failed.
    pub async fn finish_job(
        &self,
        run: i64,
        outcome: Result<String, String>,
    ) -> Result<(), StoreError> {
        let (outcome, detail) = match outcome {
            Ok(detail) => ("done", detail),
            Err(detail) => ("failed", detail),
        };
        self.operate(Operation::FinishJob {
            run,
            outcome,
            detail,
        })
        .await
        .map(drop)
    }

    /// The last run of a job.
    pub async fn last_run(&self, job: &str) -> Result<Option<JobRun>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, job, outcome, detail, resume, started_at, finished_at
             FROM job_run WHERE job = ? ORDER BY id DESC LIMIT 1",
        )
        .bind(job)
        .fetch_optional(&self.readers)
        .await?)
    }

    /// The run of a job before this one.
    pub async fn run_before(&self, job: &str, run: i64) -> Result<Option<JobRun>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, job, outcome, detail, resume, started_at, finished_at
             FROM job_run WHERE job = ? AND id < ? ORDER BY id DESC LIMIT 1",
        )
        .bind(job)
        .bind(run)
        .fetch_optional(&self.readers)
        .await?)
    }

    /// What a run found, in order after the finding `after`, at most `limit`.
    pub async fn findings(
        &self,
        run: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<FindingRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, kind, account, tenant, openid, object_id, detail, state FROM finding
             WHERE job_run_id = ? AND id > ? ORDER BY id LIMIT ?",
        )
        .bind(run)
        .bind(after)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// Keeps the last `kept` runs of a job; returns how many went.
    pub async fn prune_runs(&self, job: &str, kept: u32) -> Result<u64, StoreError> {
        let job = job.to_owned();
        self.operate(Operation::PruneRuns { job, kept })
            .await
            .map(|done| done.rows)
    }

    /// When the last walk of a job began that got through `stage`, as its `resume` tells:
    /// `began`, and the stages `done`.
    pub async fn last_walk(&self, job: &str, stage: &str) -> Result<Option<Timestamp>, StoreError> {
        let began: Option<String> = sqlx::query_scalar(
            "SELECT resume ->> 'began' FROM job_run
             WHERE job = ?1 AND outcome = 'done' AND resume IS NOT NULL
                 AND ?2 IN (SELECT value FROM json_each(resume, '$.done'))
             ORDER BY id DESC LIMIT 1",
        )
        .bind(job)
        .bind(stage)
        .fetch_optional(&self.readers)
        .await?;
        Ok(began.and_then(|at| at.parse().ok()))
    }
}

pub(super) async fn know(
    connection: &mut SqliteConnection,
    job: &str,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    sqlx::query("INSERT INTO job (name, known_since) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(job)
        .bind(micros(now))
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn prune_runs(
    connection: &mut SqliteConnection,
    job: &str,
    kept: u32,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "DELETE FROM job_run WHERE job = ?1 AND id <= (
             SELECT id FROM job_run WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(job)
    .bind(kept)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

/// Only the last run of a job can be running, so the others are not looked at.
pub(super) async fn start(
    connection: &mut SqliteConnection,
    job: &str,
    by: StartedBy,
    known: Option<i64>,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO job_run (job, started_by, started_at, outcome)
         SELECT ?1, ?2, ?3, 'running'
         WHERE (SELECT outcome FROM job_run WHERE job = ?1 ORDER BY id DESC LIMIT 1)
             IS NOT 'running'
             AND (?4 IS NULL OR ?4 = coalesce(
                 (SELECT id FROM job_run WHERE job = ?1 ORDER BY id DESC LIMIT 1), 0))",
    )
    .bind(job)
    .bind(match by {
        StartedBy::Schedule => "schedule",
        StartedBy::Operator => "operator",
    })
    .bind(micros(now))
    .bind(known)
    .execute(connection)
    .await?;
    Ok(Effected {
        rows: done.rows_affected(),
        id: done.last_insert_rowid(),
    })
}

pub(super) async fn note(
    connection: &mut SqliteConnection,
    run: i64,
    resume: Option<&str>,
) -> Result<Effected, sqlx::Error> {
    sqlx::query("UPDATE job_run SET resume = ? WHERE id = ?")
        .bind(resume)
        .bind(run)
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    run: i64,
    outcome: &str,
    detail: &str,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "UPDATE job_run SET outcome = ?, detail = ?, finished_at = ?
         WHERE id = ? AND outcome = 'running'",
    )
    .bind(outcome)
    .bind(detail)
    .bind(micros(now))
    .bind(run)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}
