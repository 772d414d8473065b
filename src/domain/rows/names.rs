//! Names of lanes and remotes that are not a follower's.

use crate::domain::ids::{AccountId, ObjectId, TenantId};

/// The remote of effects that touch nothing but the database.
pub const LOCAL: &str = "local";

/// The lane of an account's local decisions about its followers' acts. It is one for all of them,
/// since none of these ever waits for a remote: they are made in order of arrival.
pub fn inbound_lane(account: &AccountId) -> String {
    format!("in:{account}")
}

/// The lane in which an account's QR codes are made.
pub fn qr_lane(account: &AccountId) -> String {
    format!("qr:{account}")
}

/// The lane of what reconciliation found out about an account's followers. It is not `in:`, so that
/// those who act do not wait behind thousands of these.
pub fn found_lane(account: &AccountId) -> String {
    format!("found:{account}")
}

/// The lane of one C4C object.
pub fn object_lane(tenant: &TenantId, object: &ObjectId) -> String {
    format!("object:{tenant}:{object}")
}

/// The lane of answers to one ticket whose follower is looked for.
pub fn ticket_lane(tenant: &TenantId, number: &str) -> String {
    format!("ticket:{tenant}:{number}")
}

/// The lane of activities that may be an agent's answers: one for all of a tenant, so that what was
/// answered first is said first.
pub fn answers_lane(tenant: &TenantId) -> String {
    format!("answers:{tenant}")
}

/// The lane of what looks for answers without having been told of one.
pub fn polling_lane(tenant: &TenantId) -> String {
    format!("polling:{tenant}")
}

/// The lane of an account's menu.
pub fn menu_lane(account: &AccountId) -> String {
    format!("menu:{account}")
}

/// The remote of one WeChat account.
pub fn wechat(account: &AccountId) -> String {
    format!("wechat:{account}")
}

/// The remote of one C4C tenant.
pub fn c4c(tenant: &TenantId) -> String {
    format!("c4c:{tenant}")
}

/// The remote of one account's answer hooks.
pub fn hook(account: &AccountId) -> String {
    format!("hook:{account}")
}
