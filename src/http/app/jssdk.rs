//! `/app/api/jssdk?url=`: what a page inside WeChat gives to `wx.config` (wechat.md 8).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::form_urlencoded;

use super::super::Edge;
use super::super::notice::{Words, wrong};
use super::super::session::Session;
use crate::kit::hex::hex;
use crate::wechat::jssdk::{NotSigned, ours, sign};

/// What pages of ours may ask of WeChat's app.
const APIS: [&str; 2] = ["getLocation", "openLocation"];

/// A ticket is kept, so there is nothing to wait for but once in two hours. A page does without the JS-SDK sooner
/// than its follower without the page.
const TICKET_WAIT: Duration = Duration::from_secs(5);

const NO_TICKET: Words = [
    "WeChat does not answer at the moment; the page works without your position",
    "微信暂时没有响应，页面可在没有定位的情况下使用",
];

/// Signs an address of ours for the account of who is looking.
pub(in super::super) async fn signed(
    State(edge): State<Arc<Edge>>,
    session: Session,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let live = edge.context.live();
    let query = query.unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let url = parameters.find_map(|(name, value)| (name == "url").then_some(value));
    let url = match ours(&url.unwrap_or_default(), &live.config.server.public_url) {
        Ok(url) => url.to_owned(),
        Err(refused) => return wrong(StatusCode::BAD_REQUEST, words(refused), &headers),
    };
    let id = &session.follower.account;
    let ticket = tokio::time::timeout(TICKET_WAIT, edge.context.ticket(id)).await;
    let ticket = match ticket {
        Ok(Ok(ticket)) => ticket,
        Ok(Err(failure)) => {
            tracing::warn!(account = %id, error = %failure.message, "no jsapi_ticket");
            return wrong(StatusCode::SERVICE_UNAVAILABLE, &NO_TICKET, &headers);
        }
        Err(_) => return wrong(StatusCode::SERVICE_UNAVAILABLE, &NO_TICKET, &headers),
    };
    let Some((account, _)) = live.account(id) else {
        return wrong(StatusCode::SERVICE_UNAVAILABLE, &NO_TICKET, &headers);
    };
    let (now, nonce) = (
        edge.context.clock.now(),
        hex(&edge.context.random.bytes::<8>()),
    );
    let told = json!({
        "appId": account.app_id,
        "timestamp": now.as_second(),
        "nonceStr": nonce,
        "signature": sign(&ticket, &nonce, now, &url),
        "jsApiList": APIS,
    });
    Json(told).into_response()
}

fn words(refused: NotSigned) -> &'static Words {
    match refused {
        NotSigned::Form => &[
            "`url` is no address that a browser has as its own; give location.href",
            "url 不是浏览器地址栏中的网址，请传 location.href",
        ],
        NotSigned::Credentials => &[
            "`url` holds a user name or password; leave them out",
            "url 中含有用户名或密码，请去掉",
        ],
        NotSigned::Foreign => &[
            "`url` is not one of our pages; only those are signed",
            "url 不是本站页面，无法签名",
        ],
    }
}
