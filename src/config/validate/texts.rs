//! `[wechat.<account>.texts]` and `[wechat.<account>.templates]`.

use std::collections::BTreeMap;

use super::forms;
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::tree::{Reading, Section, all};
use crate::config::types::{Template, Texts};
use crate::domain::ids::is_config_id;

/// What WeChat carries in one text (wechat.md 2.5).
pub(super) const MAX_TEXT_BYTES: usize = 2048;

/// What is known of the follower whatever the occasion.
const FOLLOWER: [&str; 2] = ["customer_id", "name"];
/// What is known of a branch.
const BRANCH: [&str; 2] = ["name", "distance"];
/// What is known of a file.
const FILE: [&str; 1] = ["name"];
/// What is known when something changed.
const CHANGE: [&str; 3] = ["customer_id", "name", "changes"];

pub(super) fn texts(section: &Section<'_>) -> Reading<Texts> {
    let text = |key: &str, default: &str, known: &[&str]| {
        // An empty text is a choice: say nothing.
        let text = section.text(key)?.unwrap_or(default);
        sendable(text, known).map_err(|fault| section.error(key, fault))
    };
    let welcome = text("welcome", defaults::WELCOME, &FOLLOWER);
    let created = text("customer_created", defaults::CUSTOMER_CREATED, &FOLLOWER);
    let changed = text("customer_changed", defaults::CUSTOMER_CHANGED, &CHANGE);
    let unknown = text(
        "customer_changed_unknown",
        defaults::CUSTOMER_CHANGED_UNKNOWN,
        &FOLLOWER,
    );
    let no_history = text("no_history", defaults::NO_HISTORY, &FOLLOWER);
    let history_deleted = text("history_deleted", defaults::HISTORY_DELETED, &FOLLOWER);
    let file_named = text("file_named", defaults::FILE_NAMED, &FILE);
    let not_bound = text("not_bound", defaults::NOT_BOUND, &[]);
    let nearest_branch = text("nearest_branch", defaults::NEAREST_BRANCH, &BRANCH);
    let branches = text("branches", defaults::BRANCHES, &[]);
    let expired = text("bind_expired", defaults::BIND_EXPIRED, &FOLLOWER);
    let used = text("bind_used", defaults::BIND_USED, &FOLLOWER);
    let unclear = text("bind_unclear", defaults::BIND_UNCLEAR, &FOLLOWER);
    let failed = text("bind_failed", defaults::BIND_FAILED, &FOLLOWER);
    Ok(Texts {
        welcome: welcome?,
        customer_created: created?,
        customer_changed: changed?,
        customer_changed_unknown: unknown?,
        no_history: no_history?,
        history_deleted: history_deleted?,
        file_named: file_named?,
        not_bound: not_bound?,
        nearest_branch: nearest_branch?,
        branches: branches?,
        bind_expired: expired?,
        bind_used: used?,
        bind_unclear: unclear?,
        bind_failed: failed?,
    })
}

fn sendable(text: &str, known: &[&str]) -> Result<String, Fault> {
    short_enough(text)?;
    forms::template(known)(text)
}

/// A text that fits into one message.
pub(super) fn short_enough(text: &str) -> Result<String, Fault> {
    if text.len() > MAX_TEXT_BYTES {
        let reason = format!("the text is longer than {MAX_TEXT_BYTES} bytes");
        return Err(Fault::new(
            reason,
            "shorten it; a Chinese character takes 3 bytes",
        ));
    }
    Ok(text.to_owned())
}

/// What a template message may stand in for: the purposes of what is sent outside an answer to a push.
const PURPOSES: [&str; 5] = [
    "customer_created",
    "customer_changed",
    "reply",
    "operator",
    "hook",
];

pub(super) fn templates(section: &Section<'_>) -> Reading<BTreeMap<String, Template>> {
    // Names of a wrong form are noted with the unknown keys.
    let names = section.names().filter(|name| is_config_id(name));
    let read = |name: &str| {
        if !PURPOSES.contains(&name) {
            let reason = "nothing that is sent has this name";
            let remedy = format!("use one of {}", PURPOSES.join(", "));
            return Err(section.error(name, Fault::new(reason, remedy)));
        }
        Ok((name.to_owned(), template(&section.section(name)?)?))
    };
    Ok(all(names.map(read))?.into_iter().collect())
}

fn template(section: &Section<'_>) -> Reading<Template> {
    let template_id = section.required("template_id", forms::text);
    let url = section.optional("url", forms::http_url);
    let data = section.section("data").and_then(|data| {
        let read = |key: &str| Ok((key.to_owned(), data.or(key, "", forms::template(&CHANGE))?));
        all(data.names().map(read))
    });
    let data: BTreeMap<_, _> = data?.into_iter().collect();
    if data.is_empty() {
        return Err(section.missing("data"));
    }
    Ok(Template {
        template_id: template_id?,
        data,
        url: url?.map(String::from).unwrap_or_default(),
    })
}
