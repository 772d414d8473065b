//! Whether the menu at WeChat is that of the account's file.

use serde_json::Value;

use super::row::{Check, Row, told};
use crate::config::{Config, load_menu};
use crate::domain::ids::AccountId;
use crate::flows::menu::{diff, plan, wire};
use crate::wechat::client::{AccessToken, Client};
use crate::wechat::error::Error;

static MENU: Check = Check::live(
    "wechat.menu",
    [
        "The menu at WeChat is the one in the file",
        "微信上的菜单与文件一致",
    ],
    [
        "see `qiao menu diff`, then `qiao menu apply`; keep_menu = \"on\" does so every day",
        "先看 `qiao menu diff`，再运行 `qiao menu apply`；keep_menu = \"on\" 会每天自动应用",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&MENU];

pub(super) async fn examine(
    config: &Config,
    id: &AccountId,
    client: &Client,
    token: Option<&AccessToken>,
) -> Row {
    let subject = id.as_str();
    let menu = match load_menu(config, id) {
        None => {
            let evidence = told!(
                "no menu is configured, so it is left alone",
                "未配置菜单，不作管理"
            );
            return MENU.is_ok(subject, evidence);
        }
        Some(Err(errors)) => {
            let (count, first) = (errors.0.len(), &errors.0[0]);
            let evidence = told!(
                "faults in the file: {count}; {first}",
                "文件中的错误：{count} 处；{first}"
            );
            return MENU.fails(subject, evidence);
        }
        Some(Ok(menu)) => menu,
    };
    let Some(token) = token else {
        return MENU.skips(subject, told!("there is no token", "没有 access_token"));
    };
    let differences = async {
        let tags = if plan::needs_tags(&menu) {
            client.tags(token).await?
        } else {
            Vec::new()
        };
        let found = wire::read(&client.menu(token).await?.unwrap_or(Value::Null));
        Ok::<_, Error>(plan::resolved(&menu, &tags).map(|menu| diff::differences(&found, &menu)))
    };
    match differences.await {
        Err(fault) => MENU.warns(subject, told!("{fault}", "{fault}")),
        Ok(Err(fault)) => MENU.fails(subject, told!("{fault}", "{fault}")),
        Ok(Ok(differences)) if differences.is_empty() => {
            MENU.is_ok(subject, told!("nothing differs", "没有差异"))
        }
        Ok(Ok(differences)) => {
            let count = differences.len();
            MENU.warns(subject, told!("differences: {count}", "差异：{count} 处"))
        }
    }
}
