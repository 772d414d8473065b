//! `[retention]`: for how long each kind of rows is kept.

use jiff::SignedDuration;

/// How long each kind is kept; `None` for ever. What is open, waits, is held or dead stays in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// `messages`: what was said, with its media, its words in the search and its conversations.
    pub messages: Option<SignedDuration>,
    /// `locations`: where followers were.
    pub locations: Option<SignedDuration>,
    /// `inbox`: pushes and notifications as they came.
    pub inbox: Option<SignedDuration>,
    /// `attempts`: settled effects, each with its attempts.
    pub attempts: Option<SignedDuration>,
    /// `findings` of reconciliation.
    pub findings: Option<SignedDuration>,
    /// `job_runs`: runs of jobs, apart from each one's last.
    pub job_runs: Option<SignedDuration>,
}
