//! Claimed rows of one lane, tried one after the other: one slot. Pure.

use std::collections::{HashMap, VecDeque};

use crate::domain::rows::Priority;
use crate::store::Job;

/// At least one claimed row, and those right behind it that may run ahead.
#[derive(Debug, PartialEq)]
pub(super) struct Run(VecDeque<Job>);

impl Run {
    /// The first row: what is behind it is never more urgent.
    fn first(&self) -> &Job {
        self.0.front().expect("a run has a row")
    }

    /// Whose slot it takes.
    pub(super) fn remote(&self) -> &str {
        &self.first().remote
    }

    /// How urgent it is.
    pub(super) fn priority(&self) -> Priority {
        self.first().priority
    }

    /// How many rows it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Its rows, in order.
    pub(super) fn into_jobs(self) -> VecDeque<Job> {
        self.0
    }

    /// The ids of its rows.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|job| job.id)
    }
}

/// Groups claimed rows by lane. The runs come in the order of their first rows.
pub(super) fn runs(jobs: Vec<Job>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for job in jobs {
        let at = *places.entry(job.lane.clone()).or_insert(runs.len());
        if at == runs.len() {
            runs.push(Run(VecDeque::new()));
        }
        runs[at].0.push_back(job);
    }
    for run in &mut runs {
        run.0.make_contiguous().sort_by_key(|job| job.id);
    }
    runs
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use jiff::Timestamp;

    pub(in crate::outbox) fn job(id: i64, lane: &str, priority: Priority) -> Job {
        Job {
            id,
            lane: lane.to_owned(),
            effect: "any".to_owned(),
            remote: "any".to_owned(),
            payload: "null".to_owned(),
            uncertain: false,
            priority,
            attempts: 0,
            tries: 0,
            expires_at: None,
            inbox_id: None,
            message_id: None,
            text: None,
            created_at: Timestamp::UNIX_EPOCH,
            trace: None,
            started_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn rows_of_one_lane_are_a_run_in_order_and_lanes_keep_theirs() {
        let normal = |id, lane| job(id, lane, Priority::Normal);
        let jobs = vec![normal(4, "a"), normal(2, "b"), normal(1, "a")];
        let ids: Vec<Vec<i64>> = runs(jobs).iter().map(|run| run.ids().collect()).collect();
        assert_eq!(ids, [vec![1, 4], vec![2]]);
    }
}
