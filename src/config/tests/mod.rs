//! Stories about whole configurations: what is accepted, what is refused, and in which words.

mod accepted;
mod example;
mod map;
mod menu;
mod pages;
mod refused;
mod values;

use std::path::Path;

use super::{Config, ConfigErrors, Environment, Loaded, load_text};

/// The least that is valid.
const MINIMAL: &str = r#"
    [wechat.main]
    app_id = "wx0123456789abcdef"
    app_secret = "app-secret-do-not-show"
    token = "token-do-not-show"
    [c4c.main]
    url = "https://my000000.crm.ondemand.com"
    username = "QIAO"
    password = "password-do-not-show"
    notify_username = "c4c"
    notify_password = "notify-do-not-show"
"#;

/// [`MINIMAL`] with the keys of `change` laid over it; a key with an empty table is taken out.
fn changed(change: &str) -> String {
    let mut tree = table(MINIMAL);
    lay_over(&mut tree, table(change));
    tree.to_string()
}

fn table(text: &str) -> toml::Table {
    text.parse().expect("the test writes TOML")
}

fn lay_over(tree: &mut toml::Table, change: toml::Table) {
    for (key, value) in change {
        match (tree.get_mut(&key), value) {
            (Some(_), toml::Value::Table(gone)) if gone.is_empty() => {
                tree.remove(&key);
            }
            (Some(toml::Value::Table(below)), toml::Value::Table(change)) => {
                lay_over(below, change);
            }
            (_, value) => {
                tree.insert(key, value);
            }
        }
    }
}

fn loaded(text: &str) -> Result<Loaded, ConfigErrors> {
    load_text(
        text,
        Path::new("/etc/qiao/qiao.toml"),
        &Environment::default(),
    )
}

/// The configuration of [`changed`], which must be valid.
fn config(change: &str) -> Config {
    loaded(&changed(change))
        .expect("the configuration is valid")
        .config
}

/// The warnings of [`changed`], which must be valid.
fn warnings(change: &str) -> Vec<String> {
    loaded(&changed(change))
        .expect("the configuration is valid")
        .warnings
}

/// The errors of [`changed`], a line each.
fn errors(change: &str) -> Vec<String> {
    let errors = loaded(&changed(change)).expect_err("the configuration is not valid");
    errors.0.iter().map(ToString::to_string).collect()
}
