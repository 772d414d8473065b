//! Who is looking: the cookies of a browser, and the session that they stand for.
//!
//! A cookie is 256 random bits; only its SHA-256 is in the database. Handlers of routes take a
//! [`Session`] as an argument: without one the answer is 401, in JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::Edge;
use super::notice::{Words, language, said, wrong};
use crate::config::Config;
use crate::domain::ids::AccountId;
use crate::domain::rows::Follower;
use crate::effects::Live;
use crate::kit::hex::hex;
use crate::kit::random::Random;
use crate::store::{StoreError, StoredSession};

/// The cookie of a session.
pub(super) const SESSION: &str = "qiao";

/// The cookie that ties a login to the browser in which it began.
pub(super) const BROWSER: &str = "qiao_login";

const SIGN_IN: Words = [
    "this page does not know who is looking; open it again",
    "无法识别您的身份，请重新打开页面",
];
const UNAVAILABLE: Words = [
    "this does not work at the moment; try again in a minute",
    "服务暂时不可用，请稍后重试",
];
const FOREIGN: Words = [
    "only our own pages may do this",
    "仅允许从本站页面发起此操作",
];

/// A follower who is known to this browser.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who.
    pub(super) follower: Follower,
    /// The row.
    pub(super) stored: StoredSession,
}

impl FromRequestParts<Arc<Edge>> for Session {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        edge: &Arc<Edge>,
    ) -> Result<Self, Self::Rejection> {
        match edge.session(&parts.headers).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(unknown(&edge.context.live().config, &parts.headers)),
            Err(fault) => {
                tracing::warn!(error = %fault, "a session could not be read");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Err(wrong(status, &UNAVAILABLE, &parts.headers))
            }
        }
    }
}

impl Edge {
    /// Who is looking, if this browser knows them.
    pub(super) async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, StoreError> {
        let live = self.context.live();
        let Some(secret) = cookie(&live.config, headers, SESSION) else {
            return Ok(None);
        };
        let now = self.context.clock.now();
        let stored = self.context.store.session(&digest(&secret), now).await?;
        let known = stored.filter(|stored| live.account(&stored.follower.account).is_some());
        Ok(known.map(|stored| Session {
            follower: stored.follower.clone(),
            stored,
        }))
    }
}

/// The answer to a program of a page that knows nobody, with where they can be known.
fn unknown(config: &Config, headers: &HeaderMap) -> Response {
    let path = account_of_page(config, headers)
        .map(|account| format!("/oauth/wechat/{account}/start"))
        .map(|path| config.own_url(&path).path().to_owned());
    let told = json!({ "error": said(language(headers), &SIGN_IN), "login": path });
    (StatusCode::UNAUTHORIZED, Json(told)).into_response()
}

/// Whose page asks: that of the address it says it comes from, else the only account or the first.
fn account_of_page(config: &Config, headers: &HeaderMap) -> Option<AccountId> {
    let from = headers.get(REFERER).and_then(|value| value.to_str().ok());
    let from = from.and_then(|text| Url::parse(text).ok());
    let page = from.and_then(|url| {
        let base = config.own_url("/app/");
        let rest = url.path().strip_prefix(base.path())?.to_owned();
        let name = rest.split('/').next()?;
        config.owner_of(name).cloned()
    });
    page.or_else(|| config.wechat.keys().next().cloned())
}

/// A new secret: 256 random bits in hex.
pub(super) fn secret(random: &Random) -> String {
    hex(&random.bytes::<32>())
}

/// What stands in the database for a secret.
pub(super) fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// The secret in a cookie; whatever has not its form is none.
pub(super) fn cookie(config: &Config, headers: &HeaderMap, name: &str) -> Option<String> {
    let name = full_name(config, name);
    let lines = headers.get_all(COOKIE).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then_some(value)
    });
    let is_secret = |value: &str| value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
    values.find(|value| is_secret(value)).map(str::to_owned)
}

/// The line that gives a browser a cookie for so long; for no time at all it takes it.
///
/// Lax, because the way back from WeChat is a navigation from another site. Scripts never see it.
pub(super) fn set_cookie(
    config: &Config,
    name: &str,
    secret: &str,
    lasts: SignedDuration,
) -> HeaderValue {
    let name = full_name(config, name);
    let seconds = lasts.as_secs();
    let secure = if is_on_this_machine(config) {
        ""
    } else {
        "; Secure"
    };
    let line =
        format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&line).expect("names and hex digits are plain")
}

/// `__Host-` keeps other hosts and plain HTTP from setting it. Over plain HTTP on this very machine, where
/// demo and tests run, Chromium takes such a cookie and Safari does not: there it goes without.
fn full_name(config: &Config, name: &str) -> String {
    if is_on_this_machine(config) {
        name.to_owned()
    } else {
        format!("__Host-{name}")
    }
}

/// Whether pages are reached over plain HTTP without leaving this machine.
pub(super) fn is_on_this_machine(config: &Config) -> bool {
    let url = &config.server.public_url;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && is_loopback
}

/// Refuses what another site's page makes a browser send: a write carries our own origin, or none but
/// the browser's word that no other site is behind it.
pub(super) fn only_ours(live: &Live, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = live.config.server.public_url.origin().ascii_serialization();
    let is_ours = match headers.get(ORIGIN) {
        Some(origin) => origin.as_bytes() == ours.as_bytes(),
        None => matches!(text("sec-fetch-site"), Some("same-origin" | "none")),
    };
    if is_ours {
        return Ok(());
    }
    Err(Box::new(wrong(StatusCode::FORBIDDEN, &FOREIGN, headers)))
}
