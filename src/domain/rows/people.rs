//! Rows about followers and their customers: who is who, what may be sent, what a customer was.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Follower;
use crate::domain::ids::{CustomerId, ObjectId, TenantId, UnionId};

/// The state of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MappingState {
    /// Known, no customer yet.
    Pending,
    /// Stands for a customer.
    Linked,
    /// Several customers claim it; a person must choose.
    Conflict,
    /// Left.
    Unfollowed,
    /// Its customer is gone or obsolete in C4C.
    Obsolete,
}

impl MappingState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Linked,
        Self::Conflict,
        Self::Unfollowed,
        Self::Obsolete,
    ];

    /// The word in `mapping.state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Linked => "linked",
            Self::Conflict => "conflict",
            Self::Unfollowed => "unfollowed",
            Self::Obsolete => "obsolete",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A change of a row of `mapping`; `None` leaves what stands there.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingChange {
    /// Who.
    pub follower: Follower,
    /// Where their customer lives.
    pub tenant: TenantId,
    /// The new state.
    pub state: MappingState,
    /// Overwrites a state of `unfollowed`. Only a newer follow or act of the follower may.
    pub returned: bool,
    /// A word why, for states that need one.
    pub reason: Option<String>,
    /// Across accounts of one owner.
    pub unionid: Option<UnionId>,
    /// The customer.
    pub customer: Option<(ObjectId, CustomerId)>,
    /// Of the QR code.
    pub scene: Option<String>,
    /// By which the customer is named now.
    pub name: Option<String>,
    /// CreateTime of the follow or unfollow.
    pub followed_at: Option<Timestamp>,
    /// Since when they are linked, where that was before now.
    pub linked_at: Option<Timestamp>,
}

impl MappingChange {
    /// A change of state alone.
    pub fn to(follower: Follower, tenant: TenantId, state: MappingState) -> Self {
        Self {
            follower,
            tenant,
            state,
            returned: false,
            reason: None,
            unionid: None,
            customer: None,
            scene: None,
            name: None,
            followed_at: None,
            linked_at: None,
        }
    }
}

/// A row of `send_window`, replacing the follower's grant of the same trigger if it is newer.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGrant {
    /// Whose act.
    pub follower: Follower,
    /// `message`, `menu`, `follow` or `scan`.
    pub trigger: &'static str,
    /// When the act happened.
    pub granted_at: Timestamp,
    /// Until when we may send.
    pub valid_until: Timestamp,
    /// How many messages.
    pub allowed: u32,
}

/// A follower's send windows are gone: WeChat says so, or the follower left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowClosed {
    /// Whose.
    pub follower: Follower,
    /// Those granted until then. What the follower does after a send has begun grants anew.
    pub until: Timestamp,
}

/// A row of `customer_snapshot`.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// In which tenant.
    pub tenant: TenantId,
    /// Which customer.
    pub object_id: ObjectId,
    /// The watched fields.
    pub fields: BTreeMap<String, String>,
    /// C4C's concurrency stamp.
    pub etag: Option<String>,
    /// EntityLastChangedOn.
    pub changed_at: Option<Timestamp>,
}

/// A row of `erasure`: everything that is known of a person is to go. One that waits already stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErasure {
    /// Whom.
    pub follower: Follower,
    /// Why.
    pub cause: ErasureCause,
    /// Not before this instant.
    pub not_before: Timestamp,
    /// Whether C4C's customer is made obsolete, too.
    pub obsolete_customer: bool,
}

/// Who wants a person erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureCause {
    /// An operator: for the person themselves, most often.
    Operator,
    /// They left an account whose `on_unfollow` is `erase`.
    Unfollow,
}

impl ErasureCause {
    /// The word in `erasure.cause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Unfollow => "unfollow",
        }
    }
}
