//! The pages that people read on the way to a page: each says what is the matter and how to go on.

use axum::http::StatusCode;

use super::notice::{Notice, Words};
use crate::config::{Config, Scope};
use crate::domain::ids::AccountId;
use crate::store::OAuthState;

const AGAIN: Words = ["Open the page again", "重新打开页面"];

/// The start of a login that leads where this one should have.
fn start(config: &Config, account: &AccountId, to: &str) -> String {
    let url = config.start_url(account, to);
    let query = url.query().unwrap_or_default();
    format!("{}?{query}", url.path())
}

fn again(config: &Config, way: &OAuthState) -> String {
    start(config, &way.account, &way.target)
}

/// There is no such account.
pub(super) fn no_account() -> Notice {
    Notice::new(
        StatusCode::NOT_FOUND,
        ["Not found", "页面不存在"],
        [
            "This address belongs to no Official Account.",
            "该地址不属于任何公众号。",
        ],
        [
            "Open the page from the menu of the Official Account.",
            "请从公众号菜单打开页面。",
        ],
    )
}

/// A login would lead somewhere else than to one of our pages.
pub(super) fn nowhere() -> Notice {
    Notice::new(
        StatusCode::BAD_REQUEST,
        ["This link is wrong", "链接有误"],
        [
            "It does not lead to a page of this Official Account.",
            "该链接不指向本公众号的页面。",
        ],
        [
            "Open the page from the menu of the Official Account.",
            "请从公众号菜单打开页面。",
        ],
    )
}

/// Nobody was sent to WeChat with this state, or too long ago.
pub(super) fn expired(config: &Config, account: &AccountId, page: Option<String>) -> Notice {
    let notice = Notice::new(
        StatusCode::BAD_REQUEST,
        ["This link is not valid any more", "链接已失效"],
        [
            "It is older than ten minutes, or it was never made here. Nothing was done.",
            "链接已超过十分钟，或并非由本站生成。未执行任何操作。",
        ],
        [
            "Open the page from the menu of the Official Account.",
            "请从公众号菜单重新打开页面。",
        ],
    );
    match page {
        Some(page) => notice.way(start(config, account, &page), AGAIN),
        None => notice,
    }
}

/// The login began in another browser: perhaps somebody else's.
pub(super) fn other_browser(config: &Config, way: &OAuthState) -> Notice {
    Notice::new(
        StatusCode::BAD_REQUEST,
        ["This link belongs to another browser", "链接属于其他浏览器"],
        [
            "Somebody opened the page elsewhere, or this browser keeps no cookies. Nothing was done.",
            "该页面是在别处打开的，或此浏览器未保存 Cookie。未执行任何操作。",
        ],
        [
            "Open the page in WeChat yourself.",
            "请在微信中自行打开页面。",
        ],
    )
    .way(again(config, way), AGAIN)
}

/// The state or WeChat's code has served already.
pub(super) fn used_code(config: &Config, way: &OAuthState) -> Notice {
    Notice::new(
        StatusCode::BAD_REQUEST,
        ["This link was used already", "链接已被使用"],
        [
            "WeChat's confirmation is good once, for five minutes. Nothing was done.",
            "微信授权凭证五分钟内有效且只能使用一次。未执行任何操作。",
        ],
        ["Open the page again.", "请重新打开页面。"],
    )
    .way(again(config, way), AGAIN)
}

/// They did not want to tell.
pub(super) fn denied(config: &Config, way: &OAuthState) -> Notice {
    let notice = Notice::new(
        StatusCode::FORBIDDEN,
        ["You did not allow it", "您未同意授权"],
        [
            "WeChat told us nothing about you, and nothing was done.",
            "微信未向我们提供您的任何信息，也未执行任何操作。",
        ],
        [
            "You can go on without your name and picture, or allow it after all.",
            "您可以不提供昵称和头像继续使用，也可以重新授权。",
        ],
    );
    let again = again(config, way);
    if way.scope == Scope::Base {
        return notice.way(again, AGAIN);
    }
    notice
        .way(
            format!("{again}&without=1"),
            ["Go on without name and picture", "不提供昵称头像，继续使用"],
        )
        .way(again, ["Try again", "重新授权"])
}

/// The page is open for somebody virtual.
pub(super) fn snapshot() -> Notice {
    Notice::new(
        StatusCode::OK,
        ["Only a preview", "仅供预览"],
        [
            "WeChat shows this page as a snapshot and does not tell who you are. Nothing was done.",
            "微信正以快照方式展示该页面，未提供您的身份。未执行任何操作。",
        ],
        [
            "Tap “Use full service” at the bottom to see your own data.",
            "点击页面底部的“使用完整服务”即可查看您的信息。",
        ],
    )
}

/// WeChat does not answer, or not what it should.
pub(super) fn wechat_down(config: &Config, way: &OAuthState) -> Notice {
    Notice::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ["WeChat does not answer", "微信暂无响应"],
        [
            "WeChat could not be asked who you are. Nothing was done.",
            "暂时无法向微信确认您的身份。未执行任何操作。",
        ],
        ["Try again in a minute.", "请稍后重试。"],
    )
    .way(again(config, way), AGAIN)
}

/// Our own database does not take it.
pub(super) fn unavailable() -> Notice {
    Notice::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ["Not available", "服务暂不可用"],
        [
            "This does not work at the moment. Nothing was done.",
            "服务暂时不可用。未执行任何操作。",
        ],
        ["Try again in a minute.", "请稍后重试。"],
    )
}

/// The session is over, because they wanted it so.
pub(super) fn signed_out(page: Option<String>, config: &Config) -> Notice {
    let notice = Notice::new(
        StatusCode::OK,
        ["Signed out", "已退出"],
        [
            "This browser does not know you any more.",
            "此浏览器不再记住您的身份。",
        ],
        [
            "You can close the page, or open it again.",
            "您可以关闭页面，或重新打开。",
        ],
    );
    match page {
        Some(page) => notice.way(super::oauth::own(config, &page), AGAIN),
        None => notice,
    }
}

/// There is no such page or file.
pub(super) fn not_found() -> Notice {
    Notice::new(
        StatusCode::NOT_FOUND,
        ["Not found", "页面不存在"],
        ["There is no such page.", "没有这个页面。"],
        [
            "Open the page from the menu of the Official Account.",
            "请从公众号菜单打开页面。",
        ],
    )
}

/// A session of another account, or one that knows nobody, has no use here.
pub(super) fn not_yours() -> Notice {
    Notice::new(
        StatusCode::UNAUTHORIZED,
        ["Who is looking?", "无法识别您的身份"],
        [
            "This file belongs to a page that has to know you.",
            "该文件所属页面需要识别您的身份。",
        ],
        ["Open the page first.", "请先打开页面。"],
    )
}
