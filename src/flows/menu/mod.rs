//! The menu of an account: WeChat's words for it, what differs, and what puts it right. Pure.
//!
//! Its limits are held where its file is read ([`crate::config::load_menu`]), so that nothing here meets a
//! menu that WeChat would refuse. Start reading at [`plan`]; [`wire`] reads and writes WeChat's JSON
//! (wechat.md 7), [`diff`] and [`mod@file`] are for people.

pub mod diff;
pub mod file;
pub mod plan;
pub mod wire;

use serde::{Deserialize, Serialize};

use super::names::{MENU_APPLY, MENU_DELETE};
use crate::config::{Rule, When};
use crate::domain::ids::AccountId;
use crate::domain::menu::{Button, Does, Kind, MatchRule, Menu};
use crate::domain::rows::{NewEffect, names};

/// What WeChat has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The default menu; `None` when there is none.
    pub buttons: Option<Vec<Button>>,
    /// The conditional ones, the newest first: the first that fits a follower is theirs.
    pub conditional: Vec<FoundConditional>,
}

/// A conditional menu at WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundConditional {
    /// `menuid`: greater for newer ones.
    pub id: i64,
    /// For whom.
    pub rule: MatchRule,
    /// What they see.
    pub buttons: Vec<Button>,
}

/// The payload of `menu.apply`: the menu itself, so that the row tells what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apply {
    /// Whose.
    pub account: AccountId,
    /// What it shall be.
    pub menu: Menu,
}

/// The payload of `menu.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delete {
    /// Whose.
    pub account: AccountId,
}

/// The effect that lets an account have this menu. A person's is never merged with one that waits, which
/// may hold an older menu.
pub fn apply(account: &AccountId, menu: Menu) -> NewEffect {
    let payload = Apply {
        account: account.clone(),
        menu,
    };
    effect(account, MENU_APPLY, &payload)
}

/// The effect that takes all menus of an account away.
pub fn delete(account: &AccountId) -> NewEffect {
    let payload = Delete {
        account: account.clone(),
    };
    effect(account, MENU_DELETE, &payload)
}

fn effect(account: &AccountId, name: &'static str, payload: &impl Serialize) -> NewEffect {
    let lane = names::menu_lane(account);
    NewEffect::new(lane, name, names::wechat(account), payload)
}

/// The keys of buttons that are clicked and that none of the account's rules answers, each once.
pub fn unanswered<'a>(menu: &'a Menu, rules: &[Rule]) -> Vec<&'a str> {
    let answers = |key: &str| {
        rules.iter().any(|rule| match &rule.when {
            When::Click(answered) => answered == key,
            When::Event(event) => event.eq_ignore_ascii_case("click"),
            When::Text(_) | When::Regex(_) | When::Message(_) => false,
        })
    };
    let mut keys: Vec<&str> = Vec::new();
    for button in menu.leaves() {
        if let Does::Acts {
            kind: Kind::Click,
            value: key,
        } = &button.does
            && !answers(key)
            && !keys.contains(&key.as_str())
        {
            keys.push(key);
        }
    }
    keys
}

#[cfg(test)]
mod tests;
