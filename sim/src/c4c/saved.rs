//! What a save changed, for those who must be told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::customer::Change;

/// The business objects whose changes are notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Business {
    /// An individual customer.
    Customer,
    /// A ticket.
    ServiceRequest,
    /// A social media message.
    SocialMediaActivity,
}

/// What happened to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is new.
    Created,
    /// A field differs, or a node below it does.
    Updated,
    /// It is gone.
    Deleted,
}

/// A save that changed something.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Of which kind the object is.
    pub object: Business,
    /// Whose root.
    pub object_id: String,
    /// What happened.
    pub event: Event,
    /// The fields of the root that differ, derived ones left out.
    pub changes: Vec<Change>,
    /// Who saved.
    pub user: String,
    /// When.
    pub at: Timestamp,
}
