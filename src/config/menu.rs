//! `menu.toml`: the file that the key `menu` of an account names.
//!
//! It is read when it is used, and not with the configuration: a menu is changed more often than anything
//! else, and a fault in it must not keep pushes out.

use std::cell::RefCell;
use std::path::Path;

use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Fault};
use super::keys;
use super::load::{parse, read};
use super::tree::{Notes, Run, Section};
use super::types::Config;
use super::validate;
use super::validate::PageUrl;
use crate::domain::ids::AccountId;
use crate::domain::menu::Menu;

/// Every key of the file.
const KEYS: &[&str] = &[
    "button.[].name",
    "button.[].type",
    "button.[].key",
    "button.[].url",
    "button.[].page",
    "button.[].media_id",
    "button.[].article_id",
    "button.[].app_id",
    "button.[].path",
    "button.[].sub_button.[].name",
    "button.[].sub_button.[].type",
    "button.[].sub_button.[].key",
    "button.[].sub_button.[].url",
    "button.[].sub_button.[].page",
    "button.[].sub_button.[].media_id",
    "button.[].sub_button.[].article_id",
    "button.[].sub_button.[].app_id",
    "button.[].sub_button.[].path",
    "conditional.[].tag",
    "conditional.[].client_platform_type",
    "conditional.[].button.[].name",
    "conditional.[].button.[].type",
    "conditional.[].button.[].key",
    "conditional.[].button.[].url",
    "conditional.[].button.[].page",
    "conditional.[].button.[].media_id",
    "conditional.[].button.[].article_id",
    "conditional.[].button.[].app_id",
    "conditional.[].button.[].path",
    "conditional.[].button.[].sub_button.[].name",
    "conditional.[].button.[].sub_button.[].type",
    "conditional.[].button.[].sub_button.[].key",
    "conditional.[].button.[].sub_button.[].url",
    "conditional.[].button.[].sub_button.[].page",
    "conditional.[].button.[].sub_button.[].media_id",
    "conditional.[].button.[].sub_button.[].article_id",
    "conditional.[].button.[].sub_button.[].app_id",
    "conditional.[].button.[].sub_button.[].path",
];

/// Reads the menu of an account; `None` when the account has none, or does not exist.
///
/// All faults come at once, each with file and key, reason and remedy.
pub fn load_menu(config: &Config, account: &AccountId) -> Option<Result<Menu, ConfigErrors>> {
    let file = config.wechat.get(account)?.menu.as_deref()?;
    let page_url = |page: &str| config.page_url(account, page);
    Some(
        read(file)
            .map_err(ConfigErrors::from)
            .and_then(|text| read_menu(&text, file, &page_url)),
    )
}

/// Reads a menu as if it stood in `file`; `page_url` tells where a page of the account is opened.
pub fn read_menu(text: &str, file: &Path, page_url: &PageUrl<'_>) -> Result<Menu, ConfigErrors> {
    let tree = parse(text, file)?;
    let run = Run {
        env: &Environment::default(),
        folder: file.parent().unwrap_or(Path::new("/")),
        notes: RefCell::new(Notes {
            errors: keys::unknown_keys_of(KEYS, &tree),
            ..Notes::default()
        }),
    };
    let menu = validate::menu(&Section::root(&tree, &run), page_url);
    let errors = run.notes.into_inner().errors;
    match menu {
        Ok(menu) if errors.is_empty() => Ok(menu),
        _ => Err(ConfigErrors(
            errors
                .into_iter()
                .map(|error| within(file, error))
                .collect(),
        )),
    }
}

/// Tells the file, too: the configuration has another one.
fn within(file: &Path, error: ConfigError) -> ConfigError {
    let at = format!("{}: {}", file.display(), error.key);
    Fault::new(error.reason, error.remedy).at(at)
}
