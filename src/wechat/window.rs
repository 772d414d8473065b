//! The send window: what a follower's act allows the account to send (wechat.md 4.1).
//!
//! The reference leaves open (13.2) whether acts share one allowance or have one each. Both
//! readings are served by being careful: a send counts in **every** live grant, and what may still
//! be sent is what the best single live grant has left. Under one shared allowance the platform
//! has at least that much left, because a new act never lowers it; under separate ones too, because
//! the platform took each send from one of them only.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// Taken off every window: a send that leaves in its last moment arrives after it.
pub const SAFETY: SignedDuration = SignedDuration::from_secs(5);

/// The most that any act allows; a text of more pieces can never be sent whole.
pub const MAX_SENDS: u32 = 5;

/// What opened a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantTrigger {
    /// A message of any kind.
    Message,
    /// A menu button of type click or scancode, or a tapped `msgmenu` item.
    Menu,
    /// A follow.
    Follow,
    /// A follower scanned a parametric QR code.
    Scan,
}

impl GrantTrigger {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Message, Self::Menu, Self::Follow, Self::Scan];

    /// The one word for SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Menu => "menu",
            Self::Follow => "follow",
            Self::Scan => "scan",
        }
    }

    /// How many messages it allows.
    pub fn allowed(self) -> u32 {
        match self {
            Self::Message => MAX_SENDS,
            Self::Menu | Self::Follow | Self::Scan => 3,
        }
    }

    /// For how long, as the platform counts.
    pub fn limit(self) -> SignedDuration {
        match self {
            Self::Message => SignedDuration::from_hours(48),
            Self::Menu | Self::Follow | Self::Scan => SignedDuration::from_mins(1),
        }
    }
}

impl fmt::Display for GrantTrigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GrantTrigger {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|trigger| trigger.as_str() == word)
            .ok_or_else(|| format!("`{word}` opens no send window"))
    }
}

/// A window that one act opened. A newer act of the same trigger takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What opened it.
    pub trigger: GrantTrigger,
    /// When, as carefully as can be told.
    pub granted_at: Timestamp,
    /// The first instant at which it is closed.
    pub valid_until: Timestamp,
    /// How many messages it allows.
    pub allowed: u32,
    /// How many were sent since, uncertain ones included.
    pub used: u32,
}

impl Grant {
    /// The window that an act opens: from the earlier of the platform's CreateTime and our receipt,
    /// so that neither a late push nor a wrong clock of ours lengthens it.
    pub fn new(trigger: GrantTrigger, created: Timestamp, received: Timestamp) -> Self {
        let granted_at = created.min(received);
        Self {
            trigger,
            granted_at,
            valid_until: granted_at
                .saturating_add(trigger.limit() - SAFETY)
                .unwrap_or(granted_at),
            allowed: trigger.allowed(),
            used: 0,
        }
    }

    /// Whether it is open at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.valid_until
    }

    /// What it has left, open or not.
    pub fn left(&self) -> u32 {
        self.allowed.saturating_sub(self.used)
    }
}

/// How many messages may be sent to a follower now; `None` if none.
pub fn may_send(grants: &[Grant], now: Timestamp) -> Option<u32> {
    grants
        .iter()
        .filter(|grant| grant.is_live(now))
        .map(Grant::left)
        .max()
        .filter(|left| *left > 0)
}

#[cfg(test)]
mod tests;
