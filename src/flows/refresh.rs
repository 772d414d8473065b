//! Effects that read C4C again: one customer, or everything that changed lately.

use serde::{Deserialize, Serialize};

use super::names::{CUSTOMER_REREAD, CUSTOMER_SWEEP};
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{NewEffect, Priority, names};

/// The payload of `customer.reread`.
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
