//! How an attempt can end: six verdicts, one word each in code, SQL, logs and documents.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a failed attempt means for its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It will pass by itself: try again after a wait.
    Transient,
    /// The far side asks for a slower pace: defer, without counting a try.
    Throttled,
    /// Credentials are refused: repair them or pause the remote, without counting a try.
    Auth,
    /// WeChat's send window is closed: fall back or hold.
    Window,
    /// It will never work like this: dead, or dropped when nobody is harmed.
    Permanent,
    /// Nobody knows whether it happened: look, then decide.
    Uncertain,
}

impl Verdict {
    /// All six, in the order of `design.md` 4.
    pub const ALL: [Self; 6] = [
        Self::Transient,
        Self::Throttled,
        Self::Auth,
        Self::Window,
        Self::Permanent,
        Self::Uncertain,
    ];

    /// The one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Auth => "auth",
            Self::Window => "window",
            Self::Permanent => "permanent",
            Self::Uncertain => "uncertain",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|v| v.as_str() == word)
            .ok_or_else(|| format!("`{word}` is none of the six verdicts"))
    }
}

/// A whole remote (an account, a tenant) is in trouble: close its gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Short and stable, for `/readyz`, logs and metrics: `unauthorized`, `ip_not_allowed` …
    pub reason: &'static str,
    /// How long to wait before one probe is let through.
    pub probe_after: Duration,
    /// Each probe does harm (a wrong log-in brings a user nearer to its lock), so after each that
    /// failed the next waits twice as long.
    pub backs_off: bool,
}

/// A failed attempt, told so that the engine can decide and a person can act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub verdict: Verdict,
    /// A sentence with cause and remedy; no secret, no message body, no whole OpenID.
    pub message: String,
    /// The wait that the far side asked for.
    pub retry_after: Option<Duration>,
    /// Set when the trouble is the remote's, not this effect's.
    pub pause: Option<Pause>,
}

impl Failure {
    /// A failure of this one effect.
    pub fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            verdict,
            message: message.into(),
            retry_after: None,
            pause: None,
        }
    }
}
