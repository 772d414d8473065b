//! Effects that read C4C again: one customer, or everything that changed lately.
//!
//! C4C tells us of the customers that we make ourselves, too, and does so while their followers
//! are still being linked. A reread that may be of such a customer is held for a moment, before it
//! has called anybody, and then goes on: by that time the link stands.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::names::{CUSTOMER_REREAD, CUSTOMER_RESUME, CUSTOMER_SWEEP};
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{Changes, MappingState, NewEffect, Priority, Release, names};
use crate::store::{Job, Mapping};

/// The word in `outbox.held_reason` of a reread that may be of a customer who is just being made.
pub const HELD_LINKING: &str = "linking";

/// How long it is held: what is left of a linking when C4C has told of the new customer, one or
/// two calls, should have ended by then.
const LINKING: SignedDuration = SignedDuration::from_secs(3);

/// The payload of `customer.reread` and of `customer.resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reread {
    /// In which tenant.
    pub tenant: TenantId,
    /// Which customer.
    pub object_id: ObjectId,
}

/// The payload of `customer.sweep`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Which tenant.
    pub tenant: TenantId,
}

/// Reads a customer again. One that has not started is enough.
pub fn reread(tenant: &TenantId, object_id: &ObjectId, priority: Priority) -> NewEffect {
    let payload = Reread {
        tenant: tenant.clone(),
        object_id: object_id.clone(),
    };
    NewEffect {
        priority,
        merge: true,
        ..NewEffect::new(
            names::object_lane(tenant, object_id),
            CUSTOMER_REREAD,
            names::c4c(tenant),
            &payload,
        )
    }
}

/// Whether this is a first look at a customer to whom nobody is linked yet: if somebody at the
/// tenant is being linked, it may be to them.
///
/// So a customer who is linked never waits, and nothing waits twice. What stands in a follower's
/// own lane has waited for them there.
pub fn may_be_new(job: &Job, of: &Reread, mappings: &[Mapping]) -> bool {
    let is_first = job.tries == 0 && is_in_own_lane(job, of);
    is_first && mappings.iter().all(|m| m.state == MappingState::Pending)
}

/// Whether it runs in the lane of its customer, not in that of a follower behind their linking.
pub fn is_in_own_lane(job: &Job, of: &Reread) -> bool {
    job.lane == names::object_lane(&of.tenant, &of.object_id)
}

/// Lets held rereads of a customer go on in a moment. One that waits is enough.
pub fn resume(of: &Reread, now: Timestamp) -> NewEffect {
    NewEffect {
        not_before: Some(now.saturating_add(LINKING).unwrap_or(now)),
        merge: true,
        ..NewEffect::new(
            format!("linking:{}:{}", of.tenant, of.object_id),
            CUSTOMER_RESUME,
            names::LOCAL,
            of,
        )
    }
}

/// That moment has passed.
pub fn resumed(of: &Reread) -> Changes {
    let release = Release {
        lane: names::object_lane(&of.tenant, &of.object_id),
        reason: HELD_LINKING,
        if_open: None,
        acted_after: None,
    };
    Changes {
        releases: vec![release],
        ..Changes::none()
    }
}

/// Looks through everything that changed lately. One that has not started is enough.
pub fn sweep(tenant: &TenantId) -> NewEffect {
    NewEffect {
        priority: Priority::Bulk,
        merge: true,
        ..NewEffect::new(
            format!("sweep:{tenant}"),
            CUSTOMER_SWEEP,
            names::c4c(tenant),
            &Sweep {
                tenant: tenant.clone(),
            },
        )
    }
}
