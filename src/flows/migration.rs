//! An account was migrated: a follower goes on under another OpenID (wechat.md 5).

use super::contact;
use crate::domain::ids::{CustomerId, ObjectId, TenantId};
use crate::domain::rows::{Changes, Follower, MappingChange, MappingState, Priority};
use crate::store::Mapping;

/// What goes on under the new OpenID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moving {
    /// A link: the customer carries the new OpenID from now on.
    Linked((ObjectId, CustomerId)),
    /// The wait for a customer.
    Waiting,
}

/// Whether there is something to move; else why not.
pub fn look(from: Option<&Mapping>, present: Option<&Mapping>) -> Result<Moving, &'static str> {
    let from = from.ok_or("nobody is mapped any more")?;
    if from.state == MappingState::Unfollowed {
        return Err("the follower left, or has been moved");
    }
    if present.is_some_and(|mapping| mapping.customer.is_some()) {
        return Err("the new OpenID has a customer already");
    }
    Ok(match (&from.customer, from.state) {
        (Some(customer), MappingState::Linked) => Moving::Linked(customer.clone()),
        _ => Moving::Waiting,
    })
}

/// The new mapping, and the end of the old one. What was said before stays under the old OpenID.
pub fn moved(from: &Mapping, new: &Follower, moving: Moving, tenant: &TenantId) -> Changes {
    let (state, customer) = match moving {
        Moving::Linked(customer) => (MappingState::Linked, Some(customer)),
        Moving::Waiting => (MappingState::Pending, None),
    };
    let waits = state == MappingState::Pending;
    let begun = MappingChange {
        customer,
        unionid: from.unionid.clone(),
        scene: from.scene.clone(),
        name: from.name.clone(),
        ..MappingChange::to(new.clone(), tenant.clone(), state)
    };
    let ended = MappingChange {
        reason: Some("has another OpenID since the account was migrated".to_owned()),
        ..MappingChange::to(
            from.follower.clone(),
            tenant.clone(),
            MappingState::Unfollowed,
        )
    };
    let ensure = waits.then(|| contact::ensure(new, tenant, Priority::Bulk, false));
    Changes {
        mappings: vec![begun, ended],
        effects: ensure.into_iter().collect(),
        ..Changes::none()
    }
}
