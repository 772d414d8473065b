//! Scheduled jobs: each only writes rows; what must happen outside goes through the outbox.
//!
//! One file a job. Start reading at [`timetable`]. Names and schedules stand in
//! [`crate::domain::jobs`], and when a job is due is a pure function, [`crate::domain::schedule`].

mod answers;
pub mod backup;
mod erase;
mod expire;
mod idle;
mod index;
mod integrity;
mod media_sweep;
mod menu;
mod prune;
mod reconcile;
pub mod restore_drill;
mod retention;
pub mod timetable;
mod token_refresh;

pub use backup::Backup;
pub use erase::ERASE;
pub use reconcile::{Options, Progress, Reconcile};
pub use timetable::{JobReport, NotRun, Timetable};

use crate::kit::transport::BoxFuture;

/// A job of the timetable.
pub trait Job: Send + Sync {
    /// Its name in [`crate::domain::jobs::JOBS`].
    fn name(&self) -> &'static str;

    /// Whether it has nothing to do; then no run is begun and written down by the clock.
    fn is_idle(&self) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }

    /// Does its work once: a sentence on what it did, or on why it could not.
    fn run(&self, run: i64) -> BoxFuture<'_, Result<String, String>>;
}
