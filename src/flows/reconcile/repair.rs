//! The rows that put a difference right: bulk effects of the outbox, so that those who live now go
//! first, and safe against what happened since the difference was seen.

use jiff::Timestamp;
use jiff::fmt::serde::timestamp::microsecond;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Changes, Follower, NewEffect, Priority, names as lanes};
use crate::flows::acted::{Act, Acted};
use crate::flows::naming::Rename;
use crate::flows::{contact, names, refresh};
use crate::store::Repaired;

/// What puts a difference right. It stands in `finding.repair` until it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Repair {
    /// They followed or left, as a push would have said.
    Acted {
        /// Who.
        follower: Follower,
        /// What.
        act: Act,
        /// When WeChat was asked: what they did later counts more.
        #[serde(with = "microsecond::required")]
        known_at: Timestamp,
    },
    /// Their customer is looked for, or made.
    Ensure {
        /// Whose.
        follower: Follower,
        /// Where.
        tenant: TenantId,
    },
    /// The one customer that carries their OpenID becomes theirs.
    Adopt {
        /// Whose.
        follower: Follower,
        /// Where.
        tenant: TenantId,
    },
    /// The customer is read again.
    Reread {
        /// Where.
        tenant: TenantId,
        /// Which.
        object: ObjectId,
    },
    /// The customer gets the WeChat ID back.
    Identify {
        /// Whose.
        follower: Follower,
        /// Where.
        tenant: TenantId,
        /// Which.
        object: ObjectId,
    },
    /// What WeChat tells of them is written down.
    Describe {
        /// Whom.
        follower: Follower,
        /// Where their customer lives.
        tenant: TenantId,
        /// Across accounts.
        unionid: Option<UnionId>,
        /// Their customer, and its new name.
        name: Option<(ObjectId, String)>,
    },
    /// Their mapping and their customer get the new OpenID.
    Move {
        /// Who they were.
        follower: Follower,
        /// Where their customer lives.
        tenant: TenantId,
        /// Who they are now.
        to: OpenId,
    },
}

/// The payload of `customer.adopt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopt {
    /// Who.
    pub follower: Follower,
}

/// The payload of `customer.identify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identify {
    /// Who stands for it.
    pub follower: Follower,
    /// The customer.
    pub object_id: ObjectId,
}

/// The payload of `follower.move`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Who they were.
    pub follower: Follower,
    /// Who they are now.
    pub to: OpenId,
}

impl Repair {
    /// As `finding.repair` holds it.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers")
    }

    /// Reads that again; `None` when another version wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Adds its rows.
    pub fn queue(self, to: &mut Repaired) {
        let effect = match self {
            Self::Acted {
                follower,
                act,
                known_at,
            } => acted(follower, act, known_at),
            Self::Ensure { follower, tenant } => {
                contact::ensure(&follower, &tenant, Priority::Bulk, false)
            }
            Self::Adopt { follower, tenant } => NewEffect {
                merge: true,
                ..bulk(
                    follower.c4c_lane(),
                    names::CUSTOMER_ADOPT,
                    &tenant,
                    &Adopt { follower },
                )
            },
            Self::Reread { tenant, object } => refresh::reread(&tenant, &object, Priority::Bulk),
            Self::Identify {
                follower,
                tenant,
                object: object_id,
            } => bulk(
                lanes::object_lane(&tenant, &object_id),
                names::CUSTOMER_IDENTIFY,
                &tenant,
                &Identify {
                    follower,
                    object_id,
                },
            ),
            Self::Move {
                follower,
                tenant,
                to,
            } => bulk(
                follower.c4c_lane(),
                names::FOLLOWER_MOVE,
                &tenant,
                &Move { follower, to },
            ),
            Self::Describe {
                follower,
                tenant,
                unionid,
                name,
            } => {
                let named = name.map(|(object, name)| {
                    let lane = lanes::object_lane(&tenant, &object);
                    let follower = follower.clone();
                    bulk(
                        lane,
                        names::CUSTOMER_RENAME,
                        &tenant,
                        &Rename::to(follower, name),
                    )
                });
                to.changes.effects.extend(named);
                to.unionids.extend(unionid.map(|id| (follower, id)));
                return;
            }
        };
        to.changes.extend(Changes {
            effects: vec![effect],
            ..Changes::none()
        });
    }
}

fn bulk(
    lane: String,
    effect: &'static str,
    tenant: &TenantId,
    payload: &impl Serialize,
) -> NewEffect {
    NewEffect {
        priority: Priority::Bulk,
        ..NewEffect::new(lane, effect, lanes::c4c(tenant), payload)
    }
}

/// The push that got lost, without its window: that has passed, or nobody knows when it opened.
fn acted(follower: Follower, act: Act, known_at: Timestamp) -> NewEffect {
    let lane = lanes::found_lane(&follower.account);
    let acted = Acted {
        follower,
        act,
        created: known_at,
        received: known_at,
        grant: None,
        scene: None,
        media: Vec::new(),
        seat: None,
        binds: false,
        located: false,
        found: true,
    };
    NewEffect {
        priority: Priority::Bulk,
        ..NewEffect::new(lane, names::FOLLOWER_ACTED, lanes::LOCAL, &acted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccountId;

    #[test]
    fn a_repair_survives_being_stored_and_is_a_bulk_row() {
        let follower = Follower {
            account: AccountId::new("main"),
            openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
        };
        let (tenant, object) = (TenantId::new("main"), ObjectId::new("A".repeat(32)));
        let (f, t) = (|| follower.clone(), || tenant.clone());
        for repair in [
            Repair::Acted {
                follower: f(),
                act: Act::Unfollow,
                known_at: Timestamp::UNIX_EPOCH,
            },
            Repair::Ensure {
                follower: f(),
                tenant: t(),
            },
            Repair::Adopt {
                follower: f(),
                tenant: t(),
            },
            Repair::Reread {
                tenant: t(),
                object: object.clone(),
            },
            Repair::Identify {
                follower: f(),
                tenant: t(),
                object: object.clone(),
            },
            Repair::Describe {
                follower: f(),
                tenant: t(),
                unionid: Some(UnionId::new("o6_bmasdasdsad6_2sgVt7hMZOPfL")),
                name: Some((object, "李雷".to_owned())),
            },
            Repair::Move {
                follower: f(),
                tenant: t(),
                to: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GL2"),
            },
        ] {
            assert_eq!(Repair::parse(&repair.to_json()), Some(repair.clone()));
            let mut queued = Repaired::default();
            repair.queue(&mut queued);
            let effects = queued.changes.effects;
            assert_eq!(effects.len(), 1);
            assert_eq!(effects[0].priority, Priority::Bulk);
        }
        assert_eq!(Repair::parse("{}"), None);
    }
}
