//! What every page and every answer of ours tells a browser to beware of.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::Edge;
use crate::config::Config;

/// Where WeChat's JS-SDK comes from (wechat.md 8).
const JS_SDK: &str = "https://res.wx.qq.com";

/// For pages: static ones and our own.
pub(super) async fn of_pages(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Response {
    let policy = page_policy(&edge.context.live().config);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    beware(headers, &policy, &edge.context.live().config);
    response
}

/// For data: no browser keeps it, shows it or runs it.
pub(super) async fn of_data(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let config = &edge.context.live().config;
    beware(
        headers,
        "default-src 'none'; frame-ancestors 'none'",
        config,
    );
    response
}

fn beware(headers: &mut HeaderMap, policy: &str, config: &Config) {
    let policy = HeaderValue::from_str(policy).expect("origins are ASCII");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "geolocation=(self), camera=(), microphone=(), payment=(), usb=()",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // For browsers that do not know `frame-ancestors`; it cannot name origins.
    if config.app.frame_ancestors.is_empty() {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
}

/// Scripts come from here and from WeChat, and none stands in the page. Styles may, because UI5 writes
/// its own into the page. Pictures come from anywhere, since avatars and map tiles do.
fn page_policy(config: &Config) -> String {
    let ancestors = match config.app.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        origins => origins.join(" "),
    };
    let mut scripts = format!("'self' {JS_SDK}");
    let mut calls = "'self'".to_owned();
    for account in config.wechat.values() {
        let origin = account.jssdk_url.origin().ascii_serialization();
        if scripts.contains(&origin) {
            continue;
        }
        scripts = format!("{scripts} {origin}");
        // A simulator's script asks the simulator; WeChat's asks the app around it.
        calls = format!("{calls} {origin}");
    }
    // Where we ourselves are reached over plain HTTP, so are a simulator's pictures.
    let plain = match config.server.public_url.scheme() {
        "http" => " http:",
        _ => "",
    };
    format!(
        "default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' https: data:{plain}; font-src 'self' data:; connect-src {calls}; \
         object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {ancestors}"
    )
}
