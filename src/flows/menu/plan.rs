//! From what WeChat has to what it shall have, in as few calls as possible.

use crate::domain::menu::{Conditional, MatchRule, Menu, Tag};

use super::Found;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `menu/create`: the default menu is replaced.
    Create,
    /// `menu/delconditional` of this one.
    Delete(i64),
    /// `menu/addconditional`; it is then the newest.
    Add(Conditional),
}

/// A tag's name that WeChat does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "WeChat has no tag named `{0}`; make it in the console (用户管理), or write another under tag"
)]
pub struct UnknownTag(pub String);

/// Whether tags must be looked up.
pub fn needs_tags(menu: &Menu) -> bool {
    let mut rules = menu.conditional.iter().map(|one| &one.rule);
    rules.any(|rule| matches!(rule.tag, Some(Tag::Name(_))))
}

/// The menu with numbers in place of the tags' names.
pub fn resolved(menu: &Menu, tags: &[(i64, String)]) -> Result<Menu, UnknownTag> {
    let number = |tag: &Tag| match tag {
        Tag::Id(id) => Ok(Tag::Id(*id)),
        Tag::Name(name) => {
            let found = tags.iter().find(|(_, known)| known == name);
            found
                .map(|(id, _)| Tag::Id(*id))
                .ok_or_else(|| UnknownTag(name.clone()))
        }
    };
    let conditional = menu.conditional.iter().map(|one| {
        Ok(Conditional {
            rule: MatchRule {
                tag: one.rule.tag.as_ref().map(number).transpose()?,
                platform: one.rule.platform,
            },
            buttons: one.buttons.clone(),
        })
    });
    Ok(Menu {
        buttons: menu.buttons.clone(),
        conditional: conditional.collect::<Result<_, _>>()?,
    })
}

/// What must be called so that WeChat has `wanted`; nothing, if it has.
///
/// WeChat shows the newest that fits, and a file's first that fits is meant, so the file's last is the
/// oldest. What is added is the newest: so those may stay that are the oldest ones wanted, in their order.
pub fn steps(found: &Found, wanted: &Menu) -> Vec<Step> {
    let mut steps = Vec::new();
    if found.buttons.as_ref() != Some(&wanted.buttons) {
        steps.push(Step::Create);
    }
    let mut missing = wanted.conditional.iter().rev().peekable();
    for old in found.conditional.iter().rev() {
        let stays = missing.next_if(|next| next.rule == old.rule && next.buttons == old.buttons);
        if stays.is_none() {
            steps.push(Step::Delete(old.id));
        }
    }
    steps.extend(missing.cloned().map(Step::Add));
    steps
}

/// What these steps did, for a person.
pub fn told(steps: &[Step]) -> String {
    if steps.is_empty() {
        return "WeChat has this menu already; nothing was changed".to_owned();
    }
    let count = |is: fn(&Step) -> bool| steps.iter().filter(|step| is(step)).count();
    let (added, deleted) = (
        count(|step| matches!(step, Step::Add(_))),
        count(|step| matches!(step, Step::Delete(_))),
    );
    let mut told = Vec::new();
    if steps.contains(&Step::Create) {
        told.push("the default menu was replaced".to_owned());
    }
    if added + deleted > 0 {
        told.push(format!(
            "conditional menus: {added} added, {deleted} deleted"
        ));
    }
    told.join("; ")
}
