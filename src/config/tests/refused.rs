//! What is refused as a whole; single bad values are in `values`.

use std::path::Path;

use proptest::prelude::*;

use super::super::{Environment, load_text};
use super::{changed, errors};

#[test]
fn all_faults_come_at_once_a_line_each() {
    let change = r#"
        server.listen = "here"
        server.lisen = "there"
        wechat.main.app_id = "wx"
        wechat.main.texts.welcome = "{who}"
        c4c.main.max_calls = 99
        c4c.main.password = "密码""#;
    let env = [("QIAO_SERVER__TIMEZONE", "UTC")]
        .into_iter()
        .collect::<Environment>();
    let file = Path::new("/etc/qiao/qiao.toml");
    let shown = load_text(&changed(change), file, &env)
        .unwrap_err()
        .to_string();
    let keys: Vec<_> = shown
        .lines()
        .map(|l| l.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "QIAO_SERVER__TIMEZONE",
            "server.lisen",
            "server.listen",
            "wechat.main.app_id",
            "wechat.main.texts.welcome",
            "c4c.main.password",
            "c4c.main.max_calls",
        ]
    );
}

#[test]
fn a_table_whose_id_was_forgotten_is_explained() {
    let errors = errors("c4c.url = \"https://my000000.crm.ondemand.com\"");
    let expected = "c4c: it holds keys that belong to no tenant; \
                    write them under [c4c.<tenant>], for example [c4c.main]";
    assert!(errors.contains(&expected.to_owned()), "{errors:?}");
}

#[test]
fn two_accounts_cannot_share_an_app() {
    let other =
        "wechat.other = { app_id = \"wx0123456789abcdef\", app_secret = \"s\", token = \"abc\" }";
    assert_eq!(
        errors(other),
        ["wechat.other.app_id: the account main has the same AppID; keep one of the two accounts"]
    );
}

#[test]
fn with_two_tenants_an_account_must_choose_one() {
    let other = r#"
        [c4c.other]
        url = "https://my000001.crm.ondemand.com"
        username = "QIAO"
        password = "s"
        notify_key = "0123456789abcdef""#;
    assert_eq!(
        errors(other),
        ["wechat.main.tenant: this key is missing or empty; give its value"]
    );
}

#[test]
fn a_text_that_no_message_can_carry_is_refused() {
    let change = format!("wechat.main.texts.welcome = \"{}\"", "好".repeat(683));
    assert!(errors(&change)[0].contains("longer than 2048 bytes"));
}

#[test]
fn a_template_that_nothing_uses_is_refused() {
    let template = "{ template_id = \"t\", data = { thing1 = \"x\" } }";
    let change = format!("wechat.main.templates.replay = {template}");
    assert_eq!(
        errors(&change),
        [
            "wechat.main.templates.replay: nothing that is sent has this name; \
          use one of customer_created, customer_changed, reply, operator, hook"
        ]
    );
}

#[test]
fn no_value_is_repeated_in_an_error() {
    let change = r#"
        wechat.main.app_id = "hunter2"
        wechat.main.token = "hunter2 hunter2"
        wechat.main.encoding_aes_key = "hunter2"
        wechat.main.api_url = "https://hunter2:hunter2@a.cn"
        c4c.main.password = "hunter2€"
        c4c.main.notify_key = "hunter2"
        outbound.proxy = "hunter2""#;
    let errors = errors(change);
    assert_eq!(errors.len(), 7, "{errors:?}");
    assert!(errors.iter().all(|e| !e.contains("hunter2")), "{errors:?}");
}

proptest! {
    #[test]
    fn whatever_stands_in_the_file_or_a_variable_is_answered_with_sentences(
        name in "QIAO_[A-Z_]{0,24}",
        text in r#"(\[\[?(server|wechat|c4c|x)(\.[a-zA-Z]{1,4})?\]?\]\n|[a-z_]{1,8} = ("[^"\\\n]{0,6}"|[0-9]|\[\]|\{\})\n|.){0,8}"#,
    ) {
        let env: Environment = [(name, "x")].into_iter().collect();
        let errors = load_text(&text, Path::new("/etc/qiao/qiao.toml"), &env).unwrap_err();
        prop_assert!(!errors.0.is_empty());
        for error in errors.0 {
            let parts = [error.key, error.reason, error.remedy];
            prop_assert!(parts.iter().all(|p| !p.is_empty() && !p.contains('\n')), "{:?}", parts);
        }
    }
}
