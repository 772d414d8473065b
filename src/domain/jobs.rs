//! The list of jobs: their names, what they do, and when they run where nobody says otherwise.
//!
//! It stands here because the configuration knows the names, and `src/jobs/` what they do. A new job
//! is a file there, a line in `src/jobs/timetable.rs` and a line here.

/// What everybody may know of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownJob {
    /// Its name in `[jobs.<name>]`, in `job_run.job` and in `qiao jobs`.
    pub name: &'static str,
    /// When it runs by default, as [`super::schedule::Schedule::parse`] reads it.
    pub schedule: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
    /// Whether Qiao cannot keep its promises without it: then it cannot be switched off.
    pub vital: bool,
}

/// All of them, in the order in which `qiao jobs list` shows them.
pub const JOBS: &[KnownJob] = &[
    vital("token_refresh", "every 1 min", "renews access_tokens"),
    vital("expire", "every 1 min", "gives up what waits past its time"),
    vital("idle", "every 1 min", "ends silent conversations"),
    job("answers", "every 1 min", "asks C4C for agents' answers"),
    // Below the five seconds between two alarms, so that it runs at each of them.
    job("index", "every 4 s", "makes messages findable"),
    // Likewise: whoever is to be erased waits no longer than it takes.
    vital("erase", "every 4 s", "erases persons who are to be erased"),
    vital("prune", "50 2 * * *", "forgets what is remembered briefly"),
    // Retention before the sweep, which removes the files that it leaves behind.
    job(
        "retention",
        "0 3 * * *",
        "deletes what is older than its days",
    ),
    job(
        "media_sweep",
        "20 3 * * *",
        "removes files nobody points to",
    ),
    job("backup", "15 2 * * *", "writes everything into one file"),
    // In the small hours, when nobody waits for the calls.
    job("reconcile", "30 3 * * *", "compares both platforms with us"),
    job("menu", "50 3 * * *", "puts menus back that are kept"),
    job(
        "integrity",
        "30 4 * * SUN",
        "looks for damage in the database",
    ),
    // It reads and writes as much as the backup holds.
    job(
        "restore_drill",
        "0 5 * * SUN",
        "restores the newest backup on trial",
    ),
];

const fn job(name: &'static str, schedule: &'static str, does: &'static str) -> KnownJob {
    KnownJob {
        name,
        schedule,
        does,
        vital: false,
    }
}

const fn vital(name: &'static str, schedule: &'static str, does: &'static str) -> KnownJob {
    KnownJob {
        vital: true,
        ..job(name, schedule, does)
    }
}

/// The job of that name.
pub fn known(name: &str) -> Option<&'static KnownJob> {
    JOBS.iter().find(|job| job.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::tz::TimeZone;

    use super::super::schedule::Schedule;
    use super::*;

    #[test]
    fn every_job_has_its_own_name_and_a_schedule_that_fires() {
        let names: BTreeSet<&str> = JOBS.iter().map(|job| job.name).collect();
        assert_eq!(names.len(), JOBS.len());
        for job in JOBS {
            let schedule = Schedule::parse(job.schedule, &TimeZone::UTC);
            assert!(!schedule.unwrap().is_off(), "{}", job.name);
        }
    }
}
