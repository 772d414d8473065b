//! Where WeChat, the database and C4C differ: what a difference is called, and what puts it right.
//!
//! [`judge`] says which difference it is, [`Drift`] how it is told to people, and [`repair`] what rows
//! put it right. Pure: reading the three sides is the work of the job. docs/RECONCILIATION.md tells all
//! of this to operators.

pub mod judge;
mod kinds;
pub mod repair;

use jiff::Timestamp;

use crate::domain::ids::{ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Finding, Follower};
use crate::flows::acted::Act;

pub use kinds::*;
pub use repair::Repair;

/// A difference between the sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// See [`FOLLOWER_WITHOUT_MAPPING`].
    FollowerWithoutMapping {
        /// Who.
        follower: Follower,
        /// When WeChat listed them.
        known_at: Timestamp,
        /// Whether the configuration wants such people brought in.
        import: bool,
    },
    /// See [`FOLLOW_MISSED`].
    FollowMissed {
        /// Who.
        follower: Follower,
        /// When WeChat listed them.
        known_at: Timestamp,
    },
    /// See [`UNFOLLOW_MISSED`].
    UnfollowMissed {
        /// Who.
        follower: Follower,
        /// When the list that lacks them was begun.
        known_at: Timestamp,
    },
    /// See [`OPENID_CHANGED`].
    OpenIdChanged {
        /// Who they were.
        follower: Follower,
        /// Who they are now.
        to: OpenId,
        /// The new OpenID has a customer of its own already.
        taken: bool,
    },
    /// See [`MAPPING_WITHOUT_CUSTOMER`].
    MappingWithoutCustomer(Follower),
    /// See [`CUSTOMER_ELSEWHERE`].
    CustomerElsewhere(Follower),
    /// See [`CUSTOMER_GONE`].
    CustomerGone {
        /// Who stands for it.
        follower: Follower,
        /// The customer.
        object: ObjectId,
    },
    /// See [`WECHAT_ID_REMOVED`].
    WechatIdRemoved {
        /// Who stands for it.
        follower: Follower,
        /// The customer.
        object: ObjectId,
    },
    /// See [`WECHAT_ID_CHANGED`].
    WechatIdChanged {
        /// Who stands for it.
        follower: Follower,
        /// The customer.
        object: ObjectId,
    },
    /// See [`DUPLICATE_CUSTOMERS`].
    DuplicateCustomers {
        /// Whose OpenID they carry.
        follower: Follower,
        /// How many carry it.
        customers: u32,
    },
    /// See [`SHARED_CUSTOMER`].
    SharedCustomer {
        /// The customer.
        object: ObjectId,
        /// How many followers stand for it.
        followers: u32,
    },
    /// See [`SHARED_UNIONID`].
    SharedUnionId {
        /// One of their followers.
        follower: Follower,
        /// The numbers of their customers.
        customers: String,
    },
    /// See [`STALE_SNAPSHOT`].
    StaleSnapshot(ObjectId),
    /// See [`PROFILE_CHANGED`].
    ProfileChanged {
        /// Who.
        follower: Follower,
        /// Across accounts, if it is news.
        unionid: Option<UnionId>,
        /// Their customer, and the name that it lacks.
        name: Option<(ObjectId, String)>,
    },
}

impl Drift {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FollowerWithoutMapping { .. } => FOLLOWER_WITHOUT_MAPPING,
            Self::FollowMissed { .. } => FOLLOW_MISSED,
            Self::UnfollowMissed { .. } => UNFOLLOW_MISSED,
            Self::OpenIdChanged { .. } => OPENID_CHANGED,
            Self::MappingWithoutCustomer(_) => MAPPING_WITHOUT_CUSTOMER,
            Self::CustomerElsewhere(_) => CUSTOMER_ELSEWHERE,
            Self::CustomerGone { .. } => CUSTOMER_GONE,
            Self::WechatIdRemoved { .. } => WECHAT_ID_REMOVED,
            Self::WechatIdChanged { .. } => WECHAT_ID_CHANGED,
            Self::DuplicateCustomers { .. } => DUPLICATE_CUSTOMERS,
            Self::SharedCustomer { .. } => SHARED_CUSTOMER,
            Self::SharedUnionId { .. } => SHARED_UNIONID,
            Self::StaleSnapshot(_) => STALE_SNAPSHOT,
            Self::ProfileChanged { .. } => PROFILE_CHANGED,
        }
    }

    fn follower(&self) -> Option<&Follower> {
        match self {
            Self::FollowerWithoutMapping { follower, .. }
            | Self::FollowMissed { follower, .. }
            | Self::UnfollowMissed { follower, .. }
            | Self::OpenIdChanged { follower, .. }
            | Self::MappingWithoutCustomer(follower)
            | Self::CustomerElsewhere(follower)
            | Self::CustomerGone { follower, .. }
            | Self::WechatIdRemoved { follower, .. }
            | Self::WechatIdChanged { follower, .. }
            | Self::DuplicateCustomers { follower, .. }
            | Self::SharedUnionId { follower, .. }
            | Self::ProfileChanged { follower, .. } => Some(follower),
            Self::SharedCustomer { .. } | Self::StaleSnapshot(_) => None,
        }
    }

    fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::CustomerGone { object, .. }
            | Self::WechatIdRemoved { object, .. }
            | Self::WechatIdChanged { object, .. }
            | Self::SharedCustomer { object, .. }
            | Self::StaleSnapshot(object) => Some(object),
            Self::ProfileChanged { name, .. } => name.as_ref().map(|(object, _)| object),
            _ => None,
        }
    }

    /// What puts it right; `None` when nothing needs to, or when a person must.
    fn repair(&self, tenant: &TenantId) -> Option<Repair> {
        let tenant = tenant.clone();
        let acted = |follower: &Follower, act, known_at: &Timestamp| Repair::Acted {
            follower: follower.clone(),
            act,
            known_at: *known_at,
        };
        Some(match self {
            Self::FollowerWithoutMapping {
                follower,
                known_at,
                import: true,
            }
            | Self::FollowMissed { follower, known_at } => acted(follower, Act::Follow, known_at),
            Self::UnfollowMissed { follower, known_at } => acted(follower, Act::Unfollow, known_at),
            Self::OpenIdChanged {
                follower,
                to,
                taken: false,
            } => Repair::Move {
                follower: follower.clone(),
                tenant,
                to: to.clone(),
            },
            Self::MappingWithoutCustomer(follower) => Repair::Ensure {
                follower: follower.clone(),
                tenant,
            },
            Self::CustomerElsewhere(follower) => Repair::Adopt {
                follower: follower.clone(),
                tenant,
            },
            Self::CustomerGone { object, .. } | Self::StaleSnapshot(object) => Repair::Reread {
                tenant,
                object: object.clone(),
            },
            Self::WechatIdRemoved { follower, object } => Repair::Identify {
                follower: follower.clone(),
                tenant,
                object: object.clone(),
            },
            Self::ProfileChanged {
                follower,
                unionid,
                name,
            } => Repair::Describe {
                follower: follower.clone(),
                tenant,
                unionid: unionid.clone(),
                name: name.clone(),
            },
            _ => return None,
        })
    }
}

/// The finding of one difference.
pub fn finding(drift: &Drift, tenant: &TenantId, job_run_id: i64) -> Finding {
    let repair = drift.repair(tenant);
    let state = match (&repair, drift) {
        (Some(_), _) | (None, Drift::FollowerWithoutMapping { .. }) => "found",
        (None, _) => "for_person",
    };
    Finding {
        job_run_id,
        kind: drift.kind(),
        account: drift.follower().map(|follower| follower.account.clone()),
        tenant: Some(tenant.clone()),
        openid: drift.follower().map(|follower| follower.openid.clone()),
        object_id: drift.object().cloned(),
        detail: drift.detail(),
        state,
        repair: repair.map(|repair| repair.to_json()),
    }
}
