//! Whether followers can open the pages that are configured.

use url::Host;

use super::row::{Check, Row, told};
use crate::config::{Config, Page};

static FOLDER: Check = Check::local(
    "pages.folder",
    ["Every page has its files", "每个页面的文件都在"],
    [
        "build the page, and set its folder to where its index.html is (docs/PAGES.md)",
        "先构建页面，再将 folder 设为 index.html 所在的文件夹（见 docs/PAGES.md）",
    ],
);
static ADDRESS: Check = Check::local(
    "pages.public_url",
    [
        "Followers reach the pages over https",
        "粉丝可通过 https 打开页面",
    ],
    [
        "set server.public_url to an https address whose domain the WeChat console knows (docs/PAGES.md)",
        "将 server.public_url 设为 https 地址，其域名须在公众号后台登记（见 docs/PAGES.md）",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&FOLDER, &ADDRESS];

/// WeChat's own; whatever else authorizes is a simulator, on whatever address.
const OAUTH: &str = "https://open.weixin.qq.com";

pub(super) fn examine(config: &Config) -> Vec<Row> {
    let pages = &config.app.pages;
    if pages.is_empty() {
        let why = told!("no page is configured", "没有配置页面");
        return CHECKS
            .iter()
            .map(|check| check.is_ok("", why.clone()))
            .collect();
    }
    let mut rows: Vec<Row> = pages
        .iter()
        .map(|(name, page)| folder(name, page))
        .collect();
    rows.push(address(config));
    rows
}

fn folder(name: &str, page: &Page) -> Row {
    let first = page.folder.join("index.html");
    let shown = first.display();
    match std::fs::File::open(&first) {
        Ok(_) => FOLDER.is_ok(name, told!("{shown}", "{shown}")),
        Err(fault) => FOLDER.fails(
            name,
            told!(
                "{shown} cannot be read: {fault}",
                "无法读取 {shown}：{fault}"
            ),
        ),
    }
}

/// Without https no browser keeps the cookie of a session; with an address of this machine nobody
/// else finds the page.
fn address(config: &Config) -> Row {
    let url = &config.server.public_url;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => true,
    };
    let is_real = config
        .wechat
        .values()
        .any(|account| account.oauth_url == OAUTH);
    let is_right = if is_here {
        !is_real
    } else {
        url.scheme() == "https"
    };
    if is_right {
        return ADDRESS.is_ok("", told!("{url}", "{url}"));
    }
    let evidence = told!(
        "followers cannot be known at {url}",
        "在 {url} 无法识别粉丝身份"
    );
    ADDRESS.fails("", evidence)
}
