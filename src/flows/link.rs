//! A person or a file says which customer a follower stands for; C4C is asked whether that holds.
//!
//! `customer.ensure` looks for a follower's customer by their WeChat ID. Here the customer is named, so nothing
//! is looked for or made: it is read, and from there on all is as with one that was found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::contact;
use super::mapping_file::Entry;
use super::names::CUSTOMER_LINK;
use super::qr;
use crate::config::Texts;
use crate::domain::ids::{CustomerId, ObjectId, TenantId};
use crate::domain::rows::{
    Changes, Follower, MappingChange, MappingState, NewEffect, Priority, names,
};
use crate::store::Mapping;

/// The reason of a mapping whose customer a person took away.
pub const UNLINKED: &str = "unlinked by a person; `qiao mapping link` names another customer";

/// A customer as somebody names them: by key, by number, or by both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<ObjectId>,
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
}

impl Chosen {
    /// Whether that is the customer who is named.
    pub fn is(&self, (object, number): &(ObjectId, CustomerId)) -> bool {
        self.object_id.as_ref().is_none_or(|id| id == object)
            && self.customer_id.as_ref().is_none_or(|id| id == number)
    }

    /// Both, if both are named.
    pub fn whole(&self) -> Option<(ObjectId, CustomerId)> {
        self.object_id.clone().zip(self.customer_id.clone())
    }

    fn is_empty(&self) -> bool {
        self.object_id.is_none() && self.customer_id.is_none()
    }
}

/// The payload of `customer.link`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Who.
    pub follower: Follower,
    /// Which customer.
    #[serde(flatten)]
    pub chosen: Chosen,
    /// Said by a file. It tells nobody, and yields to a link that was made meanwhile.
    #[serde(default)]
    pub imported: bool,
    /// Said by a QR code that the follower scanned. It yields to a link that was made meanwhile, too.
    #[serde(default)]
    pub by_code: bool,
}

impl Link {
    /// The effect, in the follower's own lane. One that a person asked for is never taken for another, since
    /// they may have thought better of it.
    pub fn effect(&self, tenant: &TenantId) -> NewEffect {
        let priority = match (self.imported, self.by_code) {
            (true, _) => Priority::Bulk,
            // Somebody stands there and waits.
            (_, true) => Priority::Live,
            _ => Priority::Normal,
        };
        NewEffect {
            priority,
            merge: self.imported,
            ..NewEffect::new(
                self.follower.c4c_lane(),
                CUSTOMER_LINK,
                names::c4c(tenant),
                self,
            )
        }
    }

    /// Whether somebody else was linked to them since the file was read.
    pub fn has_lost(&self, mapping: &Mapping) -> bool {
        let other = mapping
            .customer
            .as_ref()
            .is_some_and(|c| !self.chosen.is(c));
        self.imported && other
    }

    /// What follows when C4C has no such customer: a file's follower waits for a person. A link that stood
    /// before a person asked for another stays. Who scanned a code becomes a customer as any follower.
    pub fn nobody(&self, mapping: &Mapping, texts: &Texts, now: Timestamp) -> Changes {
        if self.by_code && mapping.state != MappingState::Unfollowed {
            let mut changes = qr::told(&self.follower, &texts.bind_failed, Some(mapping), now);
            let (follower, tenant) = (&self.follower, &mapping.tenant);
            let ensure = contact::ensure(follower, tenant, Priority::Live, false);
            changes.effects.push(ensure);
            return changes;
        }
        if !self.imported || mapping.state == MappingState::Unfollowed {
            return Changes::none();
        }
        let reason = "C4C has no such customer as the imported file names, or they are obsolete";
        let change = MappingChange {
            reason: Some(reason.to_owned()),
            customer: mapping.customer.clone(),
            ..MappingChange::to(
                self.follower.clone(),
                mapping.tenant.clone(),
                MappingState::Conflict,
            )
        };
        Changes {
            mappings: vec![change],
            ..Changes::none()
        }
    }
}

/// What a line of a file would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is written.
    Written,
    /// The database has it, or knows more: nothing is written.
    Unchanged,
}

/// Holds a line against the follower's mapping. A customer that stands there is never replaced: that is for a
/// person, one follower at a time.
pub fn judge(entry: &Entry, mapping: Option<&Mapping>) -> Result<Step, String> {
    let Some(mapping) = mapping else {
        return Ok(Step::Written);
    };
    let named = !entry.chosen.is_empty();
    match &mapping.customer {
        Some(customer) if named && !entry.chosen.is(customer) => Err(format!(
            "the follower stands for customer {} in the database; `qiao mapping unlink` first, or \
             correct the line",
            customer.1
        )),
        None if named => Ok(Step::Written),
        _ => Ok(Step::Unchanged),
    }
}

/// The rows of a line: the mapping, and the effect that asks C4C about it.
pub fn imported(entry: &Entry) -> Changes {
    let customer = entry.chosen.whole();
    let state = match entry.state {
        MappingState::Linked if customer.is_none() => MappingState::Pending,
        state => state,
    };
    let (follower, tenant) = (&entry.follower, &entry.tenant);
    let effect = match entry.state {
        MappingState::Linked => {
            let link = Link {
                follower: follower.clone(),
                chosen: entry.chosen.clone(),
                imported: true,
                by_code: false,
            };
            Some(link.effect(tenant))
        }
        MappingState::Pending => Some(contact::ensure(follower, tenant, Priority::Bulk, false)),
        _ => None,
    };
    let change = MappingChange {
        reason: entry.reason.clone(),
        unionid: entry.unionid.clone(),
        customer,
        scene: entry.scene.clone(),
        name: entry.name.clone(),
        followed_at: entry.followed_at,
        linked_at: entry.linked_at,
        ..MappingChange::to(follower.clone(), tenant.clone(), state)
    };
    Changes {
        mappings: vec![change],
        effects: effect.into_iter().collect(),
        ..Changes::none()
    }
}
