//! A follower's name becomes known, or becomes a better one: their customer is renamed.
//!
//! WeChat no longer tells nicknames (wechat.md 5), so most customers begin with what the
//! configuration puts in a name's place. Fields whose template speaks of `{name}` follow the name, those
//! that speak of `{avatar}` the picture that a follower consented to tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::CUSTOMER_RENAME;
use crate::config::{Account, Tenant};
use crate::domain::placeholder::{names, render};
use crate::domain::rows::{Follower, NewEffect, Profile, names as remotes};
use crate::store::Mapping;

/// The field by which a customer is found where the WeChat ID has no place of its own.
const FAMILY_NAME: &str = "LastName";

/// The payload of `customer.rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    /// Whose customer.
    pub follower: Follower,
    /// The new name; `None` if that is no news, empty if there is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of the new picture, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

impl Rename {
    /// Of somebody whose name became known.
    pub fn to(follower: Follower, name: String) -> Self {
        Self {
            follower,
            name: Some(name),
            avatar: None,
        }
    }

    /// The placeholders whose fields change.
    fn news(&self) -> impl Iterator<Item = &'static str> {
        let name = self.name.is_some().then_some("name");
        let avatar = self.avatar.is_some().then_some("avatar");
        name.into_iter().chain(avatar)
    }
}

/// The effect that renames a customer, if the name is news. It stands in the customer's own lane, before
/// C4C's notification of the change that it makes: the baseline is renewed by then.
pub fn rename(
    mapping: &Mapping,
    name: Option<&str>,
    account: &Account,
    tenant: &Tenant,
) -> Option<NewEffect> {
    called(mapping, name, None, account, tenant)
}

/// As [`rename`], of somebody who tells their picture, too; the picture is news.
pub fn called(
    mapping: &Mapping,
    name: Option<&str>,
    avatar: Option<&str>,
    account: &Account,
    tenant: &Tenant,
) -> Option<NewEffect> {
    let name = name.filter(|name| mapping.name.as_deref() != Some(*name));
    let rename = Rename {
        follower: mapping.follower.clone(),
        name: name.map(str::to_owned),
        avatar: avatar.map(str::to_owned),
    };
    effect(mapping, &rename, account, tenant)
}

/// The effect that takes a withdrawn name and picture from a customer again, as far as they came from
/// that profile.
pub fn forgotten(
    mapping: &Mapping,
    profile: &Profile,
    account: &Account,
    tenant: &Tenant,
) -> Option<NewEffect> {
    let is_theirs = profile.name.is_some() && profile.name == mapping.name;
    let rename = Rename {
        follower: mapping.follower.clone(),
        name: is_theirs.then(String::new),
        avatar: profile.avatar.as_ref().map(|_| String::new()),
    };
    effect(mapping, &rename, account, tenant)
}

fn effect(
    mapping: &Mapping,
    rename: &Rename,
    account: &Account,
    tenant: &Tenant,
) -> Option<NewEffect> {
    let (object_id, _) = mapping.customer.as_ref()?;
    let mut news = rename.news();
    if !news.any(|word| speaking_of(tenant, word).next().is_some()) {
        return None;
    }
    Some(NewEffect::new(
        remotes::object_lane(&account.tenant, object_id),
        CUSTOMER_RENAME,
        remotes::c4c(&account.tenant),
        rename,
    ))
}

/// Whether customers are named after their followers at all.
pub fn follow_names(tenant: &Tenant) -> bool {
    speaking_of(tenant, "name").next().is_some()
}

/// The fields whose template speaks of this placeholder.
fn speaking_of<'a>(
    tenant: &'a Tenant,
    word: &'static str,
) -> impl Iterator<Item = (&'a String, &'a String)> {
    let speaks = move |template: &str| names(template).any(|name| name == word);
    tenant
        .customer
        .iter()
        .filter(move |(_, template)| speaks(template))
}

/// What is changed; `stands` is what stood there before, name and picture. The family name may be all by
/// which the customer is found: it changes only where the WeChat ID was read back from a place of its
/// own, and is right; and it is never emptied, since C4C wants one.
pub fn fields(
    tenant: &Tenant,
    rename: &Rename,
    stands: &Profile,
    wechat_id: Option<&str>,
) -> BTreeMap<String, String> {
    let openid = rename.follower.openid.as_str();
    let of = |news: &Option<String>, before: &Option<String>| {
        news.clone().or_else(|| before.clone()).unwrap_or_default()
    };
    let name = of(&rename.name, &stands.name);
    let avatar = of(&rename.avatar, &stands.avatar);
    let values = [("openid", openid), ("name", &name), ("avatar", &avatar)];
    let may_change = wechat_id == Some(openid) && tenant.wechat_id.field != FAMILY_NAME;
    rename
        .news()
        .flat_map(|word| speaking_of(tenant, word))
        .map(|(field, template)| (field.clone(), render(template, &values)))
        .filter(|(field, value)| field != FAMILY_NAME || (may_change && !value.is_empty()))
        .collect()
}
