//! A follower's name becomes known, or becomes a better one: their customer is renamed.
//!
//! WeChat no longer tells nicknames (wechat.md 5), so most customers begin with what the
//! configuration puts in a name's place. Fields whose template speaks of `{name}` follow the name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::CUSTOMER_RENAME;
use crate::config::{Account, Tenant};
use crate::domain::ids::OpenId;
use crate::domain::placeholder::{names, render};
use crate::domain::rows::{Follower, NewEffect, names as remotes};
use crate::store::Mapping;

/// The field by which a customer is found where the WeChat ID has no place of its own.
const FAMILY_NAME: &str = "LastName";

/// The payload of `customer.rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    /// Whose customer.
    pub follower: Follower,
    /// The new name.
    pub name: String,
}

/// The effect that renames a customer, if the name is news. It stands in the customer's own lane, before
/// C4C's notification of the change that it makes: the baseline is renewed by then.
pub fn rename(
    mapping: &Mapping,
    name: Option<&str>,
    account: &Account,
    tenant: &Tenant,
) -> Option<NewEffect> {
    let name = name.filter(|name| mapping.name.as_deref() != Some(*name))?;
    let (object_id, _) = mapping.customer.as_ref()?;
    if !follow_names(tenant) {
        return None;
    }
    let rename = Rename {
        follower: mapping.follower.clone(),
        name: name.to_owned(),
    };
    Some(NewEffect::new(
        remotes::object_lane(&account.tenant, object_id),
        CUSTOMER_RENAME,
        remotes::c4c(&account.tenant),
        &rename,
    ))
}

/// Whether customers are named after their followers at all.
pub fn follow_names(tenant: &Tenant) -> bool {
    named_fields(tenant).next().is_some()
}

/// The fields that follow the name.
fn named_fields(tenant: &Tenant) -> impl Iterator<Item = (&String, &String)> {
    let speaks = |template: &str| names(template).any(|name| name == "name");
    tenant
        .customer
        .iter()
        .filter(move |(_, template)| speaks(template))
}

/// What is changed. The family name may be all by which the customer is found: it changes only where
/// the WeChat ID was read back from a place of its own, and is right.
pub fn fields(
    tenant: &Tenant,
    openid: &OpenId,
    name: &str,
    wechat_id: Option<&str>,
) -> BTreeMap<String, String> {
    let values = [("openid", openid.as_str()), ("name", name)];
    let stands = wechat_id == Some(openid.as_str()) && tenant.wechat_id.field != FAMILY_NAME;
    named_fields(tenant)
        .filter(|(field, _)| stands || field.as_str() != FAMILY_NAME)
        .map(|(field, template)| (field.clone(), render(template, &values)))
        .collect()
}
