//! When something is too much, each with its reason. Pairs are: from here a warning, from here a failure.

use std::time::Duration;

use jiff::SignedDuration;

const MIB: u64 = 1024 * 1024;

/// SQLite empties its log at 4 MiB; 64 say that a reader holds it open, and a gigabyte makes each start
/// slow and the disk full.
const WAL: [u64; 2] = [64 * MIB, 1024 * MIB];

/// Empty pages are used again; so much of them is worth a VACUUM.
const FREE_PAGES: u64 = 512 * MIB;

/// A database of a million messages has about a gigabyte, and a copy before a migration needs as much
/// again; when 200 MiB are left, a day of pictures fills them and pushes are refused.
const DISK_BYTES: [u64; 2] = [1024 * MIB, 200 * MIB];

/// Each medium is a file, a busy day brings some thousand.
const DISK_FILES: [u64; 2] = [10_000, 1_000];

/// A push waits for one sync, and WeChat for five seconds. Disks of VMs take some milliseconds.
const SYNC: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// Send windows end five seconds early; tokens are fetched four minutes before their end.
const SKEW: [SignedDuration; 2] = [SignedDuration::from_secs(30), SignedDuration::from_mins(4)];

/// What is due is tried within seconds, unless its remote is paused.
const DUE: [SignedDuration; 2] = [SignedDuration::from_mins(5), SignedDuration::from_hours(1)];

/// The timetable looks every five seconds.
const JOB_LATE: SignedDuration = SignedDuration::from_mins(10);

/// Moments of its schedule that passed without a backup, or a sound trial of one: at the second the first
/// has surely been missed, and after a week of nights somebody relies on what is not there.
const BACKUPS_MISSED: [usize; 2] = [2, 7];

/// The same where no backup was ever made, or none is left. The first may be under way.
const FIRST_BACKUP_MISSED: [usize; 2] = [1, 2];

/// A person waits for it. A disk reads some gigabytes in that time.
const QUICK_CHECK: Duration = Duration::from_secs(20);

/// Of a day's calls.
const QUOTA_LEFT_PERCENT: [i64; 2] = [10, 0];

/// Of what arrived lately. WeChat delivers a push again when it was not answered in five seconds.
const SUPPRESSED_PERCENT: i64 = 10;

/// Fewer than these arrivals say nothing about a share of them.
const FEW_ARRIVALS: i64 = 50;

/// All limits. Tests set them so that what is there is too much.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the write-ahead log.
    pub wal: [u64; 2],
    /// Bytes of empty pages.
    pub free_pages: u64,
    /// Bytes that are left on the disk.
    pub disk_bytes: [u64; 2],
    /// Files that may still be made.
    pub disk_files: [u64; 2],
    /// How long a sync takes.
    pub sync: [Duration; 2],
    /// How far our clock and theirs are apart.
    pub skew: [SignedDuration; 2],
    /// How long the oldest due effect has waited.
    pub due: [SignedDuration; 2],
    /// How late a job is.
    pub job_late: SignedDuration,
    /// How often a backup, or a sound trial of one, was missed.
    pub backups_missed: [usize; 2],
    /// How often a backup was missed where there is none.
    pub first_backup_missed: [usize; 2],
    /// How long the file is looked through.
    pub quick_check: Duration,
    /// What is left of a day's calls, in percent.
    pub quota_left: [i64; 2],
    /// Suppressed pushes, in percent.
    pub suppressed: i64,
    /// Arrivals below which that share is not looked at.
    pub few_arrivals: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wal: WAL,
            free_pages: FREE_PAGES,
            disk_bytes: DISK_BYTES,
            disk_files: DISK_FILES,
            sync: SYNC,
            skew: SKEW,
            due: DUE,
            job_late: JOB_LATE,
            backups_missed: BACKUPS_MISSED,
            first_backup_missed: FIRST_BACKUP_MISSED,
            quick_check: QUICK_CHECK,
            quota_left: QUOTA_LEFT_PERCENT,
            suppressed: SUPPRESSED_PERCENT,
            few_arrivals: FEW_ARRIVALS,
        }
    }
}
