//! Scheduled jobs: each only writes rows; what must happen outside goes through the outbox.
//!
//! One file a job. Start reading at [`timetable`]: when a job is due is a pure function.

mod answers;
mod erase;
mod expire;
mod idle;
mod index;
mod prune;
mod reconcile;
pub mod timetable;
mod token_refresh;

pub use erase::ERASE;
pub use reconcile::{Options, Reconcile};
pub use timetable::{JobReport, NotRun, Timetable};

use crate::kit::transport::BoxFuture;
use timetable::Schedule;

/// A job of the timetable.
pub trait Job: Send + Sync {
    /// Its name in `job_run.job` and in `qiao jobs`.
    fn name(&self) -> &'static str;

    /// When it is due.
    fn schedule(&self) -> Schedule;

    /// Whether it has nothing to do; then no run is begun and written down by the clock.
    fn is_idle(&self) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }

    /// Does its work once: a sentence on what it did, or on why it could not.
    fn run(&self, run: i64) -> BoxFuture<'_, Result<String, String>>;
}
