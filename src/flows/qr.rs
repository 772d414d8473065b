//! What follows from the scan of a QR code of ours, beyond what any act of a follower means.
//!
//! Pure. Decided in the `in:` lane, where a push is decided on once: so scans are counted once and a code binds
//! once. A scene that we did not make means nothing here. Start reading at [`scanned`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::acted::{Act, Acted};
use super::link::{Chosen, Link};
use super::names::{CUSTOMER_CAMPAIGN, CUSTOMER_ENSURE, QR_CREATE};
use super::sending::{self, ToSay};
use crate::config::{Account, Tenant};
use crate::domain::ids::{AccountId, TenantId};
use crate::domain::placeholder::render;
use crate::domain::qr::{Purpose, ScanOutcome};
use crate::domain::rows::{
    Changes, Follower, Invitation, MappingChange, MappingState, NewEffect, Priority, QrScan, names,
};
use crate::store::{Mapping, QrCode};

/// The purpose of what a follower is told about a code to bind.
const BIND: &str = "bind";

/// The payload of `qr.create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// In which account.
    pub account: AccountId,
    /// `qr_code.scene`
    pub scene: String,
}

impl Create {
    /// The effect. Somebody waits for it.
    pub fn effect(&self) -> NewEffect {
        NewEffect {
            priority: Priority::Live,
            ..NewEffect::new(
                names::qr_lane(&self.account),
                QR_CREATE,
                names::wechat(&self.account),
                self,
            )
        }
    }
}

/// The payload of `customer.campaign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Whose customer.
    pub follower: Follower,
    /// Which campaign.
    pub campaign: String,
    /// By which of its codes.
    pub scene: String,
}

impl Campaign {
    /// The effect, in this lane.
    pub fn effect(&self, lane: String, tenant: &TenantId) -> NewEffect {
        NewEffect::new(lane, CUSTOMER_CAMPAIGN, names::c4c(tenant), self)
    }

    /// The fields that say so.
    pub fn fields(&self, tenant: &Tenant) -> BTreeMap<String, String> {
        let values = [("campaign", &*self.campaign), ("scene", &*self.scene)];
        let fields = tenant.campaign.iter();
        fields
            .map(|(field, template)| (field.clone(), render(template, &values)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// A scan of a code of ours, and what is known of who scanned.
#[derive(Debug, Clone, Copy)]
pub struct Scanned<'a> {
    /// The act.
    pub acted: &'a Acted,
    /// The code.
    pub code: &'a QrCode,
    /// The follower's mapping from before the act.
    pub mapping: Option<&'a Mapping>,
    /// The account.
    pub account: &'a Account,
    /// The tenant.
    pub tenant: &'a Tenant,
}

/// Adds what follows from the scan to what follows from the act.
pub fn scanned(scan: &Scanned<'_>, changes: &mut Changes, now: Timestamp) {
    let follower = &scan.acted.follower;
    // An older push of somebody who has left since is decided to mean nothing: it only counts.
    let has_left = changes.mappings.is_empty()
        && scan
            .mapping
            .is_some_and(|m| m.state == MappingState::Unfollowed);
    let outcome = match scan.code.purpose {
        _ if has_left => ScanOutcome::Counted,
        Purpose::Campaign => campaign(scan, changes),
        Purpose::Bind => bind(scan, changes, now),
        Purpose::Agent => {
            changes.invitations.push(Invitation {
                follower: follower.clone(),
                agent: scan.code.target.clone(),
                at: scan.acted.created,
            });
            ScanOutcome::Invited
        }
    };
    changes.qr_scans.push(QrScan {
        code_id: scan.code.id,
        follower: follower.clone(),
        follow: scan.acted.act == Act::Follow,
        outcome,
        at: scan.acted.created,
    });
}

fn campaign(scan: &Scanned<'_>, changes: &mut Changes) -> ScanOutcome {
    let campaign = Campaign {
        follower: scan.acted.follower.clone(),
        campaign: scan.code.target.clone(),
        scene: scan.code.scene.text(),
    };
    if !campaign.fields(scan.tenant).is_empty() {
        // Behind the linking, if there is one.
        let lane = campaign.follower.c4c_lane();
        changes
            .effects
            .push(campaign.effect(lane, &scan.account.tenant));
    }
    ScanOutcome::Counted
}

fn bind(scan: &Scanned<'_>, changes: &mut Changes, now: Timestamp) -> ScanOutcome {
    let (acted, code, texts) = (scan.acted, scan.code, &scan.account.texts);
    let Some((object, number)) = &code.customer else {
        return ScanOutcome::Counted;
    };
    let chosen = Chosen {
        object_id: Some(object.clone()),
        customer_id: Some(number.clone()),
    };
    let stands = scan.mapping.filter(|mapping| {
        mapping.state == MappingState::Linked
            && mapping.customer.as_ref().is_some_and(|c| chosen.is(c))
    });
    if stands.is_some() {
        return ScanOutcome::Bound;
    }
    let (outcome, text) = if code.is_over(acted.created) {
        (ScanOutcome::Expired, &texts.bind_expired)
    } else if code.single_use && code.used_at.is_some() {
        (ScanOutcome::Used, &texts.bind_used)
    } else if let Some(change) = scan.mapping.and_then(|m| elsewhere(m, &chosen)) {
        changes.effects.retain(|e| e.effect != CUSTOMER_ENSURE);
        let own = changes.mappings.iter_mut();
        match own.into_iter().find(|m| m.follower == acted.follower) {
            Some(own) => (own.state, own.reason) = (change.state, change.reason),
            None => changes.mappings.push(change),
        }
        (ScanOutcome::Conflict, &texts.bind_unclear)
    } else {
        // Instead of looking for a customer, or making one.
        changes.effects.retain(|e| e.effect != CUSTOMER_ENSURE);
        let link = Link {
            follower: acted.follower.clone(),
            chosen,
            imported: false,
            by_code: true,
        };
        changes.effects.push(link.effect(&scan.account.tenant));
        return ScanOutcome::Binding;
    };
    changes.extend(told(&acted.follower, text, scan.mapping, now));
    outcome
}

/// What becomes of a mapping whose follower stands for another customer than their code names. Who they are
/// is for a person to say: until then nothing is told of either.
pub fn elsewhere(mapping: &Mapping, chosen: &Chosen) -> Option<MappingChange> {
    let stands_for = mapping
        .customer
        .as_ref()
        .filter(|customer| !chosen.is(customer))?;
    if mapping.state == MappingState::Obsolete {
        return None;
    }
    let named = chosen.customer_id.as_ref().map_or("?", |id| id.as_str());
    let reason = format!(
        "they stand for customer {} and scanned a QR code of customer {named}; `qiao mapping link` decides",
        stands_for.1
    );
    Some(MappingChange {
        reason: Some(reason),
        customer: mapping.customer.clone(),
        ..MappingChange::to(
            mapping.follower.clone(),
            mapping.tenant.clone(),
            MappingState::Conflict,
        )
    })
}

/// Tells the follower; an empty text says nothing.
pub fn told(follower: &Follower, text: &str, mapping: Option<&Mapping>, now: Timestamp) -> Changes {
    let customer = mapping.and_then(|m| m.customer.as_ref());
    let number = customer.map_or("", |(_, number)| number.as_str());
    let name = mapping.and_then(|m| m.name.as_deref()).unwrap_or_default();
    let text = render(text, &[("customer_id", number), ("name", name)]);
    if text.trim().is_empty() {
        return Changes::none();
    }
    let say = ToSay {
        follower,
        purpose: BIND,
        text: &text,
        values: BTreeMap::new(),
        inbox_id: None,
        conversation: None,
    };
    sending::queue(&say, now)
}
