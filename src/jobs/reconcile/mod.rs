//! `reconcile`: both platforms are compared with what we hold, page by page.
//!
//! First everything is looked at and each difference becomes a finding ([`stages`] says in what order,
//! [`walk`] how it goes on after an interruption); what would put it right stands in the finding. Only
//! then, when it is known how many there are, the repairs are queued ([`apply`]). It calls the
//! platforms and writes rows; it must not change anything on the platforms. Start at [`Walk`].

mod apply;
mod c4c;
mod compare;
mod confirm;
mod stages;
mod walk;
mod wechat;

use serde::{Deserialize, Serialize};

use super::Job;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;
use crate::store::{JobRun, StoreError};
use walk::{Resume, Walk};

/// Its name.
pub(super) const RECONCILE: &str = "reconcile";

/// What a run is asked to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Options {
    /// Queues repairs; else there are only findings.
    pub apply: bool,
    /// Looks for this kind only.
    pub only: Option<String>,
    /// Stops after this many findings.
    pub limit: Option<u64>,
    /// However many repairs there are: a person has said so.
    #[serde(default)]
    pub yes: bool,
}

impl Options {
    /// Whether nothing is left out, so that what a run got through needs not be done again.
    fn is_whole(&self) -> bool {
        self.apply && self.only.is_none() && self.limit.is_none()
    }
}

/// The job.
#[derive(Debug)]
pub struct Reconcile {
    context: Context,
    options: Options,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Under which run its findings stand: the first one of those that were interrupted.
    pub findings_of: i64,
    /// What is being looked at.
    pub stage: String,
    /// Rows of that which have been looked at.
    pub rows: u64,
    /// Findings so far.
    pub found: u64,
}

impl Progress {
    /// As a run of reconciliation tells it; `None` when it is one of something else.
    pub fn of(run: &JobRun) -> Option<Self> {
        let resume: Resume = serde_json::from_str(run.resume.as_deref()?).ok()?;
        Some(Self {
            findings_of: resume.run,
            stage: resume.stage,
            rows: resume.rows,
            found: resume.found,
        })
    }
}

impl Reconcile {
    /// As the timetable runs it: everything, with repairs.
    pub fn scheduled(context: Context) -> Self {
        Self {
            context,
            options: Options {
                apply: true,
                ..Options::default()
            },
        }
    }

    /// As a person asked for it.
    pub fn asked(context: Context, options: Options) -> Self {
        Self { context, options }
    }

    /// What an interrupted run left; only a whole one is gone on with. An unfinished list of followers
    /// is gone on with in any case: its pages are dear.
    async fn resume(&self, run: i64) -> Result<Resume, StoreError> {
        let fresh = Resume::new(run, self.context.clock.now());
        let before = self.context.store.run_before(RECONCILE, run).await?;
        let Some(before) = before else {
            return Ok(fresh);
        };
        let left: Option<Resume> = before
            .resume
            .and_then(|text| serde_json::from_str(&text).ok());
        Ok(match left {
            Some(left)
                if before.outcome == "interrupted" && self.options.is_whole() && left.whole =>
            {
                left
            }
            Some(left) => fresh.with_unfinished_lists(left),
            None => fresh,
        })
    }
}

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        RECONCILE
    }

    fn run(&self, run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let told = |fault: StoreError| fault.to_string();
            let resume = self.resume(run).await.map_err(told)?;
            Walk::new(&self.context, &self.options, run, resume)
                .run()
                .await
        })
    }
}
