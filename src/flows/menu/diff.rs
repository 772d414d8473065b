//! Where the menu at WeChat and the menu of the file differ, for people.

use serde::Serialize;

use super::Found;
use crate::domain::menu::{Button, Does, MINI_PROGRAM, MatchRule, Menu, Platform, Tag};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which button of which menu.
    pub place: String,
    /// What WeChat has there; `None` for nothing.
    pub wechat: Option<String>,
    /// What the file has there; `None` for nothing.
    pub file: Option<String>,
}

/// Every difference. Names of tags have become numbers by now ([`super::plan::resolved`]).
pub fn differences(found: &Found, wanted: &Menu) -> Vec<Difference> {
    let mut differences = Vec::new();
    let default = found.buttons.as_deref().unwrap_or_default();
    compare("default", default, &wanted.buttons, &mut differences);
    for one in &wanted.conditional {
        let place = menu_for(&one.rule);
        let theirs = found
            .conditional
            .iter()
            .find(|other| other.rule == one.rule);
        let theirs = theirs.map_or(&[][..], |other| &other.buttons);
        compare(&place, theirs, &one.buttons, &mut differences);
    }
    for (at, one) in found.conditional.iter().enumerate() {
        let is_wanted = wanted
            .conditional
            .iter()
            .any(|other| other.rule == one.rule);
        let is_first = !found.conditional[..at]
            .iter()
            .any(|other| other.rule == one.rule);
        if !(is_wanted && is_first) {
            compare(&menu_for(&one.rule), &one.buttons, &[], &mut differences);
        }
    }
    // The same menus: then only their order can differ.
    if differences.is_empty() {
        let theirs: Vec<String> = found
            .conditional
            .iter()
            .map(|o| menu_for(&o.rule))
            .collect();
        let ours: Vec<String> = wanted
            .conditional
            .iter()
            .map(|o| menu_for(&o.rule))
            .collect();
        if theirs != ours {
            differences.push(Difference {
                place: "order".to_owned(),
                wechat: Some(theirs.join(", ")),
                file: Some(ours.join(", ")),
            });
        }
    }
    differences
}

fn compare(place: &str, theirs: &[Button], ours: &[Button], into: &mut Vec<Difference>) {
    for at in 0..theirs.len().max(ours.len()) {
        let place = format!("{place}, button {}", at + 1);
        let (wechat, file) = (theirs.get(at), ours.get(at));
        let told = |button: Option<&Button>| button.map(told);
        if told(wechat) != told(file) {
            into.push(Difference {
                place: place.clone(),
                wechat: told(wechat),
                file: told(file),
            });
        }
        compare_below(&place, below(wechat), below(file), into);
    }
}

fn compare_below(place: &str, theirs: &[Button], ours: &[Button], into: &mut Vec<Difference>) {
    if !theirs.is_empty() || !ours.is_empty() {
        compare(&format!("{place}, sub"), theirs, ours, into);
    }
}

fn below(button: Option<&Button>) -> &[Button] {
    match button.map(|button| &button.does) {
        Some(Does::Opens(below)) => below,
        _ => &[],
    }
}

/// For whom a conditional menu is.
fn menu_for(rule: &MatchRule) -> String {
    let tag = rule.tag.as_ref().map(|tag| match tag {
        Tag::Id(id) => format!("tag {id}"),
        Tag::Name(name) => format!("tag {name}"),
    });
    let platform = rule.platform.and_then(|platform| {
        let found = Platform::ALL.iter().find(|(_, one, _)| *one == platform);
        found.map(|(word, ..)| (*word).to_owned())
    });
    let said: Vec<String> = tag.into_iter().chain(platform).collect();
    format!("conditional ({})", said.join(", "))
}

/// A button in one line; of one that opens others, these are told apart.
fn told(button: &Button) -> String {
    let name = &button.name;
    match &button.does {
        Does::Opens(_) => format!("{name}: opens sub-buttons"),
        Does::Acts { kind, value } => format!("{name}: {} {value}", kind.as_str()),
        Does::MiniProgram { app_id, path, url } => {
            format!("{name}: {MINI_PROGRAM} {app_id} {path} {url}")
        }
        Does::Other { kind, .. } => format!("{name}: {kind}, which only the console makes"),
    }
}
