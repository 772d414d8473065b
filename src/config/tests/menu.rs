//! `menu.toml`: what is accepted, what is refused, and in which words.

use std::path::Path;

use proptest::prelude::*;

use super::super::read_menu;
use super::{config, errors, table};
use crate::config::ConfigErrors;
use crate::config::keys::unknown_keys;
use crate::domain::menu::{Does, Kind, MAX_KEY, MAX_NAME, MAX_SUB_NAME, MAX_URL, Menu};

fn read(text: &str) -> Result<Menu, ConfigErrors> {
    let page_url = |page: &str| (page == "account").then(|| "https://b.cn/a".parse().expect("one"));
    read_menu(text, Path::new("/etc/qiao/menu.toml"), &page_url)
}

/// The faults of a file, without its name.
fn faults(text: &str) -> Vec<String> {
    let faults = read(text).expect_err("the menu is not valid").0;
    let within = "/etc/qiao/menu.toml: ";
    let told = faults.iter().map(ToString::to_string);
    told.map(|told| told.strip_prefix(within).expect("its file").to_owned())
        .collect()
}

/// A whole menu of one button with these keys.
fn button(keys: &str) -> String {
    format!("[[button]]\n{keys}\n")
}

#[test]
fn a_whole_menu_is_read() {
    let menu = read(
        r#"
        [[button]]
        name = "我的"
        [[button.sub_button]]
        name = "签到"
        type = "click"
        key = "sign"
        [[button.sub_button]]
        name = "我的账户"
        type = "view"
        page = "account"
        [[button]]
        name = "官网"
        type = "view"
        url = "https://a.cn/#/top"
        [[conditional]]
        tag = 100
        client_platform_type = "ios"
        [[conditional.button]]
        name = "小程序"
        type = "miniprogram"
        app_id = "wx0123456789abcdef"
        path = "pages/index"
        url = "http://mp.weixin.qq.com"
        "#,
    );
    let menu = menu.expect("it is valid");
    let values: Vec<&Does> = menu.leaves().map(|button| &button.does).collect();
    assert_eq!(values.len(), 4);
    let view = |url: &str| Does::Acts {
        kind: Kind::View,
        value: url.to_owned(),
    };
    assert_eq!(*values[1], view("https://b.cn/a"));
    assert_eq!(*values[2], view("https://a.cn/#/top"));
}

#[test]
fn all_faults_of_a_menu_come_at_once_each_with_its_place() {
    let text = r#"
        [[button]]
        name = "六个汉字名称"
        type = "clik"
        [[button]]
        nmae = "x"
        type = "click"
        [[button]]
        name = "b"
        type = "click"
        key = "k"
        [[button.sub_button]]
        name = "c"
        type = "view"
        page = "other"
        [[button]]
        name = "d"
        type = "click"
        url = "https://a.cn"
        key = "k"
        [[conditional]]
        [[conditional.button]]
        name = "e"
        type = "view"
        url = "ftp://a.cn"
    "#;
    let faults = faults(text);
    for expected in [
        "button[1].nmae: there is no such key; the nearest known one is button[].name",
        "button: there are 4, and at most 3 are possible; take some away",
        "button[0].name: the name has 18 bytes, and WeChat takes 16; shorten it; a Chinese character takes 3 bytes",
        "button[0].type: there is no such type of buttons; write one of click, view,",
        "button[1].name: this key is missing or empty",
        "button[1].key: this key is missing or empty",
        "button[2].type: a button with sub-buttons only opens them",
        "button[2].key: a button with sub-buttons only opens them",
        "button[2].sub_button[0].page: the account has no page of this name",
        "button[3].url: a button of this type has no such key; take it away; this type has key",
        "conditional[0]: it does not say whom this menu is meant for",
        "conditional[0].button[0].url: this is no URL of the web",
    ] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(expected)),
            "no `{expected}` in {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 12, "{faults:#?}");
}

#[test]
fn a_menu_without_a_default_one_is_refused() {
    let conditional = "[[conditional]]\ntag = 1\n[[conditional.button]]\nname = \"a\"\ntype = \"click\"\nkey = \"k\"\n";
    let faults = faults(conditional);
    assert!(
        faults[0].starts_with("button: the menu has no button"),
        "{faults:?}"
    );
    assert_eq!(faults.len(), 1);
    assert!(read("").is_err());
}

#[test]
fn sub_buttons_are_one_to_five_and_open_nothing() {
    let sub = "[[button.sub_button]]\nname = \"a\"\ntype = \"click\"\nkey = \"k\"\n";
    let head = button("name = \"a\"");
    assert!(read(&format!("{head}{}", sub.repeat(5))).is_ok());
    let six = faults(&format!("{head}{}", sub.repeat(6)));
    assert_eq!(
        six,
        ["button[0].sub_button: there are 6, and at most 5 are possible; take some away"]
    );
    let deeper = format!("{head}{sub}[[button.sub_button.sub_button]]\nname = \"b\"\n");
    assert!(faults(&deeper)[0].contains("there is no such key"));
    assert!(!faults(&button("name = \"a\"\nsub_button = []")).is_empty());
}

#[test]
fn conditional_menus_lead_to_three_hosts_and_each_is_for_others() {
    let conditional = |tag: &str, host: &str| {
        format!(
            "[[conditional]]\ntag = {tag}\n[[conditional.button]]\nname = \"a\"\ntype = \"view\"\nurl = \"https://{host}\"\n"
        )
    };
    let head = button("name = \"a\"\ntype = \"view\"\nurl = \"https://default.cn\"");
    let menu = |hosts: &[(&str, &str)]| {
        let all: String = hosts
            .iter()
            .map(|(tag, host)| conditional(tag, host))
            .collect();
        format!("{head}{all}")
    };
    let three = [("1", "a.cn"), ("2", "b.cn"), ("3", "c.cn"), ("4", "a.cn")];
    assert!(
        read(&menu(&three)).is_ok(),
        "the default one does not count"
    );
    let four = faults(&menu(&[
        ("1", "a.cn"),
        ("2", "b.cn"),
        ("3", "c.cn"),
        ("4", "d.cn"),
    ]));
    assert!(
        four[0].contains("lead to 4 hosts, and WeChat takes 3"),
        "{four:?}"
    );
    let twice = faults(&menu(&[("1", "a.cn"), ("1", "b.cn")]));
    assert!(
        twice[0].starts_with("conditional[1]: an earlier"),
        "{twice:?}"
    );
    assert!(
        read(&menu(&[("\"1\"", "a.cn"), ("1", "b.cn")])).is_ok(),
        "a name is no number"
    );
}

/// Its pieces, put together, are a menu; the others are pieces of a configuration.
#[test]
fn the_document_shows_a_valid_menu_and_known_keys() {
    let document = include_str!("../../../docs/MENU.md");
    let snippets = document.split("```toml\n").skip(1);
    let snippets = snippets.map(|rest| rest.split("```").next().unwrap_or_default());
    let is_menu =
        |text: &&str| text.starts_with("[[button]]") || text.starts_with("[[conditional]]");
    let (menu, keys): (Vec<&str>, Vec<&str>) = snippets.partition(is_menu);
    let menu = read(&menu.concat()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!((menu.buttons.len(), menu.conditional.len()), (2, 1));
    assert_eq!(keys.len(), 2);
    for keys in keys {
        assert_eq!(unknown_keys(&table(keys)), [], "{keys}");
    }
}

#[test]
fn a_menu_can_only_be_kept_where_there_is_one() {
    let expected = "wechat.main.keep_menu: there is no menu to keep; name its file under menu, or write \"off\"";
    assert_eq!(errors("wechat.main.keep_menu = \"on\""), [expected]);
    let kept = config("wechat.main.keep_menu = \"on\"\nwechat.main.menu = \"menu.toml\"");
    let account = &kept.wechat.values().next().expect("one");
    let file = Path::new("/etc/qiao/menu.toml");
    assert_eq!(account.menu.as_deref(), Some(file));
    assert!(account.keep_menu);
}

#[test]
fn a_rule_opens_only_a_page_that_the_account_has() {
    let rule = |then: &str| {
        format!("[[wechat.main.rules]]\nwhen = {{ click = \"a\" }}\nthen = {{ {then} }}\n")
    };
    let page = "[app.pages.account]\nfolder = \"dist\"\n";
    let opens = rule("page = \"account\", title = \"我的账户\"");
    config(&format!("{page}{opens}"));
    let fault = &errors(&opens)[0];
    assert!(
        fault.starts_with("wechat.main.rules[0].then.page: the account has no page"),
        "{fault}"
    );
    let untitled = errors(&format!("{page}{}", rule("page = \"account\"")));
    assert!(untitled[0].starts_with("wechat.main.rules[0].then.title: this key is missing"));
    let alone = errors(&rule("text = \"x\", title = \"y\""));
    assert!(
        alone[0].contains("stand here only beside page"),
        "{alone:?}"
    );
}

proptest! {
    /// Exactly what fits is accepted, counted in bytes and not in letters.
    #[test]
    fn limits_are_bytes(text in "[菜单a😀 \\PC]{0,60}", of in 0..4_usize) {
        let value = toml::Value::from(text.as_str());
        let (file, most) = match of {
            0 => (button(&format!("name = {value}\ntype = \"click\"\nkey = \"k\"")), MAX_NAME),
            1 => (button(&format!(
                "name = \"a\"\n[[button.sub_button]]\nname = {value}\ntype = \"click\"\nkey = \"k\""
            )), MAX_SUB_NAME),
            2 => (button(&format!("name = \"a\"\ntype = \"click\"\nkey = {value}")), MAX_KEY),
            _ => (button(&format!("name = \"a\"\ntype = \"location_select\"\nkey = {value}")), MAX_KEY),
        };
        let fits = !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
        prop_assert_eq!(read(&file).is_ok(), fits, "{}", file);
    }

    #[test]
    fn a_link_has_so_many_bytes(length in 1000..1050_usize) {
        let url = format!("https://a.cn/{}", "x".repeat(length - 13));
        let file = button(&format!("name = \"a\"\ntype = \"view\"\nurl = \"{url}\""));
        prop_assert_eq!(read(&file).is_ok(), length <= MAX_URL);
    }

    #[test]
    fn no_file_makes_the_reader_panic(text in "(\\[\\[button\\]\\]\n|\\[\\[conditional\\]\\]\n|name = \"a\"\n|tag = 1\n|type = \"view\"\n|sub_button = 1\n|button = \\[\\]\n|\\PC{0,5})*") {
        let _ = read(&text);
    }
}
