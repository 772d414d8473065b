//! The configuration of the demo's daemon: everything that a small company would have.

use std::net::SocketAddr;
use std::path::Path;

use qiao_sim::wechat;

use super::stage::here;

/// Demo values: they open nothing but the simulators of this process.
pub(super) const ENCODING_AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(super) const NOTIFY_USERNAME: &str = "c4c";
pub(super) const NOTIFY_PASSWORD: &str = "demo-notify-secret";

/// What a new follower reads first.
pub(super) const WELCOME: &str = "欢迎关注！有任何问题，直接在这里留言即可。";

/// The menu key with which a follower asks for their history.
pub(super) const REVIEW: &str = "review";

/// What the configuration depends on.
pub(super) struct Facts<'a> {
    /// Where the daemon listens.
    pub(super) listen: SocketAddr,
    /// The simulated account.
    pub(super) account: &'a wechat::Settings,
    /// Where WeChat is.
    pub(super) wechat: &'a str,
    /// Where C4C is.
    pub(super) c4c: &'a str,
    /// The social media channel.
    pub(super) channel_id: &'a str,
    /// Where the answer hook is.
    pub(super) hook: &'a str,
    /// The origin of the page with two sides.
    pub(super) page: Option<&'a str>,
    /// A folder to open from the menu in place of the demo's own page.
    pub(super) account_page: Option<&'a str>,
}

/// The account's menu, as a company keeps it.
const MENU: &str = r#"# The menu of the demo's account; "qiao menu apply" puts it there.
[[button]]
name = "我的账户"
type = "view"
page = "account"

[[button]]
name = "附近门店"
type = "view"
page = "map"

[[button]]
name = "更多"
[[button.sub_button]]
name = "聊天记录"
type = "click"
key = "review"
[[button.sub_button]]
name = "我的客户编号"
type = "click"
key = "bind"
"#;

/// The page that opens from the menu, where a team would put its own.
const ACCOUNT: [(&str, &str); 3] = [
    ("index.html", include_str!("account/index.html")),
    ("account.css", include_str!("account/account.css")),
    ("account.js", include_str!("account/account.js")),
];

/// Writes it into the folder, with what it names.
pub(super) fn write(folder: &Path, facts: &Facts<'_>) -> std::io::Result<()> {
    let account = folder.join("account");
    std::fs::create_dir(&account)?;
    for (name, text) in ACCOUNT {
        std::fs::write(account.join(name), text)?;
    }
    std::fs::write(folder.join("menu.toml"), MENU)?;
    std::fs::write(folder.join("qiao.toml"), configuration(facts))
}

fn configuration(facts: &Facts<'_>) -> String {
    let Facts {
        listen,
        account,
        wechat,
        c4c,
        channel_id,
        hook,
        page,
        account_page,
    } = facts;
    let frames = page
        .map(|origin| format!("frame_ancestors = [\"{origin}\"]"))
        .unwrap_or_default();
    let account_page = toml::Value::from(account_page.unwrap_or("account"));
    format!(
        r#"# Written by "qiao demo". Its secrets open nothing but the demo's own simulators.
[server]
listen = "{listen}"
public_url = "{public_url}"

[database]
url = "sqlite:qiao.db"

[wechat.main]
app_id = "{app_id}"
app_secret = "{app_secret}"
original_id = "{original_id}"
token = "{token}"
encoding_aes_key = "{ENCODING_AES_KEY}"
api_url = "{wechat}"
oauth_url = "{wechat}"
jssdk_url = "{wechat}/open/js/jweixin-1.6.0.js"
menu = "menu.toml"

[app]
{frames}

[app.pages.account]
folder = {account_page}
scope = "snsapi_userinfo"

[app.map]

[[app.map.branches]]
name = "外滩店"
address = "上海市黄浦区中山东一路 20 号"
phone = "021-0000 0001"
latitude = 31.2403
longitude = 121.4902

[[app.map.branches]]
name = "国贸店"
address = "北京市朝阳区建国门外大街 1 号"
phone = "010-0000 0002"
latitude = 39.9089
longitude = 116.4580

[wechat.main.conversation]
into_c4c = "social"
channel_id = "{channel_id}"
delivery_notes = "10004"
typing = "on"

[wechat.main.texts]
welcome = "{WELCOME}"

[wechat.main.templates.customer_changed]
template_id = "demo-template-changed"
data = {{ thing1 = "您的资料已更新", thing2 = "{{changes|请回复本消息了解详情}}" }}

[wechat.main.templates.reply]
template_id = "demo-template-reply"
data = {{ name1 = "{{name|客服}}", thing2 = "客服已回复，请在这里发消息查看" }}

[[wechat.main.rules]]
when = {{ click = "{REVIEW}" }}
then = {{ action = "review" }}

[[wechat.main.rules]]
when = {{ click = "bind" }}
then = {{ action = "bind" }}

[[wechat.main.rules]]
when = {{ message = "location" }}
then = {{ action = "branches" }}

[[wechat.main.rules]]
when = {{ regex = "账户" }}
then = {{ page = "account", title = "我的账户", description = "资料、工单和聊天记录" }}

[[wechat.main.rules]]
when = {{ regex = "订单" }}
then = {{ hook = "{hook}" }}

[c4c.main]
url = "{c4c}"
username = "qiao"
password = "secret"
notify_username = "{NOTIFY_USERNAME}"
notify_password = "{NOTIFY_PASSWORD}"
"#,
        public_url = here(*listen),
        app_id = account.app_id,
        app_secret = account.app_secret,
        original_id = account.original_id,
        token = account.token,
    )
}
