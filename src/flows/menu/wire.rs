//! WeChat's JSON for menus, both ways (wechat.md 7).

use serde_json::{Value, json};

use super::{Found, FoundConditional};
use crate::domain::menu::{
    Button, Conditional, Does, Kind, MINI_PROGRAM, MatchRule, Platform, Tag,
};

/// Only the console makes these.
const CONSOLE_PICTURE: &str = "img";

/// The body of `menu/create`.
pub fn create(buttons: &[Button]) -> Value {
    json!({ "button": written(buttons) })
}

/// The body of `menu/addconditional`. A tag's name must have become its number by now.
pub fn add_conditional(conditional: &Conditional) -> Value {
    json!({ "button": written(&conditional.buttons), "matchrule": rule(&conditional.rule) })
}

/// A menu at WeChat in the form of `menu/get`.
pub fn shown(found: &Found) -> Value {
    let conditional: Vec<Value> = found
        .conditional
        .iter()
        .map(|one| {
            json!({
                "button": written(&one.buttons),
                "matchrule": rule(&one.rule),
                "menuid": one.id,
            })
        })
        .collect();
    json!({
        "menu": found.buttons.as_deref().map(create),
        "conditionalmenu": conditional,
    })
}

fn rule(rule: &MatchRule) -> Value {
    let mut object = json!({});
    match &rule.tag {
        Some(Tag::Id(id)) => object["tag_id"] = json!(id.to_string()),
        Some(Tag::Name(name)) => object["tag_id"] = json!(name),
        None => {}
    }
    if let Some(platform) = rule.platform {
        let number = Platform::ALL.iter().find(|(_, one, _)| *one == platform);
        object["client_platform_type"] = json!(number.map(|(_, _, number)| number.to_string()));
    }
    object
}

fn written(buttons: &[Button]) -> Value {
    buttons
        .iter()
        .map(|Button { name, does }| match does {
            Does::Opens(below) => json!({ "name": name, "sub_button": written(below) }),
            Does::Acts { kind, value } => {
                json!({ "type": kind.as_str(), "name": name, kind.member(): value })
            }
            Does::MiniProgram { app_id, path, url } => json!({
                "type": MINI_PROGRAM,
                "name": name,
                "appid": app_id,
                "pagepath": path,
                "url": url,
            }),
            Does::Other { kind, value } => json!({ "type": kind, "name": name, "value": value }),
        })
        .collect()
}

/// Reads the answer of `menu/get`. What is not understood is kept as such, and equals no menu of a file.
pub fn read(answer: &Value) -> Found {
    let listed = answer["conditionalmenu"].as_array();
    let mut conditional: Vec<FoundConditional> = listed
        .into_iter()
        .flatten()
        .map(|one| FoundConditional {
            id: number(&one["menuid"]).unwrap_or_default(),
            rule: read_rule(&one["matchrule"]),
            buttons: buttons(&one["button"]),
        })
        .collect();
    conditional.sort_by_key(|one| std::cmp::Reverse(one.id));
    Found {
        buttons: answer["menu"]["button"]
            .is_array()
            .then(|| buttons(&answer["menu"]["button"])),
        conditional,
    }
}

/// Reads the answer of `get_current_selfmenu_info`, which tells of menus made in the console, too, and
/// of no conditional ones.
pub fn read_current(answer: &Value) -> Found {
    let info = &answer["selfmenu_info"];
    let is_open = number(&answer["is_menu_open"]) != Some(0);
    Found {
        buttons: (is_open && info["button"].is_array()).then(|| buttons(&info["button"])),
        conditional: Vec::new(),
    }
}

/// Older pages of the documentation call the tag `group_id`, and numbers come as texts, too.
fn read_rule(rule: &Value) -> MatchRule {
    let filled = |name: &str| number(&rule[name]).filter(|id| *id != 0);
    let platform = number(&rule["client_platform_type"]);
    let platform = Platform::ALL
        .iter()
        .find(|(_, _, number)| Some(*number) == platform);
    MatchRule {
        tag: filled("tag_id").or_else(|| filled("group_id")).map(Tag::Id),
        platform: platform.map(|(_, platform, _)| *platform),
    }
}

fn buttons(list: &Value) -> Vec<Button> {
    list.as_array().into_iter().flatten().map(button).collect()
}

fn button(object: &Value) -> Button {
    // menu/get has an array, get_current_selfmenu_info an object with a list.
    let below = match &object["sub_button"] {
        Value::Object(below) => below.get("list").unwrap_or(&Value::Null),
        array => array,
    };
    let below = buttons(below);
    let does = if below.is_empty() {
        acts(object)
    } else {
        Does::Opens(below)
    };
    Button {
        name: text(object, "name"),
        does,
    }
}

fn acts(object: &Value) -> Does {
    let kind = text(object, "type");
    match (kind.as_str(), Kind::parse(&kind)) {
        (_, Some(kind)) => Does::Acts {
            kind,
            // get_current_selfmenu_info may tell it under the general name.
            value: Some(text(object, kind.member()))
                .filter(|value| !value.is_empty())
                .unwrap_or_else(|| text(object, "value")),
        },
        (MINI_PROGRAM, _) => Does::MiniProgram {
            app_id: text(object, "appid"),
            path: text(object, "pagepath"),
            url: text(object, "url"),
        },
        (CONSOLE_PICTURE, _) => Does::Acts {
            kind: Kind::MediaId,
            value: text(object, "value"),
        },
        _ => Does::Other {
            value: text(object, "value"),
            kind,
        },
    }
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
