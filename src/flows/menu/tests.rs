//! Menus there and back: through WeChat's JSON, through a file, and from one to another.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::plan::{Step, resolved, steps, told};
use super::{Found, FoundConditional, diff, file, unanswered, wire};
use crate::config::{Rule, Then, When, read_menu};
use crate::domain::menu::{
    Button, Conditional, Does, Kind, MAX_KEY, MAX_NAME, MAX_SUB_NAME, MatchRule, Menu, Platform,
    Tag,
};

fn click(name: &str, key: &str) -> Button {
    Button {
        name: name.to_owned(),
        does: Does::Acts {
            kind: Kind::Click,
            value: key.to_owned(),
        },
    }
}

fn menu_for(tag: i64, key: &str) -> Conditional {
    Conditional {
        rule: MatchRule {
            tag: Some(Tag::Id(tag)),
            platform: None,
        },
        buttons: vec![click("我的", key)],
    }
}

/// Text of 1 to `most` bytes, much of it Chinese.
fn words(most: usize) -> impl Strategy<Value = String> {
    let text = prop::collection::vec(
        prop::sample::select(vec!['菜', '单', '😀', 'a', ' ', '"', '\\']),
        1..most,
    );
    text.prop_map(move |text| {
        let mut text: String = text.into_iter().collect();
        text.truncate(text.floor_char_boundary(most));
        text
    })
}

fn leaf(name: usize) -> impl Strategy<Value = Button> {
    let acts = (prop::sample::select(Kind::ALL.to_vec()), words(MAX_KEY)).prop_map(
        |((_, kind), value)| Does::Acts {
            kind,
            value: match kind {
                Kind::View => format!("https://a.cn/{}#x", value.len()),
                _ => value,
            },
        },
    );
    let opens = words(60).prop_map(|path| Does::MiniProgram {
        app_id: "wx0123456789abcdef".to_owned(),
        path,
        url: "http://mp.weixin.qq.com".to_owned(),
    });
    (words(name), prop_oneof![4 => acts, 1 => opens]).prop_map(|(name, does)| Button { name, does })
}

fn buttons() -> impl Strategy<Value = Vec<Button>> {
    let below = prop::collection::vec(leaf(MAX_SUB_NAME), 1..=5);
    let opening = (words(MAX_NAME), below).prop_map(|(name, below)| Button {
        name,
        does: Does::Opens(below),
    });
    prop::collection::vec(prop_oneof![leaf(MAX_NAME), opening], 1..=3)
}

/// Each conditional menu is for others: a few tags, so that two menus have some in common.
fn menus() -> impl Strategy<Value = Menu> {
    let tags = Just((1..=5_i64).collect::<Vec<_>>()).prop_shuffle();
    let few = prop::collection::vec((prop::sample::select(vec!["a", "b"]), any::<bool>()), 0..=5);
    (buttons(), tags, few).prop_map(|(buttons, tags, few)| {
        let conditional = tags
            .iter()
            .zip(few)
            .map(|(tag, (key, on_ios))| Conditional {
                rule: MatchRule {
                    tag: Some(Tag::Id(*tag)),
                    platform: on_ios.then_some(Platform::Ios),
                },
                buttons: vec![click("我的", key)],
            });
        Menu {
            conditional: conditional.collect(),
            buttons,
        }
    })
}

/// What `menu/get` answers about a menu: the oldest conditional one first.
fn at_wechat(menu: &Menu) -> Value {
    let newest = 400_000_i64;
    let conditional = menu.conditional.iter().zip(0_i64..);
    let mut conditional: Vec<Value> = conditional
        .map(|(one, age)| {
            let mut object = wire::add_conditional(one);
            object["menuid"] = json!(newest - age);
            object
        })
        .collect();
    conditional.reverse();
    json!({ "menu": wire::create(&menu.buttons), "conditionalmenu": conditional })
}

fn read_file(text: &str) -> Menu {
    let read = read_menu(text, Path::new("/menu.toml"), &|_| None);
    read.unwrap_or_else(|faults| panic!("{faults}\n{text}"))
}

/// What WeChat has after these steps.
fn after(mut found: Found, steps: &[Step], wanted: &Menu) -> Found {
    for step in steps {
        match step {
            Step::Create => found.buttons = Some(wanted.buttons.clone()),
            Step::Delete(id) => found.conditional.retain(|one| one.id != *id),
            Step::Add(one) => found.conditional.insert(
                0,
                FoundConditional {
                    id: found.conditional.iter().map(|o| o.id).max().unwrap_or(0) + 1,
                    rule: one.rule.clone(),
                    buttons: one.buttons.clone(),
                },
            ),
        }
    }
    found
}

proptest! {
    #[test]
    fn what_is_rendered_and_read_again_differs_in_nothing(menu in menus()) {
        let found = wire::read(&at_wechat(&menu));
        prop_assert_eq!(diff::differences(&found, &menu), vec![]);
        prop_assert_eq!(steps(&found, &menu), vec![]);
    }

    #[test]
    fn what_is_printed_as_a_file_is_the_same_menu(menu in menus()) {
        let printed = file::written(&wire::read(&at_wechat(&menu)));
        prop_assert_eq!(read_file(&printed), menu, "{}", printed);
    }

    #[test]
    fn the_steps_lead_from_any_menu_to_any_other(from in menus(), to in menus()) {
        let found = wire::read(&at_wechat(&from));
        let steps = steps(&found, &to);
        prop_assert_eq!(steps.is_empty(), diff::differences(&found, &to).is_empty());
        let then = after(found, &steps, &to);
        prop_assert_eq!(super::plan::steps(&then, &to), vec![]);
        prop_assert_eq!(diff::differences(&then, &to), vec![]);
    }

    #[test]
    fn no_answer_makes_the_reader_panic(text in "[\\[\\]{}:,\"a-z0-9_]{0,80}") {
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = json!({ "menu": { "button": answer }, "conditionalmenu": answer });
        let _ = file::written(&wire::read(&answer));
        let _ = wire::read_current(&answer);
    }
}

#[test]
fn only_conditional_menus_that_differ_are_made_anew() {
    let menu = |conditional| Menu {
        buttons: vec![click("一", "a")],
        conditional,
    };
    let has = menu(vec![menu_for(3, "c"), menu_for(2, "b"), menu_for(1, "a")]);
    let found = wire::read(&at_wechat(&has));
    let newer = menu(vec![menu_for(3, "x"), menu_for(2, "b"), menu_for(1, "a")]);
    let taken = steps(&found, &newer);
    assert_eq!(taken.len(), 2, "the two older ones stay: {taken:?}");
    assert!(taken.contains(&Step::Add(menu_for(3, "x"))));
    assert_eq!(told(&taken), "conditional menus: 1 added, 1 deleted");
    let older = menu(vec![menu_for(3, "c"), menu_for(2, "b"), menu_for(1, "x")]);
    let taken = steps(&found, &older);
    assert_eq!(taken.len(), 6, "what comes before it is newer: {taken:?}");
    let swapped = menu(vec![menu_for(2, "b"), menu_for(3, "c"), menu_for(1, "a")]);
    let differences = diff::differences(&found, &swapped);
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].place, "order");
}

#[test]
fn a_tag_is_found_by_its_name_or_named() {
    let named = Conditional {
        rule: MatchRule {
            tag: Some(Tag::Name("VIP".to_owned())),
            platform: None,
        },
        ..menu_for(0, "a")
    };
    let menu = Menu {
        buttons: vec![click("一", "a")],
        conditional: vec![named],
    };
    let tags = [(100, "old".to_owned()), (101, "VIP".to_owned())];
    let found = resolved(&menu, &tags).unwrap();
    assert_eq!(found.conditional[0].rule.tag, Some(Tag::Id(101)));
    let unknown = resolved(&menu, &tags[..1]).unwrap_err();
    assert!(unknown.to_string().contains("`VIP`"), "{unknown}");
}

#[test]
fn older_answers_call_the_tag_a_group_and_write_numbers() {
    let answer = json!({ "conditionalmenu": [{
        "button": [], "menuid": 7, "matchrule": { "group_id": 2, "sex": 0, "client_platform_type": 3 },
    }]});
    let rule = &wire::read(&answer).conditional[0].rule;
    assert_eq!(rule.tag, Some(Tag::Id(2)));
    assert_eq!(rule.platform, Some(Platform::Other));
}

#[test]
fn a_menu_of_the_console_becomes_a_file_that_says_what_it_needs() {
    let found = wire::read_current(&json!({ "is_menu_open": 1, "selfmenu_info": { "button": [
        { "name": "button", "sub_button": { "list": [
            { "type": "view", "name": "官网", "url": "http://a.cn/" },
            { "type": "text", "name": "电话", "value": "拨打\n12345" },
        ]}},
        { "type": "img", "name": "图", "value": "MEDIA" },
    ]}}));
    let printed = file::written(&found);
    assert!(printed.contains("with text: 拨打 12345."), "{printed}");
    let menu = read_file(&printed);
    let Does::Opens(below) = &menu.buttons[0].does else {
        panic!("{menu:?}")
    };
    assert_eq!(below[1], click("电话", "console_1"));
    let picture = Does::Acts {
        kind: Kind::MediaId,
        value: "MEDIA".to_owned(),
    };
    assert_eq!(menu.buttons[1].does, picture);
    let closed = wire::read_current(&json!({ "is_menu_open": 0, "selfmenu_info": {} }));
    assert_eq!(closed, Found::default());
}

#[test]
fn clicks_that_no_rule_answers_are_named_once() {
    let menu = Menu {
        buttons: vec![click("一", "a"), click("二", "b"), click("三", "b")],
        conditional: vec![menu_for(1, "c")],
    };
    let rule = |when| Rule {
        when,
        then: Then::Text("x".to_owned()),
    };
    let one = [rule(When::Click("a".to_owned()))];
    assert_eq!(unanswered(&menu, &one), ["b", "c"]);
    let all = [rule(When::Event("CLICK".to_owned()))];
    assert_eq!(unanswered(&menu, &all), [""; 0]);
}
