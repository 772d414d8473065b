//! Every series that `/metrics` shows: name, type, unit, labels and help, in one list.
//!
//! The code counts under these names only, and `docs/METRICS.md`, the alert rules and the board in
//! `deploy/` are held against this list by tests. Labels take few values: words of the code, and
//! what the configuration names. No OpenID, no id, nothing that somebody says.

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows; starts at 0 with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// Prometheus' word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series {
    /// The name; it ends in the unit, and of a counter in `_total`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What is counted: `seconds`, `bytes`, or the things themselves.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// A sentence.
    pub help: &'static str,
}

/// A truth as the value of a label, without a copy.
pub fn truth(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}

/// A commit takes milliseconds; a stalled disk is reported to senders at 4.5 s.
const COMMIT_BOUNDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Up to the largest batch of the writer.
const BATCH_BOUNDS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

/// WeChat answers in tens of milliseconds, C4C in about two seconds; files take up to 90.
const CALL_BOUNDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

macro_rules! series {
    ($($word:ident $name:literal $kind:expr, $unit:literal, [$($label:literal),*], $help:literal;)+) => {
        $(#[doc = $help] pub const $word: &str = $name;)+

        /// All of them, in the order of the documents.
        pub const ALL: &[Series] = &[$(Series {
            name: $name,
            kind: $kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        }),+];
    };
}

series! {
    BUILD_INFO "qiao_build_info" Kind::Gauge, "1", ["version"],
        "Always 1; the label is the version that runs.";

    PUSHES "qiao_pushes_total" Kind::Counter, "pushes", ["kind"],
        "Authenticated pushes of WeChat by kind, repetitions included; rare kinds beyond 64 share `other`.";
    NOTIFICATIONS "qiao_notifications_total" Kind::Counter, "notifications", ["kind", "new"],
        "Notifications of C4C by variant, and whether they were new.";
    REPLIES "qiao_replies_total" Kind::Counter, "answers", ["new"],
        "Agents' answers, and whether they were new.";
    REFUSED "qiao_refused_total" Kind::Counter, "requests", ["side", "reason"],
        "HTTP requests that were refused, by who sent them and why.";
    SIGN_INS "qiao_sign_ins_total" Kind::Counter, "logins", ["outcome"],
        "Followers who came to open a page, and how that ended.";

    COMMIT_SECONDS "qiao_commit_seconds" Kind::Histogram(COMMIT_BOUNDS), "seconds", [],
        "How long the group commits of the writer took, the sync to disk included.";
    COMMIT_REQUESTS "qiao_commit_requests" Kind::Histogram(BATCH_BOUNDS), "requests", [],
        "How many requests shared a group commit.";
    DATABASE_BYTES "qiao_database_bytes" Kind::Gauge, "bytes", ["file"],
        "Size of the database file (`main`) and of its write-ahead log (`wal`).";

    OUTBOX_ROWS "qiao_outbox_rows" Kind::Gauge, "effects", ["state"],
        "Effects that wait or run (`open`), are held (`held`) or are dead letters (`dead`).";
    OUTBOX_HELD_ROWS "qiao_outbox_held_rows" Kind::Gauge, "effects", ["reason"],
        "Held effects by the reason that they are held for.";
    OUTBOX_OLDEST_DUE "qiao_outbox_oldest_due_seconds" Kind::Gauge, "seconds", ["effect"],
        "How long the oldest effect of each name that could run has been due; 0 when none is.";
    ATTEMPTS "qiao_attempts_total" Kind::Counter, "attempts", ["effect", "verdict"],
        "Attempts by effect and verdict; `done` for those that did not fail.";
    WINDOW_REFUSALS "qiao_send_window_refusals_total" Kind::Counter, "sends", ["by", "then"],
        "Sends that no send window carried: who said so (`qiao` or `wechat`), and what was done then.";

    REMOTE_PAUSED "qiao_remote_paused" Kind::Gauge, "1", ["remote"],
        "1 while the gate of the remote is closed or it is in planned maintenance, else 0.";
    REMOTE_PAUSED_SINCE "qiao_remote_paused_since_timestamp_seconds" Kind::Gauge, "seconds", ["remote"],
        "When the gate of the remote closed, in seconds since 1970; 0 while it is not closed.";
    REMOTE_RUNNING "qiao_remote_running" Kind::Gauge, "attempts", ["remote"],
        "Attempts under way at the remote.";
    TOKEN_AGE "qiao_token_age_seconds" Kind::Gauge, "seconds", ["account"],
        "How long ago the access_token of the account was fetched.";
    TOKEN_EXPIRES "qiao_token_expires_seconds" Kind::Gauge, "seconds", ["account"],
        "How long the access_token of the account is still good; negative once it is not.";

    C4C_CALL_SECONDS "qiao_c4c_call_seconds" Kind::Histogram(CALL_BOUNDS), "seconds", ["call", "status"],
        "Calls to C4C by verb and entity set, and by class of status; `none` when no answer came.";
    WECHAT_CALL_SECONDS "qiao_wechat_call_seconds" Kind::Histogram(CALL_BOUNDS), "seconds", ["call", "status"],
        "Calls to WeChat by what is asked, and by class of status; `none` when no answer came.";
    HOOK_CALL_SECONDS "qiao_hook_call_seconds" Kind::Histogram(CALL_BOUNDS), "seconds", ["status"],
        "Calls to answer hooks by class of status; `none` when no answer came.";

    JOB_RUNS "qiao_job_runs_total" Kind::Counter, "runs", ["job", "outcome"],
        "Runs of scheduled jobs by outcome.";
    JOB_LAST_SUCCESS "qiao_job_last_success_seconds" Kind::Gauge, "seconds", ["job"],
        "How long ago the last run of each job that succeeded ended; absent while none has.";
    BACKUP_AGE "qiao_backup_age_seconds" Kind::Gauge, "seconds", [],
        "Age of the newest backup that stands; NaN while there is none.";
    RESTORE_DRILL_AGE "qiao_restore_drill_age_seconds" Kind::Gauge, "seconds", [],
        "How long ago a restore drill last found a backup sound; NaN while none has.";
    BACKUPS_DAMAGED "qiao_backups_damaged" Kind::Gauge, "backups", [],
        "Backups that stand and that a restore drill found damaged.";
}
