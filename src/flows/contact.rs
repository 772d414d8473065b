//! What a follower's act means beyond its answer: windows, held sends, first contact, unfollow.
//!
//! Decided in the follower's `in:` lane, after the sender was answered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::acted::{Act, Acted};
use super::names::CUSTOMER_ENSURE;
use super::sending::HELD_WINDOW;
use crate::domain::ids::TenantId;
use crate::domain::rows::{
    Cancel, Changes, Follower, MappingChange, MappingState, NewEffect, NewGrant, Priority, Release,
    WindowClosed, names,
};
use crate::store::Mapping;
use crate::wechat::window::Grant;

/// What follows from an act, given what is known of the follower.
pub fn decide(acted: &Acted, mapping: Option<&Mapping>, tenant: &TenantId) -> Changes {
    let last = mapping.and_then(|m| m.followed_at);
    let is_late = last.is_some_and(|at| at > acted.created);
    let has_left = mapping.is_some_and(|m| m.state == MappingState::Unfollowed);
    match acted.act {
        // Pushes overtake each other: an older one never undoes a newer follow or unfollow. But
        // whoever left and came back has lost the windows from before they left.
        Act::Unfollow if is_late => Changes {
            window_closed: vec![closed(acted, acted.created)],
            ..Changes::none()
        },
        Act::Follow | Act::Contact if is_late && has_left => Changes::none(),
        Act::Unfollow => gone(acted, tenant),
        // A late follow is news to nobody, but it still shows that they were there.
        Act::Follow => there(acted, !is_late, is_late, mapping, tenant),
        Act::Contact => there(acted, false, is_late, mapping, tenant),
    }
}

fn gone(acted: &Acted, tenant: &TenantId) -> Changes {
    let follower = &acted.follower;
    let mapping = MappingChange {
        followed_at: Some(acted.created),
        ..MappingChange::to(follower.clone(), tenant.clone(), MappingState::Unfollowed)
    };
    let reason = "the follower left";
    Changes {
        mappings: vec![mapping],
        window_closed: vec![closed(acted, acted.received)],
        cancels: vec![
            Cancel {
                lane: follower.send_lane(),
                reason,
            },
            Cancel {
                lane: follower.hook_lane(),
                reason,
            },
            Cancel {
                lane: follower.files_lane(),
                reason,
            },
        ],
        ..Changes::none()
    }
}

fn closed(acted: &Acted, until: Timestamp) -> WindowClosed {
    WindowClosed {
        follower: acted.follower.clone(),
        until,
    }
}

fn there(
    acted: &Acted,
    is_follow: bool,
    is_late: bool,
    mapping: Option<&Mapping>,
    tenant: &TenantId,
) -> Changes {
    let follower = &acted.follower;
    let mut changes = Changes {
        // They have followed anew since a late act, so they had left: its window is void.
        grants: if is_late { Vec::new() } else { granted(acted) },
        ..Changes::none()
    };
    if !changes.grants.is_empty() {
        let lane = follower.send_lane();
        changes.releases.push(Release {
            lane,
            reason: HELD_WINDOW,
            if_open: None,
            acted_after: None,
        });
    }
    let state = mapping.map(|m| m.state);
    let returned = state == Some(MappingState::Unfollowed);
    if is_follow || returned || state.is_none() {
        let state = match state {
            Some(MappingState::Conflict) => MappingState::Conflict,
            Some(MappingState::Obsolete) => MappingState::Obsolete,
            _ if mapping.is_some_and(|m| m.customer.is_some()) => MappingState::Linked,
            _ => MappingState::Pending,
        };
        changes.mappings.push(MappingChange {
            returned: true,
            reason: mapping.and_then(|m| m.reason.clone()),
            // The row says so itself: a linked one without a customer is refused by its CHECK, even
            // where it only updates one that has it.
            customer: mapping.and_then(|m| m.customer.clone()),
            scene: acted.scene.clone(),
            followed_at: (is_follow || returned).then_some(acted.created),
            ..MappingChange::to(follower.clone(), tenant.clone(), state)
        });
    }
    let unfinished = matches!(state, None | Some(MappingState::Pending));
    let may_look = !matches!(state, Some(MappingState::Conflict | MappingState::Obsolete));
    let comes_anew = is_follow && !was_overtaken(acted, mapping);
    if may_look && (unfinished || comes_anew || returned || acted.binds) {
        let priority = if acted.found {
            Priority::Bulk
        } else {
            Priority::Live
        };
        changes.effects.push(ensure_asked(
            follower,
            tenant,
            priority,
            !unfinished,
            acted.binds,
        ));
    }
    changes
}

/// A first follow that reaches us after words of its follower, who was linked for them and told so: it
/// is no return.
fn was_overtaken(follow: &Acted, mapping: Option<&Mapping>) -> bool {
    mapping.is_some_and(|m| m.followed_at.is_none() && follow.created <= m.updated_at)
}

/// The payload of `customer.ensure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ensure {
    /// Whose customer.
    pub follower: Follower,
    /// They came back: a customer that is linked already is read again, and they are told again.
    #[serde(default)]
    pub again: bool,
    /// They asked for it, so they are told, too, when a person must decide first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
}

/// The effect that finds or makes the follower's customer. One that waits is enough.
pub fn ensure(
    follower: &Follower,
    tenant: &TenantId,
    priority: Priority,
    again: bool,
) -> NewEffect {
    ensure_asked(follower, tenant, priority, again, false)
}

fn ensure_asked(
    follower: &Follower,
    tenant: &TenantId,
    priority: Priority,
    again: bool,
    asked: bool,
) -> NewEffect {
    let payload = Ensure {
        follower: follower.clone(),
        again,
        asked,
    };
    NewEffect {
        priority,
        merge: true,
        ..NewEffect::new(
            follower.c4c_lane(),
            CUSTOMER_ENSURE,
            names::c4c(tenant),
            &payload,
        )
    }
}

fn granted(acted: &Acted) -> Vec<NewGrant> {
    let trigger = acted.grant.as_deref().and_then(|word| word.parse().ok());
    let grant = trigger.map(|trigger| Grant::new(trigger, acted.created, acted.received));
    grant
        .map(|grant| NewGrant {
            follower: acted.follower.clone(),
            trigger: grant.trigger.as_str(),
            granted_at: grant.granted_at,
            valid_until: grant.valid_until,
            allowed: grant.allowed,
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId};
    use proptest::prelude::*;

    fn follower() -> Follower {
        Follower {
            account: AccountId::new("main"),
            openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn acted(act: Act, at: i64) -> Acted {
        Acted {
            follower: follower(),
            act,
            created: second(at),
            received: second(at),
            grant: (act == Act::Follow).then(|| "follow".to_owned()),
            scene: None,
            media: Vec::new(),
            seat: None,
            binds: false,
            located: false,
            found: false,
        }
    }

    /// What the store makes of a decision, as far as these stories look.
    fn after(mapping: Option<Mapping>, changes: &Changes) -> Option<Mapping> {
        let Some(change) = changes.mappings.first() else {
            return mapping;
        };
        Some(Mapping {
            follower: change.follower.clone(),
            unionid: None,
            tenant: change.tenant.clone(),
            customer: mapping.as_ref().and_then(|m| m.customer.clone()),
            state: change.state,
            reason: change.reason.clone(),
            scene: change.scene.clone(),
            name: None,
            followed_at: change.followed_at.or(mapping.and_then(|m| m.followed_at)),
            linked_at: None,
            updated_at: Timestamp::UNIX_EPOCH,
        })
    }

    fn linked() -> Mapping {
        Mapping {
            follower: follower(),
            unionid: None,
            tenant: TenantId::new("main"),
            customer: Some((ObjectId::new("A".repeat(32)), CustomerId::new("1000441"))),
            state: MappingState::Linked,
            reason: None,
            scene: None,
            name: None,
            followed_at: Some(second(0)),
            linked_at: Some(second(0)),
            updated_at: second(0),
        }
    }

    #[test]
    fn somebody_known_who_speaks_needs_no_call_to_c4c() {
        let tenant = TenantId::new("main");
        let changes = decide(&acted(Act::Contact, 5), Some(&linked()), &tenant);
        assert!(changes.effects.is_empty() && changes.mappings.is_empty());
    }

    #[test]
    fn somebody_unknown_becomes_a_customer_unless_they_leave() {
        let tenant = TenantId::new("main");
        for (act, effects) in [(Act::Follow, 1), (Act::Contact, 1), (Act::Unfollow, 0)] {
            let changes = decide(&acted(act, 5), None, &tenant);
            assert_eq!(changes.effects.len(), effects, "{act:?}");
        }
    }

    #[test]
    fn a_conflict_waits_for_a_person_whatever_the_follower_does() {
        let mapping = Mapping {
            state: MappingState::Conflict,
            ..linked()
        };
        let changes = decide(
            &acted(Act::Follow, 5),
            Some(&mapping),
            &TenantId::new("main"),
        );
        assert!(changes.effects.is_empty());
        assert_eq!(changes.mappings[0].state, MappingState::Conflict);
    }

    #[test]
    fn a_first_follow_that_words_have_overtaken_is_no_return() {
        let mapping = Mapping {
            followed_at: None,
            updated_at: second(6),
            ..linked()
        };
        for (created, effects) in [(5, 0), (6, 0), (7, 1)] {
            let act = acted(Act::Follow, created);
            let changes = decide(&act, Some(&mapping), &TenantId::new("main"));
            assert_eq!(changes.effects.len(), effects, "followed at {created}");
            assert_eq!(changes.mappings[0].followed_at, Some(second(created)));
        }
    }

    proptest! {
        /// Follows and unfollows may arrive in any order: the newest of them decides.
        #[test]
        fn the_newest_act_decides_in_whatever_order_they_arrive(
            acts in prop::collection::vec(any::<bool>(), 1..6), seed: u64,
        ) {
            let tenant = TenantId::new("main");
            let mut arriving: Vec<Acted> = acts
                .iter()
                .zip(1..)
                .map(|(follows, at)| {
                    acted(if *follows { Act::Follow } else { Act::Unfollow }, at)
                })
                .collect();
            let newest = arriving.last().cloned().unwrap();
            let count = arriving.len();
            for (turn, bits) in (0..count).zip(seed.to_le_bytes()) {
                arriving.swap(turn, usize::from(bits) % count);
            }
            let mut mapping = None;
            for act in &arriving {
                let changes = decide(act, mapping.as_ref(), &tenant);
                mapping = after(mapping, &changes);
            }
            let left = mapping.unwrap().state == MappingState::Unfollowed;
            prop_assert_eq!(left, newest.act == Act::Unfollow);
        }
    }
}
