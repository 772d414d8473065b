//! When which job runs: due-ness is pure, the scheduler only wakes.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio_cron_scheduler::{Job as Alarm, JobScheduler, JobSchedulerError};
use tokio_util::task::TaskTracker;

use super::{Job, answers, erase, expire, idle, index, prune, reconcile, token_refresh};
use crate::effects::Context;
use crate::store::{JobRun, StartedBy, StoreError};

/// How often the scheduler wakes: every five seconds, so that nothing is late by more.
const WAKE: &str = "*/5 * * * * *";

/// When a job is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// This long after its last start.
    Every(SignedDuration),
    /// Once a day at this time of this zone.
    Daily(Time, TimeZone),
}

impl Schedule {
    /// When it is due next, given its last start. One that never ran is due at once if it is
    /// periodic, and at its next hour if it is daily: a new installation does not begin with a
    /// reconciliation. After downtime it is due once, however many times it was missed.
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        match (self, last) {
            (Self::Every(_), None) => now,
            (Self::Every(wait), Some(last)) => {
                // A clock that was set back must not silence a job for long.
                let next = last.saturating_add(*wait).unwrap_or(now);
                let latest = now.saturating_add(*wait).unwrap_or(now);
                next.min(latest)
            }
            (Self::Daily(at, zone), last) => next_daily(*at, zone, last.unwrap_or(now).min(now)),
        }
    }
}

fn next_daily(at: Time, zone: &TimeZone, after: Timestamp) -> Timestamp {
    let day = after.to_zoned_datetime(zone.clone()).date();
    let on = |date: jiff::civil::Date| {
        let local = date.to_datetime(at);
        zone.to_ambiguous_timestamp(local)
            .compatible()
            .unwrap_or(after)
    };
    let today = on(day);
    if today > after {
        today
    } else {
        on(day.tomorrow().unwrap_or(day))
    }
}

/// How a job stands.
#[derive(Debug, Clone)]
pub struct JobReport {
    /// Its name.
    pub name: &'static str,
    /// Its last run.
    pub last: Option<JobRun>,
    /// When it is due next.
    pub next: Timestamp,
}

/// Why a job did not run.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// There is none of that name.
    #[error("there is no job `{0}`; `qiao jobs list` names them")]
    Unknown(String),
    /// It is running already.
    #[error("`{0}` is running already; wait for it (`qiao jobs list`)")]
    Running(&'static str),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It ran and failed.
    #[error("{0}")]
    Failed(String),
}

/// All jobs. Clones share it.
#[derive(Clone)]
pub struct Timetable {
    context: Context,
    jobs: Arc<[Arc<dyn Job>]>,
    running: TaskTracker,
}

impl std::fmt::Debug for Timetable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Timetable({} jobs)", self.jobs.len())
    }
}

impl Timetable {
    /// The jobs of this version.
    pub fn new(context: &Context) -> Self {
        let jobs: [Arc<dyn Job>; 8] = [
            Arc::new(token_refresh::TokenRefresh(context.clone())),
            Arc::new(expire::Expire(context.clone())),
            Arc::new(idle::Idle(context.clone())),
            Arc::new(answers::Answers(context.clone())),
            Arc::new(index::Index(context.clone())),
            Arc::new(erase::Erase(context.clone())),
            Arc::new(prune::Prune(context.clone())),
            Arc::new(reconcile::Reconcile::scheduled(context.clone())),
        ];
        Self {
            context: context.clone(),
            jobs: Arc::new(jobs),
            running: TaskTracker::new(),
        }
    }

    /// Lets the scheduler wake [`Timetable::tick`] until it is dropped.
    pub async fn start(&self) -> Result<JobScheduler, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let timetable = self.clone();
        let alarm = Alarm::new_async(WAKE, move |_, _| {
            let timetable = timetable.clone();
            Box::pin(async move { timetable.tick().await })
        })?;
        scheduler.add(alarm).await?;
        scheduler.start().await?;
        Ok(scheduler)
    }

    /// Starts every job that is due and has something to do; returns without waiting for them.
    pub async fn tick(&self) {
        let now = self.context.clock.now();
        for job in self.jobs.iter() {
            let last = match self.context.store.last_run(job.name()).await {
                Ok(last) => last.map(|run| run.started_at()),
                Err(fault) => {
                    tracing::warn!(job = job.name(), error = %fault, "cannot see when it last ran");
                    continue;
                }
            };
            if job.schedule().next(last, now) <= now && !job.is_idle().await {
                let (timetable, job) = (self.clone(), Arc::clone(job));
                self.running.spawn(async move {
                    // What it came to stands in job_run and in the log.
                    let _ = timetable.run_job(&*job, StartedBy::Schedule).await;
                });
            }
        }
    }

    /// Runs a job now, for a person.
    pub async fn run(&self, name: &str) -> Result<String, NotRun> {
        let job = self.jobs.iter().find(|job| job.name() == name);
        let job = job.ok_or_else(|| NotRun::Unknown(name.to_owned()))?;
        self.run_job(&**job, StartedBy::Operator).await
    }

    /// Runs `job` under the rules of the timetable: recorded, and never beside itself.
    pub async fn run_job(&self, job: &dyn Job, by: StartedBy) -> Result<String, NotRun> {
        let store = &self.context.store;
        let Some(run) = store.start_job(job.name(), by).await? else {
            return Err(NotRun::Running(job.name()));
        };
        let outcome = job.run(run).await;
        if let Err(reason) = &outcome {
            tracing::warn!(job = job.name(), error = %reason, "a job failed");
        }
        let word = if outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!("qiao_job_runs_total", "job" => job.name(), "outcome" => word)
            .increment(1);
        store.finish_job(run, outcome.clone()).await?;
        outcome.map_err(NotRun::Failed)
    }

    /// How every job stands.
    pub async fn report(&self) -> Result<Vec<JobReport>, StoreError> {
        let now = self.context.clock.now();
        let mut report = Vec::new();
        for job in self.jobs.iter() {
            let last = self.context.store.last_run(job.name()).await?;
            let next = job
                .schedule()
                .next(last.as_ref().map(JobRun::started_at), now);
            report.push(JobReport {
                name: job.name(),
                last,
                next,
            });
        }
        Ok(report)
    }

    /// Resolves when no job runs any more, or after `patience`.
    pub async fn drained(&self, patience: Duration) {
        self.running.close();
        // What is cut off is found interrupted at the next start and resumes.
        let _ = tokio::time::timeout(patience, self.running.wait()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_periodic_job_is_due_once_after_downtime() {
        let schedule = Schedule::Every(SignedDuration::from_mins(1));
        let now = at("2026-11-23T10:00:00Z");
        assert_eq!(schedule.next(None, now), now);
        let long_ago = at("2026-11-20T10:00:00Z");
        assert!(schedule.next(Some(long_ago), now) <= now);
        assert_eq!(schedule.next(Some(now), now), at("2026-11-23T10:01:00Z"));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_silence_a_job() {
        let schedule = Schedule::Every(SignedDuration::from_mins(1));
        let now = at("2026-11-23T10:00:00Z");
        let in_the_future = at("2027-11-23T10:00:00Z");
        assert_eq!(
            schedule.next(Some(in_the_future), now),
            at("2026-11-23T10:01:00Z")
        );
    }

    #[test]
    fn a_daily_job_follows_the_local_clock_over_a_change_of_time() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let schedule = Schedule::Daily(Time::constant(3, 30, 0, 0), zone);
        // Summer time ends in the night to 2026-10-25: 03:30 is 01:30Z before and 02:30Z after.
        let before = at("2026-10-24T01:30:00Z");
        assert_eq!(
            schedule.next(Some(before), before),
            at("2026-10-25T02:30:00Z")
        );
        let new = at("2026-10-25T12:00:00Z");
        assert_eq!(schedule.next(None, new), at("2026-10-26T02:30:00Z"));
        assert!(
            schedule.next(Some(before), new) <= new,
            "missed while down: due once"
        );
    }
}
