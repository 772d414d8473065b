//! The configuration: valid, or refused with keys and reasons; never a value, least of all a secret.

use qiao::config::{ConfigErrors, Environment, is_too_deep};
use toml::{Table, Value};

use crate::Target;
use crate::replay;
use crate::told::assert_fit;
use crate::world::{CANARY, load};

pub(crate) const TARGET: Target = Target {
    name: "config",
    check,
    words: &[
        "[wechat.main]\n",
        "[c4c.main]\n",
        "[server]\n",
        "[outbound]\n",
        "[[wechat.main.rules]]\n",
        "when = { regex = \"",
        "then = { text = \"",
        "token = [\"",
        "\"hunter2-do-not-show\"",
        "= \"hunter2-do-not-show",
        "encoding_aes_key = ",
        "url = \"https://u:hunter2-do-not-show@example.com/\"",
        "password = \"env:QIAO_SECRET\"",
        "password = \"file:secret\"",
        "maintenance = [\"Sat 16:00-22:00 UTC\"]",
        "wechat_id = { field = \"",
        "lookup = [\"wechat_id\"]",
        "\n---\n",
        "\nQIAO_SERVER__LISTEN=",
        "\nQIAO_WECHAT__MAIN__APP_ID=",
        "\nQIAO_SECRET=hunter2-do-not-show",
        "'''",
        "\"\"\"",
        "\\u0041",
        "1979-05-27T07:32:00Z",
        "inf",
        "[[[[[[[[[[[[",
        "(a{1000}){1000}",
    ],
};

/// A file, and lines of `NAME=value`.
fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts = replay::parts(&text);
    let (file, variables) = (parts[0], *parts[1..].last().unwrap_or(&""));
    let pairs = || variables.lines().filter_map(|line| line.split_once('='));
    let env: Environment = pairs().collect();
    assert_fit(&format!("{env:?}"));
    if is_too_deep(file) {
        assert!(load(file, &env).is_err(), "a file without bottom is read");
        return;
    }
    if names_a_file(file) || pairs().any(|(_, value)| value.starts_with("file:")) {
        return;
    }
    let may_hide = hides_canary(file) && pairs().all(|(name, value)| is_hidden(name, value));
    match load(file, &env) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|w| told(w, may_hide));
            if may_hide {
                assert!(!format!("{:?}", loaded.config.wechat).contains("app_secret: \"hunter2"));
            }
        }
        Err(errors) => refused(&errors, may_hide),
    }
}

fn refused(errors: &ConfigErrors, may_hide: bool) {
    assert!(!errors.0.is_empty(), "refused without a reason");
    for error in &errors.0 {
        assert!(!error.key.is_empty() && !error.reason.is_empty() && !error.remedy.is_empty());
        told(&error.reason, may_hide);
        told(&error.remedy, may_hide);
    }
}

fn told(sentence: &str, may_hide: bool) {
    if may_hide {
        assert_fit(sentence);
    }
}

/// Whether a value leads to a file: no input may read this machine's.
fn names_a_file(file: &str) -> bool {
    file.parse::<Table>()
        .is_ok_and(|tree| any_text(&Value::Table(tree), &|text| text.starts_with("file:")))
}

/// Whether the canary stands only where a value does. Names of keys, variables, files and
/// placeholders are told: they must be found again.
fn hides_canary(file: &str) -> bool {
    match file.parse::<Table>() {
        Ok(tree) => {
            let tree = Value::Table(tree);
            !any_key(&tree, &|key| !is_plain(key)) && !any_text(&tree, &|text| !is_hidden("", text))
        }
        Err(_) => is_plain(file),
    }
}

fn is_hidden(name: &str, value: &str) -> bool {
    is_plain(name) && (!value.contains(CANARY) || !value.contains(['{', ':']))
}

fn is_plain(name: &str) -> bool {
    !name.contains(CANARY) && !name.chars().any(char::is_control) && name.len() < 100
}

fn any_text(value: &Value, is_wanted: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_wanted(text),
        Value::Array(values) => values.iter().any(|value| any_text(value, is_wanted)),
        Value::Table(table) => table.values().any(|value| any_text(value, is_wanted)),
        _ => false,
    }
}

fn any_key(value: &Value, is_wanted: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| any_key(value, is_wanted)),
        Value::Table(table) => table
            .iter()
            .any(|(key, value)| is_wanted(key) || any_key(value, is_wanted)),
        _ => false,
    }
}
