//! The kinds of differences: their names, and the sentences in which they are told.

use super::Drift;

/// A follower whom no mapping knows and no customer carries.
pub const FOLLOWER_WITHOUT_MAPPING: &str = "follower_without_mapping";

/// Somebody follows whose mapping says that they left.
pub const FOLLOW_MISSED: &str = "follow_missed";

/// A mapping of somebody who does not follow any more.
pub const UNFOLLOW_MISSED: &str = "unfollow_missed";

/// The account was migrated, and a follower has another OpenID since (wechat.md 5).
pub const OPENID_CHANGED: &str = "openid_changed";

/// A mapping that waits for a customer which nobody is looking for.
pub const MAPPING_WITHOUT_CUSTOMER: &str = "mapping_without_customer";

/// C4C has exactly one customer for a follower who is not linked to it.
pub const CUSTOMER_ELSEWHERE: &str = "customer_elsewhere";

/// The customer of a link was deleted, or is obsolete.
pub const CUSTOMER_GONE: &str = "customer_gone";

/// The customer of a link carries no WeChat ID any more.
pub const WECHAT_ID_REMOVED: &str = "wechat_id_removed";

/// The customer of a link carries another WeChat ID, or another customer carries the follower's.
pub const WECHAT_ID_CHANGED: &str = "wechat_id_changed";

/// Several customers carry the WeChat ID of one follower.
pub const DUPLICATE_CUSTOMERS: &str = "duplicate_customers";

/// Several followers of one account stand for one customer.
pub const SHARED_CUSTOMER: &str = "shared_customer";

/// One person, by their UnionID, follows several accounts and is several customers.
pub const SHARED_UNIONID: &str = "shared_unionid";

/// A customer that changed without our being told.
pub const STALE_SNAPSHOT: &str = "stale_snapshot";

/// WeChat tells a UnionID or a name that we do not have.
pub const PROFILE_CHANGED: &str = "profile_changed";

/// All kinds, in the order in which they are looked for.
pub const KINDS: [&str; 14] = [
    UNFOLLOW_MISSED,
    OPENID_CHANGED,
    FOLLOWER_WITHOUT_MAPPING,
    FOLLOW_MISSED,
    CUSTOMER_ELSEWHERE,
    DUPLICATE_CUSTOMERS,
    MAPPING_WITHOUT_CUSTOMER,
    CUSTOMER_GONE,
    WECHAT_ID_REMOVED,
    WECHAT_ID_CHANGED,
    PROFILE_CHANGED,
    SHARED_CUSTOMER,
    SHARED_UNIONID,
    STALE_SNAPSHOT,
];

impl Drift {
    /// A sentence for people: what is the matter, and of what only they can solve what to do.
    pub(super) fn detail(&self) -> String {
        let told = match self {
            Self::FollowerWithoutMapping { import: true, .. } => {
                "follows the account and is not known; becomes a customer"
            }
            Self::FollowerWithoutMapping { import: false, .. } => {
                "follows the account and is not known; becomes a customer on contact \
                 (existing_followers)"
            }
            Self::FollowMissed { .. } => "follows again, and no push said so",
            Self::UnfollowMissed { .. } => "does not follow any more, and no push said so",
            Self::OpenIdChanged { taken: false, .. } => {
                "has another OpenID since the account was migrated"
            }
            Self::OpenIdChanged {
                taken: true, to, ..
            } => {
                return format!(
                    "has another OpenID since the account was migrated, {}, which got a customer of \
                     its own before: merge the two in C4C and make the old one obsolete",
                    to.as_str()
                );
            }
            Self::MappingWithoutCustomer(_) => "waits for a customer and nothing is under way",
            Self::CustomerElsewhere(_) => "exactly one customer in C4C carries their OpenID",
            Self::CustomerGone { .. } => "the customer was deleted or made obsolete in C4C",
            Self::WechatIdRemoved { .. } => "the customer carries no WeChat ID any more",
            Self::WechatIdChanged { .. } => {
                "the WeChat ID stands at another customer, or this one carries another's: correct the \
                 field in C4C"
            }
            Self::DuplicateCustomers { customers, .. } => {
                return format!(
                    "{customers} customers in C4C carry their OpenID: keep one, make the others \
                     obsolete or empty their field"
                );
            }
            Self::SharedCustomer { followers, .. } => {
                return format!(
                    "{followers} mappings to one customer, of which at least two are of one account: \
                     see v_mapping by object_id, and give the wrong one a customer of its own"
                );
            }
            Self::SharedUnionId { customers, .. } => {
                return format!(
                    "one person with several customers ({customers}), by the UnionID: merge them in \
                     C4C and make the others obsolete"
                );
            }
            Self::StaleSnapshot(_) => "changed in C4C, and no notification said so",
            Self::ProfileChanged { .. } => "WeChat tells a UnionID or a name that is news",
        };
        told.to_owned()
    }
}
