//! Which claimed rows are tried together. Pure.

use std::collections::HashMap;

use crate::store::Job;

/// Claimed rows that one task tries.
#[derive(Debug, PartialEq)]
pub(super) enum Unit {
    /// Rows of one lane, in order: one slot.
    Run(Vec<Job>),
    /// Rows of one effect in different lanes, handed to its handler together: a slot each.
    Batch(Vec<Job>),
}

impl Unit {
    fn jobs(&self) -> &[Job] {
        match self {
            Self::Run(jobs) | Self::Batch(jobs) => jobs,
        }
    }

    /// Whose slots it takes.
    pub(super) fn remote(&self) -> &str {
        self.jobs().first().map_or("", |job| &job.remote)
    }

    /// How many of them.
    pub(super) fn slots(&self) -> usize {
        match self {
            Self::Run(_) => 1,
            Self::Batch(jobs) => jobs.len(),
        }
    }

    /// Its rows.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.jobs().iter().map(|job| job.id)
    }
}

/// Groups claimed rows: by lane, or by effect where the remote takes them together.
pub(super) fn units(jobs: Vec<Job>, is_batched: impl Fn(&str) -> bool) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for job in jobs {
        let is_batched = is_batched(&job.remote);
        let group = if is_batched { &job.effect } else { &job.lane };
        let place = format!("{}\n{group}", job.remote);
        let at = *places.entry(place).or_insert_with(|| {
            units.push(if is_batched {
                Unit::Batch(Vec::new())
            } else {
                Unit::Run(Vec::new())
            });
            units.len() - 1
        });
        match &mut units[at] {
            Unit::Run(jobs) | Unit::Batch(jobs) => jobs.push(job),
        }
    }
    for unit in &mut units {
        if let Unit::Run(jobs) = unit {
            jobs.sort_by_key(|job| job.id);
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rows::Priority;
    use jiff::Timestamp;

    fn job(id: i64, lane: &str, remote: &str) -> Job {
        Job {
            id,
            lane: lane.to_owned(),
            effect: "any".to_owned(),
            remote: remote.to_owned(),
            payload: serde_json::Value::Null,
            uncertain: false,
            priority: Priority::Normal,
            attempts: 0,
            tries: 0,
            expires_at: None,
            inbox_id: None,
            message_id: None,
            text: None,
            created_at: Timestamp::UNIX_EPOCH,
            started_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn rows_of_one_lane_are_one_run_in_their_order() {
        let claimed = vec![job(3, "a", "c4c"), job(2, "b", "c4c"), job(1, "a", "c4c")];
        let units = units(claimed, |_| false);
        let ids: Vec<Vec<i64>> = units.iter().map(|unit| unit.ids().collect()).collect();
        assert_eq!(ids, [vec![1, 3], vec![2]]);
        assert!(units.iter().all(|unit| unit.slots() == 1));
    }

    #[test]
    fn local_rows_of_many_lanes_are_one_batch() {
        let claimed = vec![
            job(1, "a", "local"),
            job(2, "b", "local"),
            job(3, "c", "c4c"),
        ];
        let units = units(claimed, |remote| remote == "local");
        let slots: Vec<usize> = units.iter().map(Unit::slots).collect();
        assert_eq!(slots, [2, 1]);
    }
}
