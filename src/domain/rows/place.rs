//! Rows about where followers are.

use jiff::Timestamp;

use super::Follower;
use crate::domain::place::Place;

/// A row of `location`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLocation {
    /// Who.
    pub follower: Follower,
    /// Where.
    pub place: Place,
    /// Metres by which that may be wrong; of an event.
    pub accuracy: Option<f64>,
    /// The address that a message has.
    pub label: Option<String>,
    /// The message that it is; `None` for an event.
    pub message_id: Option<i64>,
    /// The sender's clock.
    pub at: Timestamp,
}
