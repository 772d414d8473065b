//! What reconciliation makes of a difference: a finding, and a repair that is an ordinary bulk
//! row of the outbox.

use jiff::Timestamp;

use super::{contact, refresh};
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{
    Cancel, Changes, Finding, Follower, MappingChange, MappingState, Priority, WindowClosed,
};

/// A follower whom no mapping knows.
pub const FOLLOWER_WITHOUT_MAPPING: &str = "follower_without_mapping";

/// A mapping that waits for a customer which nobody is looking for.
pub const MAPPING_WITHOUT_CUSTOMER: &str = "mapping_without_customer";

/// A mapping of somebody who does not follow any more.
pub const UNFOLLOW_MISSED: &str = "unfollow_missed";

/// A customer that changed without our being told.
pub const STALE_SNAPSHOT: &str = "stale_snapshot";

/// All kinds, in the order in which they are looked for.
pub const KINDS: [&str; 4] = [
    FOLLOWER_WITHOUT_MAPPING,
    UNFOLLOW_MISSED,
    MAPPING_WITHOUT_CUSTOMER,
    STALE_SNAPSHOT,
];

/// A difference between two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// See [`FOLLOWER_WITHOUT_MAPPING`].
    FollowerWithoutMapping {
        /// Who.
        follower: Follower,
        /// Whether the configuration wants such people brought in.
        import: bool,
    },
    /// See [`MAPPING_WITHOUT_CUSTOMER`].
    MappingWithoutCustomer(Follower),
    /// See [`UNFOLLOW_MISSED`].
    UnfollowMissed(Follower),
    /// See [`STALE_SNAPSHOT`].
    StaleSnapshot(ObjectId),
}

impl Drift {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FollowerWithoutMapping { .. } => FOLLOWER_WITHOUT_MAPPING,
            Self::MappingWithoutCustomer(_) => MAPPING_WITHOUT_CUSTOMER,
            Self::UnfollowMissed(_) => UNFOLLOW_MISSED,
            Self::StaleSnapshot(_) => STALE_SNAPSHOT,
        }
    }

    fn follower(&self) -> Option<&Follower> {
        match self {
            Self::FollowerWithoutMapping { follower, .. }
            | Self::MappingWithoutCustomer(follower)
            | Self::UnfollowMissed(follower) => Some(follower),
            Self::StaleSnapshot(_) => None,
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::FollowerWithoutMapping { import: true, .. } => {
                "follows the account and is not known; becomes a customer"
            }
            Self::FollowerWithoutMapping { import: false, .. } => {
                "follows the account and is not known; becomes a customer on contact \
                 (existing_followers)"
            }
            Self::MappingWithoutCustomer(_) => "waits for a customer and nothing is under way",
            Self::UnfollowMissed(_) => "does not follow any more, and no push said so",
            Self::StaleSnapshot(_) => "changed in C4C, and no notification said so",
        }
    }
}

/// The rows of one difference; its repair only with `apply`. `known_at` is when the platform was
/// asked: what a follower did after that is newer than the difference.
pub fn record(
    drift: &Drift,
    tenant: &TenantId,
    job_run_id: i64,
    apply: bool,
    known_at: Timestamp,
) -> Changes {
    let repair = repair(drift, tenant, known_at).filter(|_| apply);
    let finding = Finding {
        job_run_id,
        kind: drift.kind(),
        account: drift.follower().map(|follower| follower.account.clone()),
        tenant: Some(tenant.clone()),
        openid: drift.follower().map(|follower| follower.openid.clone()),
        object_id: match drift {
            Drift::StaleSnapshot(object) => Some(object.clone()),
            _ => None,
        },
        detail: drift.detail().to_owned(),
        state: if repair.is_some() {
            "repairing"
        } else {
            "found"
        },
    };
    let mut changes = repair.unwrap_or_default();
    changes.findings.push(finding);
    changes
}

fn repair(drift: &Drift, tenant: &TenantId, known_at: Timestamp) -> Option<Changes> {
    let to =
        |follower: &Follower, state| MappingChange::to(follower.clone(), tenant.clone(), state);
    Some(match drift {
        Drift::FollowerWithoutMapping { import: false, .. } => return None,
        Drift::FollowerWithoutMapping { follower, .. } => Changes {
            mappings: vec![MappingChange {
                returned: true,
                followed_at: Some(known_at),
                ..to(follower, MappingState::Pending)
            }],
            effects: vec![contact::ensure(follower, tenant, Priority::Bulk, false)],
            ..Changes::none()
        },
        Drift::MappingWithoutCustomer(follower) => Changes {
            effects: vec![contact::ensure(follower, tenant, Priority::Bulk, false)],
            ..Changes::none()
        },
        Drift::UnfollowMissed(follower) => Changes {
            mappings: vec![MappingChange {
                followed_at: Some(known_at),
                ..to(follower, MappingState::Unfollowed)
            }],
            window_closed: vec![WindowClosed {
                follower: follower.clone(),
                until: known_at,
            }],
            cancels: vec![Cancel {
                lane: follower.send_lane(),
                reason: "the follower left",
            }],
            ..Changes::none()
        },
        Drift::StaleSnapshot(object) => Changes {
            effects: vec![refresh::reread(tenant, object, Priority::Bulk)],
            ..Changes::none()
        },
    })
}
