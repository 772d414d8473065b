//! `[jobs.<name>]`: when each job runs.

use std::collections::BTreeMap;

use crate::domain::schedule::Schedule;

/// The schedule of every job of [`crate::domain::jobs::JOBS`], by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedules(pub(super) BTreeMap<&'static str, Schedule>);

impl Schedules {
    /// When this job runs; `None` when there is no job of that name.
    pub fn of(&self, job: &str) -> Option<&Schedule> {
        self.0.get(job)
    }
}
