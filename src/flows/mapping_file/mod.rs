//! Mapping files: who is who as CSV or JSON Lines, one mapping a line, the columns by name.
//!
//! It knows what a line may say and how it is read and written; it opens no file and asks nobody. What a line
//! means for the database is said by [`super::link`]. Start reading at [`Line`], then [`Reader`].

mod entry;
mod read;
mod write;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use entry::{Entry, Known};
pub use read::{MAX_LINE, Numbered, Reader};
pub use write::Writer;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 12] = [
    "account",
    "openid",
    "unionid",
    "tenant",
    "customer_id",
    "object_id",
    "state",
    "reason",
    "name",
    "scene",
    "followed_at",
    "linked_at",
];

/// How a mapping file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a header; quotes as RFC 4180 has them, but no line break inside a field.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// What one line says, as text: an empty field is one that is not there.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// `[wechat.ACCOUNT]`
    pub account: Option<String>,
    /// Who they are there.
    pub openid: Option<String>,
    /// Across accounts.
    pub unionid: Option<String>,
    /// `[c4c.TENANT]`; that of the account if it is not said.
    pub tenant: Option<String>,
    /// The customer's number.
    pub customer_id: Option<String>,
    /// The customer's key.
    pub object_id: Option<String>,
    /// `linked` if it is not said.
    pub state: Option<String>,
    /// As in `mapping.reason`.
    pub reason: Option<String>,
    /// As in `mapping.name`.
    pub name: Option<String>,
    /// As in `mapping.scene`.
    pub scene: Option<String>,
    /// RFC 3339.
    pub followed_at: Option<String>,
    /// RFC 3339.
    pub linked_at: Option<String>,
}

impl fmt::Debug for Line {
    /// It says who somebody is, so nothing of it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

/// The longest values, in bytes: what is longer is no value of either platform. Export cuts what a
/// person once wrote into the database by hand, so that all that was exported can be imported.
mod longest {
    /// OpenIDs have 28 characters (wechat.md 0).
    pub(super) const WECHAT_ID: usize = 64;
    /// CustomerIDs have ten digits; other number ranges are possible (c4c.md 2.1).
    pub(super) const CUSTOMER_ID: usize = 60;
    /// WeChat's `scene_str` has 64 characters.
    pub(super) const SCENE: usize = 256;
    /// A remark has 30 characters.
    pub(super) const NAME: usize = 256;
    /// A sentence, or the numbers of customers that claim a follower.
    pub(super) const REASON: usize = 1024;
}

#[cfg(test)]
mod tests;
