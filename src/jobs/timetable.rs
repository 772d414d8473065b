//! Which job runs: the scheduler only wakes, and what is due then is told by
//! [`crate::domain::schedule`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_cron_scheduler::{Job as Alarm, JobScheduler, JobSchedulerError};
use tokio_util::task::TaskTracker;

use super::{
    Job, answers, backup, erase, expire, idle, index, integrity, media_sweep, menu, prune,
    reconcile, restore_drill, retention, token_refresh,
};
use crate::domain::jobs::{KnownJob, known};
use crate::domain::schedule::{Schedule, Since};
use crate::domain::series;
use crate::effects::Context;
use crate::kit::trace::{self, TraceId};
use crate::store::{JobRun, StartedBy, StoreError};

/// How often the scheduler wakes: every five seconds, so that nothing is late by more.
const WAKE: &str = "*/5 * * * * *";

/// How a job stands.
#[derive(Debug, Clone)]
pub struct JobReport {
    /// Its name, and what it does.
    pub job: &'static KnownJob,
    /// When it runs.
    pub schedule: Schedule,
    /// Its last run.
    pub last: Option<JobRun>,
    /// When it is due next; `None` when it is off.
    pub next: Option<Timestamp>,
    /// Whether it has nothing to do, so that no run is begun by the clock.
    pub is_idle: bool,
}

impl JobReport {
    /// When the clock starts it next; `None` when it is off or has nothing to do.
    pub fn due(&self) -> Option<Timestamp> {
        self.next.filter(|_| !self.is_idle)
    }
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
    /// The jobs of this version, in the order of [`crate::domain::jobs::JOBS`].
    pub fn new(context: &Context) -> Self {
        let jobs: Vec<Arc<dyn Job>> = vec![
            Arc::new(token_refresh::TokenRefresh(context.clone())),
            Arc::new(expire::Expire(context.clone())),
            Arc::new(idle::Idle(context.clone())),
            Arc::new(answers::Answers(context.clone())),
            Arc::new(index::Index(context.clone())),
            Arc::new(erase::Erase(context.clone())),
            Arc::new(prune::Prune(context.clone())),
            Arc::new(retention::Retention(context.clone())),
            Arc::new(media_sweep::MediaSweep(context.clone())),
            Arc::new(backup::Backup::scheduled(context.clone())),
            Arc::new(reconcile::Reconcile::scheduled(context.clone())),
            Arc::new(menu::Menu(context.clone())),
            Arc::new(integrity::Integrity(context.clone())),
            Arc::new(restore_drill::RestoreDrill(context.clone())),
        ];
        Self {
            context: context.clone(),
            jobs: jobs.into(),
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
        for job in self.jobs.iter() {
            match self.start_if_due(&**job).await {
                Ok(None) => {}
                Ok(Some(run)) => {
                    let (timetable, job) = (self.clone(), Arc::clone(job));
                    self.running.spawn(async move {
                        // What it came to stands in job_run and in the log.
                        let _ = timetable.carry_out(&*job, run).await;
                    });
                }
                Err(fault) => {
                    tracing::warn!(job = job.name(), error = %fault, "a job cannot be started");
                }
            }
        }
    }

    /// Begins a run when it is time for one; `None` when it is not, or when one is under way.
    async fn start_if_due(&self, job: &dyn Job) -> Result<Option<i64>, StoreError> {
        let store = &self.context.store;
        let now = self.context.clock.now();
        let last = store.last_run(job.name()).await?;
        let since = self.since(job.name(), last.as_ref(), now).await?;
        if since == Since::Known(now) {
            store.know_job(job.name()).await?;
        }
        let next = self.schedule(job.name()).next(since, now);
        if next.is_none_or(|next| next > now) || job.is_idle().await {
            return Ok(None);
        }
        // An operator or another alarm may have started it since we looked.
        let last = last.map_or(0, |run| run.id);
        store.start_due_job(job.name(), last).await
    }

    /// From when its schedule counts; from now on, when nobody knew it.
    async fn since(
        &self,
        job: &str,
        last: Option<&JobRun>,
        now: Timestamp,
    ) -> Result<Since, StoreError> {
        if let Some(run) = last {
            return Ok(Since::Ran(run.started_at()));
        }
        let known = self.context.store.known_since(job).await?;
        Ok(Since::Known(known.unwrap_or(now)))
    }

    /// The schedule in force: a reload may change it.
    fn schedule(&self, job: &str) -> Schedule {
        let live = self.context.live();
        let schedule = live.config.jobs.of(job);
        schedule.expect("every job stands in JOBS").clone()
    }

    /// Runs a job now, for a person.
    pub async fn run(&self, name: &str) -> Result<String, NotRun> {
        let job = self.jobs.iter().find(|job| job.name() == name);
        let job = job.ok_or_else(|| NotRun::Unknown(name.to_owned()))?;
        self.run_job(&**job, StartedBy::Operator).await
    }

    /// Runs `job` under the rules of the timetable: recorded, and never beside itself.
    pub async fn run_job(&self, job: &dyn Job, by: StartedBy) -> Result<String, NotRun> {
        match self.context.store.start_job(job.name(), by).await? {
            Some(run) => self.carry_out(job, run).await,
            None => Err(NotRun::Running(job.name())),
        }
    }

    async fn carry_out(&self, job: &dyn Job, run: i64) -> Result<String, NotRun> {
        let random = &self.context.random;
        let outcome = trace::within(Some(TraceId::made(random)), random, job.run(run)).await;
        if let Err(reason) = &outcome {
            tracing::warn!(job = job.name(), error = %reason, "a job failed");
        }
        let word = if outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!(series::JOB_RUNS, "job" => job.name(), "outcome" => word).increment(1);
        let store = &self.context.store;
        store.finish_job(run, outcome.clone()).await?;
        outcome.map_err(NotRun::Failed)
    }

    /// How every job stands.
    pub async fn report(&self) -> Result<Vec<JobReport>, StoreError> {
        let store = &self.context.store;
        let now = self.context.clock.now();
        let mut report = Vec::new();
        for job in self.jobs.iter() {
            let last = store.last_run(job.name()).await?;
            let since = self.since(job.name(), last.as_ref(), now).await?;
            let schedule = self.schedule(job.name());
            report.push(JobReport {
                job: known(job.name()).expect("every job stands in JOBS"),
                next: schedule.next(since, now),
                schedule,
                last,
                is_idle: job.is_idle().await,
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
