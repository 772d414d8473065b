//! What a follower's act means beyond its answer: windows, held sends, first contact, unfollow.
//!
//! Decided in the follower's `in:` lane, after the sender was answered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::names::{CUSTOMER_ENSURE, FOLLOWER_ACTED};
use super::sending::HELD_WINDOW;
use crate::config::Account;
use crate::domain::ids::TenantId;
use crate::domain::rows::{
    Cancel, Changes, Follower, MappingChange, MappingState, NewEffect, NewGrant, Priority, Release,
    names,
};
use crate::store::Mapping;
use crate::wechat::push::{FollowAction, Push};
use crate::wechat::window::Grant;

/// What the act was: the payload of `follower.acted`, without a word of what was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// Who.
    pub follower: Follower,
    /// What.
    pub act: Act,
    /// CreateTime.
    pub created: Timestamp,
    /// When it reached us.
    pub received: Timestamp,
    /// The word of the send window that it opens.
    pub grant: Option<String>,
    /// Of the QR code.
    pub scene: Option<String>,
}

/// What a follower did, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// They follow now.
    Follow,
    /// They left.
    Unfollow,
    /// They said or did something, so they are there.
    Contact,
}

/// The effect by which an act is followed up; `None` when nothing follows from the push.
pub fn follow_up(follower: &Follower, push: &Push, received: Timestamp) -> Option<NewEffect> {
    let act = match push.follow_action() {
        FollowAction::Follow => Act::Follow,
        FollowAction::Unfollow => Act::Unfollow,
        FollowAction::None if push.is_contact() => Act::Contact,
        FollowAction::None => return None,
    };
    let acted = Acted {
        follower: follower.clone(),
        act,
        created: push.created,
        received,
        grant: push.grant().map(|trigger| trigger.as_str().to_owned()),
        scene: push.scene().map(str::to_owned),
    };
    let payload = serde_json::to_value(&acted).expect("text and numbers");
    Some(NewEffect {
        priority: Priority::Live,
        ..NewEffect::new(
            follower.inbound_lane(),
            FOLLOWER_ACTED,
            names::LOCAL.to_owned(),
            payload,
        )
    })
}

/// What follows from an act, given what is known of the follower.
pub fn decide(acted: &Acted, mapping: Option<&Mapping>, account: &Account) -> Changes {
    let left_at = mapping
        .filter(|m| m.state == MappingState::Unfollowed)
        .and_then(|m| m.followed_at);
    let known_until = mapping.and_then(|m| m.followed_at);
    match acted.act {
        // Pushes overtake each other: an older one never undoes a newer follow or unfollow.
        Act::Unfollow if known_until.is_some_and(|at| at > acted.created) => Changes::none(),
        Act::Unfollow => left(acted, &account.tenant),
        Act::Follow | Act::Contact if left_at.is_some_and(|at| at > acted.created) => {
            Changes::none()
        }
        Act::Follow | Act::Contact => there(acted, mapping, &account.tenant),
    }
}

fn left(acted: &Acted, tenant: &TenantId) -> Changes {
    let follower = &acted.follower;
    let mapping = MappingChange {
        followed_at: Some(acted.created),
        ..MappingChange::to(follower.clone(), tenant.clone(), MappingState::Unfollowed)
    };
    let reason = "the follower left";
    Changes {
        mappings: vec![mapping],
        window_closed: vec![follower.clone()],
        cancels: vec![
            Cancel {
                lane: follower.send_lane(),
                reason,
            },
            Cancel {
                lane: follower.hook_lane(),
                reason,
            },
        ],
        ..Changes::none()
    }
}

fn there(acted: &Acted, mapping: Option<&Mapping>, tenant: &TenantId) -> Changes {
    let follower = &acted.follower;
    let mut changes = Changes {
        grants: granted(acted),
        ..Changes::none()
    };
    if !changes.grants.is_empty() {
        let lane = follower.send_lane();
        changes.releases.push(Release {
            lane,
            reason: HELD_WINDOW,
            if_open: None,
        });
    }
    let state = mapping.map(|m| m.state);
    let followed = acted.act == Act::Follow;
    let returned = state == Some(MappingState::Unfollowed);
    let known = mapping.is_some_and(|m| m.customer.is_some());
    if followed || returned || state.is_none() {
        let state = match state {
            Some(MappingState::Conflict) => MappingState::Conflict,
            Some(MappingState::Obsolete) => MappingState::Obsolete,
            _ if known => MappingState::Linked,
            _ => MappingState::Pending,
        };
        changes.mappings.push(MappingChange {
            returned: true,
            reason: mapping.and_then(|m| m.reason.clone()),
            scene: acted.scene.clone(),
            followed_at: (followed || returned).then_some(acted.created),
            ..MappingChange::to(follower.clone(), tenant.clone(), state)
        });
    }
    let unfinished = matches!(state, None | Some(MappingState::Pending));
    let may_look = !matches!(state, Some(MappingState::Conflict | MappingState::Obsolete));
    if may_look && (unfinished || followed || returned) {
        let again = followed || returned;
        changes
            .effects
            .push(ensure(follower, tenant, Priority::Live, again));
    }
    changes
}

/// The effect that finds or makes the follower's customer. One that waits is enough; one that
/// runs is not, as it may fail. `again` tells the number also to somebody linked meanwhile: they
/// have come back.
pub fn ensure(
    follower: &Follower,
    tenant: &TenantId,
    priority: Priority,
    again: bool,
) -> NewEffect {
    NewEffect {
        priority,
        merge: true,
        ..NewEffect::new(
            follower.c4c_lane(),
            CUSTOMER_ENSURE,
            names::c4c(tenant),
            json!({ "account": follower.account, "openid": follower.openid, "again": again }),
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
