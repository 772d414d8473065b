//! What a run looks at, one after the other: first WeChat, then C4C, then where they differ.

use std::fmt;

use crate::config::Config;
use crate::domain::ids::{AccountId, TenantId};
use crate::flows::reconcile::{
    CUSTOMER_ELSEWHERE, CUSTOMER_GONE, DUPLICATE_CUSTOMERS, FOLLOW_MISSED,
    FOLLOWER_WITHOUT_MAPPING, MAPPING_WITHOUT_CUSTOMER, OPENID_CHANGED, PROFILE_CHANGED,
    SHARED_CUSTOMER, SHARED_UNIONID, STALE_SNAPSHOT, UNFOLLOW_MISSED, WECHAT_ID_CHANGED,
    WECHAT_ID_REMOVED,
};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// The account's list of followers is read.
    Followers(AccountId),
    /// The tenant's WeChat IDs are read, if they live in a service of their own.
    Carried(TenantId),
    /// The tenant's customers are read.
    Customers(TenantId),
    /// Mapped, and not in the list.
    Absent(AccountId),
    /// In the list, and not mapped.
    Unknown(AccountId),
    /// Mappings against customers.
    Mapped(AccountId),
    /// What WeChat tells of each follower.
    Profiles(AccountId),
    /// One customer, several followers of one account.
    Shared(TenantId),
    /// One person, several customers.
    UnionIds(TenantId),
    /// Customers that changed lately.
    Stale(TenantId),
}

/// Kinds that need to know who carries which WeChat ID.
const OF_CUSTOMERS: [&str; 7] = [
    FOLLOWER_WITHOUT_MAPPING,
    CUSTOMER_ELSEWHERE,
    DUPLICATE_CUSTOMERS,
    MAPPING_WITHOUT_CUSTOMER,
    CUSTOMER_GONE,
    WECHAT_ID_REMOVED,
    WECHAT_ID_CHANGED,
];

impl Stage {
    /// All of a configuration, in order.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        let accounts = |stage: fn(AccountId) -> Self| config.wechat.keys().cloned().map(stage);
        let tenants = |stage: fn(TenantId) -> Self| config.c4c.keys().cloned().map(stage);
        accounts(Self::Followers)
            .chain(tenants(Self::Carried))
            .chain(tenants(Self::Customers))
            .chain(accounts(Self::Absent))
            .chain(accounts(Self::Unknown))
            .chain(accounts(Self::Mapped))
            .chain(accounts(Self::Profiles))
            .chain(tenants(Self::Shared))
            .chain(tenants(Self::UnionIds))
            .chain(tenants(Self::Stale))
            .collect()
    }

    /// The kinds that it finds, or for which it must have been.
    pub(super) fn kinds(&self) -> &'static [&'static str] {
        match self {
            Self::Followers(_) => &[
                UNFOLLOW_MISSED,
                OPENID_CHANGED,
                FOLLOWER_WITHOUT_MAPPING,
                FOLLOW_MISSED,
                CUSTOMER_ELSEWHERE,
                DUPLICATE_CUSTOMERS,
                PROFILE_CHANGED,
            ],
            Self::Carried(_) | Self::Customers(_) | Self::Mapped(_) => &OF_CUSTOMERS,
            Self::Absent(_) => &[UNFOLLOW_MISSED, OPENID_CHANGED],
            Self::Unknown(_) => &[
                FOLLOWER_WITHOUT_MAPPING,
                FOLLOW_MISSED,
                CUSTOMER_ELSEWHERE,
                DUPLICATE_CUSTOMERS,
            ],
            Self::Profiles(_) => &[PROFILE_CHANGED],
            Self::Shared(_) => &[SHARED_CUSTOMER],
            Self::UnionIds(_) => &[SHARED_UNIONID],
            Self::Stale(_) => &[STALE_SNAPSHOT],
        }
    }
}

/// As it stands in `job_run.resume`.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Followers(id) => write!(f, "followers:{id}"),
            Self::Carried(id) => write!(f, "wechat_ids:{id}"),
            Self::Customers(id) => write!(f, "customers:{id}"),
            Self::Absent(id) => write!(f, "absent:{id}"),
            Self::Unknown(id) => write!(f, "unknown:{id}"),
            Self::Mapped(id) => write!(f, "mapped:{id}"),
            Self::Profiles(id) => write!(f, "profiles:{id}"),
            Self::Shared(id) => write!(f, "shared:{id}"),
            Self::UnionIds(id) => write!(f, "unionids:{id}"),
            Self::Stale(id) => write!(f, "{STALE_SNAPSHOT}:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::reconcile::KINDS;

    #[test]
    fn every_kind_is_looked_for() {
        let (account, tenant) = (AccountId::new("a"), TenantId::new("t"));
        let finding = [
            Stage::Absent(account.clone()),
            Stage::Unknown(account.clone()),
            Stage::Mapped(account.clone()),
            Stage::Profiles(account),
            Stage::Shared(tenant.clone()),
            Stage::UnionIds(tenant.clone()),
            Stage::Stale(tenant),
        ];
        for kind in KINDS {
            assert!(
                finding.iter().any(|stage| stage.kinds().contains(&kind)),
                "{kind}"
            );
        }
    }
}
