//! What a menu may hold, and with which code it is refused.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::wechat::WeChat;
use crate::wechat::media::Origin;
use crate::wechat::refusal::Refusal;

/// Types that push their key.
const WITH_KEY: [&str; 7] = [
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];

/// Rules that WeChat took away for privacy.
const REFUSED_RULES: [&str; 5] = ["sex", "country", "province", "city", "language"];

/// Bytes of a key, and of a link.
const KEY: usize = 128;
const URL: usize = 1024;

/// Hosts that the links of all conditional menus may lead to.
const HOSTS: usize = 3;

/// Codes for what is wrong, of a button and of a sub-button.
struct Codes {
    kind: i64,
    name: i64,
    key: i64,
    url: i64,
    domain: i64,
    name_bytes: usize,
}

const BUTTON: Codes = Codes {
    kind: 40017,
    name: 40018,
    key: 40019,
    url: 40020,
    domain: 40055,
    name_bytes: 16,
};

const SUB_BUTTON: Codes = Codes {
    kind: 40024,
    name: 40025,
    key: 40026,
    url: 40027,
    domain: 40054,
    name_bytes: 60,
};

impl WeChat {
    /// The buttons of a body, as `menu/get` shows them.
    pub(super) fn checked_buttons(&self, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let buttons = body["button"].as_array();
        let buttons = buttons.filter(|list| (1..=3).contains(&list.len()));
        let buttons = buttons.ok_or_else(|| Refusal::new(40016))?;
        let checked = buttons.iter().map(|button| self.button(button, now));
        checked.collect::<Result<Vec<_>, _>>().map(Value::from)
    }

    fn button(&self, button: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let below = button["sub_button"].as_array();
        let Some(below) = below.filter(|below| !below.is_empty()) else {
            return self.leaf(button, &BUTTON, now);
        };
        let name = name(button, &BUTTON)?;
        if below.len() > 5 {
            return Err(Refusal::new(40023));
        }
        if !button["type"].is_null() {
            return Err(Refusal::new(40017));
        }
        let deeper = |below: &Value| {
            below["sub_button"]
                .as_array()
                .is_some_and(|b| !b.is_empty())
        };
        if below.iter().any(deeper) {
            return Err(Refusal::new(40022));
        }
        let below = below.iter().map(|one| self.leaf(one, &SUB_BUTTON, now));
        let below: Vec<Value> = below.collect::<Result<_, _>>()?;
        Ok(json!({ "name": name, "sub_button": below }))
    }

    fn leaf(&self, button: &Value, codes: &Codes, now: Timestamp) -> Result<Value, Refusal> {
        let mut kept = json!({ "name": name(button, codes)?, "sub_button": [] });
        let kind = button["type"].as_str().unwrap_or_default();
        kept["type"] = json!(kind);
        match kind {
            kind if WITH_KEY.contains(&kind) => {
                kept["key"] = json!(within(&button["key"], KEY, codes.key)?);
            }
            "view" => kept["url"] = json!(link(button, codes)?),
            "miniprogram" => {
                let app_id = button["appid"].as_str().unwrap_or_default();
                if !(app_id.starts_with("wx") && app_id.len() == 18) {
                    return Err(Refusal::new(40013));
                }
                let linked = &self.settings.mini_programs;
                if !linked.is_empty() && !linked.iter().any(|known| known == app_id) {
                    return Err(Refusal::new(45064));
                }
                kept["appid"] = json!(app_id);
                kept["pagepath"] = json!(within(&button["pagepath"], URL, codes.url)?);
                kept["url"] = json!(link(button, codes)?);
            }
            "media_id" | "view_limited" => {
                let id = button["media_id"].as_str().unwrap_or_default();
                if self.media.get(id, now)?.origin != Origin::Material {
                    return Err(Refusal::new(40007));
                }
                kept["media_id"] = json!(id);
            }
            "article_id" | "article_view_limited" => {
                kept["article_id"] = json!(within(&button["article_id"], KEY, 40007)?);
            }
            _ => return Err(Refusal::new(codes.kind)),
        }
        Ok(kept)
    }

    /// Whom a conditional menu is for: tag and platform, at least one of them.
    pub(super) fn checked_rule(&self, rule: &Value) -> Result<(Option<i64>, Option<i64>), Refusal> {
        let filled = |name: &str| !matches!(&rule[name], Value::Null) && rule[name] != "";
        if REFUSED_RULES.into_iter().any(filled) {
            return Err(Refusal::new(65320));
        }
        let told = |name: &str| {
            if !filled(name) {
                return Ok(None);
            }
            let number = number(&rule[name]).map(Some);
            number.ok_or_else(|| Refusal::new(47001))
        };
        let (tag, platform) = (told("tag_id")?, told("client_platform_type")?);
        if tag.is_none() && platform.is_none() {
            return Err(Refusal::new(65304));
        }
        if tag.is_some_and(|tag| !self.tags.is_known(tag)) {
            return Err(Refusal::new(45159));
        }
        if platform.is_some_and(|platform| !(1..=3).contains(&platform)) {
            return Err(Refusal::new(65304));
        }
        Ok((tag, platform))
    }
}

/// A number, also as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn name<'a>(button: &'a Value, codes: &Codes) -> Result<&'a str, Refusal> {
    within(&button["name"], codes.name_bytes, codes.name)
}

/// A text that is there and has at most so many bytes.
fn within(value: &Value, most: usize, code: i64) -> Result<&str, Refusal> {
    let text = value.as_str().unwrap_or_default();
    let fits = (1..=most).contains(&text.len());
    fits.then_some(text).ok_or_else(|| Refusal::new(code))
}

fn link<'a>(button: &'a Value, codes: &Codes) -> Result<&'a str, Refusal> {
    let url = within(&button["url"], URL, codes.url)?;
    host(url)
        .map(|_| url)
        .ok_or_else(|| Refusal::new(codes.domain))
}

/// The host of a link of the web.
fn host(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then_some(host)
}

/// The links of all these menus lead to few hosts: 65316.
pub(super) fn few_hosts<'a>(menus: impl Iterator<Item = &'a Value>) -> Result<(), Refusal> {
    let mut hosts = BTreeSet::new();
    for button in menus.filter_map(Value::as_array).flatten() {
        let below = button["sub_button"].as_array().into_iter().flatten();
        for leaf in below.chain([button]) {
            hosts.extend(leaf["url"].as_str().and_then(host));
        }
    }
    if hosts.len() > HOSTS {
        return Err(Refusal::new(65316));
    }
    Ok(())
}
