//! Who may come in: this machine's own browser, and for acts only the page itself.
//!
//! Any page of the web can have a browser post to 127.0.0.1, so an act needs the `Origin` of the page; and any name
//! can be made to point there, so the page answers to its own address only.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Board;

/// Around every route.
pub(super) async fn guarded(
    State(board): State<Arc<Board>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refusal(&board, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    protect(response.headers_mut(), &board);
    response
}

fn refusal(board: &Board, request: &Request) -> Option<Response> {
    let told = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    let host = told(HOST).unwrap_or_default();
    let own = board.origin.trim_start_matches("http://");
    if !board.is_open && host != own {
        // `localhost` is another site than 127.0.0.1, where the pages in the phone lie.
        let is_safe = request.method() == Method::GET && host.starts_with("localhost:");
        return Some(if is_safe {
            Redirect::to(&format!("{}/demo", board.origin)).into_response()
        } else {
            (
                StatusCode::MISDIRECTED_REQUEST,
                "open the address that `qiao demo` printed\n",
            )
                .into_response()
        });
    }
    let is_ours = told(ORIGIN) == Some(&format!("http://{host}"));
    (request.method() != Method::GET && !is_ours)
        .then(|| (StatusCode::FORBIDDEN, "only the page itself may act here\n").into_response())
}

fn protect(headers: &mut HeaderMap, board: &Board) {
    let frames = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {wechat}; \
         connect-src 'self'; frame-src {daemon} {wechat}; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'",
        daemon = board.parts.daemon_url,
        wechat = board.parts.wechat.url(),
    );
    if let Ok(policy) = HeaderValue::from_str(&frames) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
