//! A customer may have changed in C4C: what its followers are told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::customer::baseline;
use super::sending::{self, ToSay};
use crate::c4c::customer::Customer;
use crate::config::{Account, Tenant};
use crate::domain::ids::TenantId;
use crate::domain::placeholder::render;
use crate::domain::rows::{Changes, Follower, Snapshot};

/// What changed between two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Nothing that is watched: stamps never count.
    Nothing,
    /// These watched fields.
    Fields(Vec<String>),
    /// Something, perhaps: there is no baseline to tell what.
    Unknown,
}

/// Compares the watched fields with the baseline.
pub fn compare(before: Option<&Snapshot>, customer: &Customer, tenant: &Tenant) -> Difference {
    let Some(before) = before else {
        return Difference::Unknown;
    };
    let differs = |field: &&String| {
        let now = customer.field(field).unwrap_or_default();
        // A field that was not watched when the baseline was read tells nothing.
        before.fields.get(*field).is_some_and(|was| was != now)
    };
    let changed: Vec<String> = tenant.watch.iter().filter(differs).cloned().collect();
    if changed.is_empty() {
        Difference::Nothing
    } else {
        Difference::Fields(changed)
    }
}

/// One who is to be told.
#[derive(Debug)]
pub struct Listener<'a> {
    /// Who.
    pub follower: &'a Follower,
    /// Their account, for its texts.
    pub account: &'a Account,
}

/// Renews the baseline and tells everyone who stands for the customer what changed.
pub fn tell(
    id: &TenantId,
    tenant: &Tenant,
    customer: &Customer,
    difference: &Difference,
    listeners: &[Listener<'_>],
    now: Timestamp,
) -> Changes {
    let mut changes = Changes {
        snapshots: vec![baseline(id, tenant, customer)],
        ..Changes::none()
    };
    let (names, known) = match difference {
        Difference::Nothing => return changes,
        Difference::Fields(fields) => (fields.join(", "), true),
        Difference::Unknown => (String::new(), false),
    };
    let number = customer.customer_id.as_str();
    for Listener { follower, account } in listeners {
        let template = if known {
            &account.texts.customer_changed
        } else {
            &account.texts.customer_changed_unknown
        };
        let text = render(template, &[("customer_id", number), ("changes", &names)]);
        if text.trim().is_empty() {
            continue;
        }
        let values = BTreeMap::from([
            ("customer_id".to_owned(), number.to_owned()),
            ("changes".to_owned(), names.clone()),
        ]);
        let say = ToSay {
            follower,
            purpose: "customer_changed",
            text: &text,
            values,
            inbox_id: None,
            conversation: None,
        };
        changes.extend(sending::queue(&say, now));
    }
    changes
}
