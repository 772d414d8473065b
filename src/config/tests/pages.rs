//! Pages: their names, their accounts, and the links that open them.

use std::path::Path;

use super::super::Scope;
use super::{config, errors};
use crate::domain::ids::AccountId;

const PAGE: &str = "[app.pages.my-account]\nfolder = \"dist\"\n";

#[test]
fn a_page_belongs_to_the_only_account_and_asks_for_little() {
    let config = config(PAGE);
    let page = &config.app.pages["my-account"];
    assert_eq!(page.folder, Path::new("/etc/qiao/dist"));
    assert_eq!(page.account.as_str(), "main");
    assert_eq!(page.scope, Scope::Base);
    assert_eq!(config.app.session.as_hours(), 24);
}

#[test]
fn the_link_of_a_page_goes_through_the_start_of_its_account() {
    let change = format!("server.public_url = \"https://b.example.cn/qiao/\"\n{PAGE}");
    let config = config(&change);
    let main = AccountId::new("main");
    let link = config.page_url(&main, "my-account").unwrap();
    let expected = "https://b.example.cn/qiao/oauth/wechat/main/start?to=%2Fapp%2Fmy-account%2F";
    assert_eq!(link.as_str(), expected);
    assert_eq!(config.page_url(&main, "other"), None);
    assert_eq!(config.page_url(&AccountId::new("b"), "my-account"), None);
}

#[test]
fn with_several_accounts_a_page_says_whose_it_is() {
    let second =
        "wechat.b = { app_id = \"wx0123456789abcde0\", app_secret = \"s\", token = \"abc\" }";
    let told = errors(&format!("{second}\n{PAGE}"));
    assert_eq!(
        told,
        ["app.pages.my-account.account: this key is missing or empty; give its value"]
    );
    let config = config(&format!("{second}\n{PAGE}account = \"b\""));
    let page = &config.app.pages["my-account"];
    assert_eq!(page.account.as_str(), "b");
}

#[test]
fn the_file_of_wechat_may_be_named_as_a_whole() {
    let config = config("wechat.main.mp_verify = [\"aB3\", \"MP_verify_xYz9.txt\"]");
    let account = config.wechat.values().next().unwrap();
    assert_eq!(account.mp_verify, ["aB3", "xYz9"]);
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    let config = config("app.frame_ancestors = [\"https://WWW.example.cn:443/\"]");
    assert_eq!(config.app.frame_ancestors, ["https://www.example.cn"]);
}
