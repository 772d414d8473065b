//! From a follower to a C4C customer: what is sent at creation, and what follows once the
//! customer is known.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::record::{self, HELD_NO_CUSTOMER};
use super::sending::{self, ToSay};
use crate::c4c::customer::Customer;
use crate::config::{Account, Tenant, WechatIdWrite};
use crate::domain::ids::{OpenId, TenantId, UnionId};
use crate::domain::placeholder::{names, render};
use crate::domain::rows::{Changes, Follower, MappingChange, MappingState, Snapshot};

/// The word in `outbox.held_reason` of a linking for which there are several customers. Once the
/// follower is linked it goes on, and finds that there is nothing left to do.
pub const HELD_CONFLICT: &str = "conflict";

/// The purpose of the message that tells a follower their number.
pub const CUSTOMER_CREATED: &str = "customer_created";

/// What is known of the person behind an OpenID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Across accounts.
    pub unionid: Option<UnionId>,
    /// A remark or nickname.
    pub name: Option<String>,
    /// The address of their picture, if they consented to tell it.
    pub avatar: Option<String>,
    /// Of the QR code.
    pub scene: Option<String>,
    /// The campaign whose code it was.
    pub campaign: Option<String>,
}

/// Whether the configured fields speak of what only WeChat can tell.
pub fn needs_profile(tenant: &Tenant) -> bool {
    tenant
        .customer
        .values()
        .any(|template| names(template).any(|name| matches!(name, "unionid" | "name")))
}

/// Whether they speak of the campaign that led a follower here.
pub fn needs_campaign(tenant: &Tenant) -> bool {
    let mut templates = tenant.customer.values();
    templates.any(|template| names(template).any(|name| name == "campaign"))
}

/// The fields of a new customer, its WeChat ID among them where the tenant takes it with the
/// create; what comes out empty is omitted.
pub fn fields(tenant: &Tenant, openid: &OpenId, person: &Person) -> BTreeMap<String, String> {
    let values = [
        ("openid", openid.as_str()),
        (
            "unionid",
            person.unionid.as_ref().map_or("", UnionId::as_str),
        ),
        ("name", person.name.as_deref().unwrap_or_default()),
        ("avatar", person.avatar.as_deref().unwrap_or_default()),
        ("scene", person.scene.as_deref().unwrap_or_default()),
        ("campaign", person.campaign.as_deref().unwrap_or_default()),
    ];
    let rendered = tenant
        .customer
        .iter()
        .map(|(field, template)| (field.clone(), render(template, &values)));
    let wechat_id = (tenant.wechat_id.write == WechatIdWrite::Create)
        .then(|| (tenant.wechat_id.field.clone(), openid.as_str().to_owned()));
    rendered
        .chain(wechat_id)
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// What is known of the follower when their customer has been found or made.
#[derive(Debug)]
pub struct Linking<'a> {
    /// Who.
    pub follower: &'a Follower,
    /// Their account.
    pub account: &'a Account,
    /// The tenant.
    pub tenant: &'a Tenant,
    /// What WeChat told.
    pub person: &'a Person,
    /// The customer.
    pub customer: &'a Customer,
    /// What a person should look at, for example a WeChat ID that does not stand.
    pub concern: Option<String>,
    /// Whether the follower waits to hear of it.
    pub tell: bool,
}

/// Links, keeps the baseline, and tells the follower their CustomerID if they wait for it.
pub fn linked(linking: &Linking<'_>, now: Timestamp) -> Changes {
    let Linking {
        follower,
        account,
        tenant,
        person,
        customer,
        concern,
        tell,
    } = linking;
    let number = customer.customer_id.as_str();
    let name = person.name.clone().unwrap_or_default();
    let text = render(
        &account.texts.customer_created,
        &[("customer_id", number), ("name", &name)],
    );
    let mut changes = if !tell || text.trim().is_empty() {
        Changes::none()
    } else {
        let values = BTreeMap::from([
            ("customer_id".to_owned(), number.to_owned()),
            ("name".to_owned(), name),
        ]);
        let say = ToSay {
            follower,
            purpose: CUSTOMER_CREATED,
            text: &text,
            values,
            inbox_id: None,
            conversation: None,
        };
        sending::queue(&say, now)
    };
    changes.mappings.push(MappingChange {
        reason: concern.clone(),
        unionid: person.unionid.clone(),
        name: person.name.clone(),
        ..known_as(follower, &account.tenant, customer, MappingState::Linked)
    });
    changes
        .snapshots
        .push(baseline(&account.tenant, tenant, customer));
    for reason in [HELD_NO_CUSTOMER, HELD_CONFLICT] {
        changes.releases.push(record::release(follower, reason));
    }
    changes
}

/// Notes which customer it is although it is not yet all done.
pub fn known_as(
    follower: &Follower,
    tenant: &TenantId,
    customer: &Customer,
    state: MappingState,
) -> MappingChange {
    MappingChange {
        customer: Some((customer.object_id.clone(), customer.customer_id.clone())),
        ..MappingChange::to(follower.clone(), tenant.clone(), state)
    }
}

/// The watched fields as they stand now: what later changes are compared with.
pub fn baseline(id: &TenantId, tenant: &Tenant, customer: &Customer) -> Snapshot {
    Snapshot {
        tenant: id.clone(),
        object_id: customer.object_id.clone(),
        fields: tenant
            .watch
            .iter()
            .map(|field| {
                (
                    field.clone(),
                    customer.field(field).unwrap_or_default().to_owned(),
                )
            })
            .collect(),
        etag: customer.etag.clone(),
        changed_at: customer.changed_at,
    }
}

/// Several customers claim the follower: a person must choose.
pub fn conflict(follower: &Follower, tenant: &TenantId, candidates: &[Customer]) -> Changes {
    let numbers: Vec<&str> = candidates.iter().map(|c| c.customer_id.as_str()).collect();
    let mapping = MappingChange {
        reason: Some(format!(
            "several customers claim it: {}",
            numbers.join(", ")
        )),
        ..MappingChange::to(follower.clone(), tenant.clone(), MappingState::Conflict)
    };
    Changes {
        mappings: vec![mapping],
        ..Changes::none()
    }
}

/// The customer is gone from C4C.
pub fn gone(follower: &Follower, tenant: &TenantId, reason: &str) -> MappingChange {
    MappingChange {
        reason: Some(reason.to_owned()),
        ..MappingChange::to(follower.clone(), tenant.clone(), MappingState::Obsolete)
    }
}
