//! One session with one tenant: Basic authentication, cookies, CSRF and call slots (c4c.md 1.2, 1.3).
//!
//! It sends a [`Call`] and gives back a successful answer or an [`Error`]. It repeats a call in
//! one case only: when the CSRF token was refused and a fresh one could be had.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use cookie_store::{CookieStore, RawCookie};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::call::{Call, Wanted};
use super::error::{Effect, Error, Kind, refuses_csrf};
use super::odata::address::Service;
use super::odata::error_body::Cause;
use super::odata::types::is_header_text;
use super::pace::{Pace, Slots};
use crate::config::{Csrf, Tenant};
use crate::domain::ids::TenantId;
use crate::kit::transport::{Method, Request, Response, Transport, TransportError};

/// Short, because a technical user needs no token and should not wait for one.
const CSRF_TIMEOUT: Duration = Duration::from_secs(10);

/// What is sent and, but for files, asked for.
const JSON: &str = "application/json";

/// The longest CSRF token that is believed; C4C's have 24 characters.
const MAX_CSRF_TOKEN: usize = 512;

/// A CSRF token that no session has, in the form of a real one.
const FORGED_TOKEN: &str = "qiao-doctor-is-no-token=";

/// What is known about the CSRF token.
#[derive(Clone, Default)]
struct Token {
    /// How often it was fetched; 0 for never.
    generation: u64,
    /// `None` when the last fetch brought none: technical users need none.
    value: Option<String>,
}

/// A session; share it, there must be only one for a tenant.
pub(super) struct Session {
    transport: Arc<dyn Transport>,
    tenant: TenantId,
    home: Url,
    csrf_url: String,
    csrf: Csrf,
    authorization: SecretString,
    cookies: Mutex<CookieStore>,
    /// Held while a token is fetched, so that parallel writers fetch it once.
    token: tokio::sync::Mutex<Token>,
    slots: Slots,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.tenant)
    }
}

impl Session {
    /// A fresh session: no cookies, no token, nothing sent yet.
    pub(super) fn new(transport: Arc<dyn Transport>, config: &Tenant, tenant: TenantId) -> Self {
        let user = format!("{}:{}", config.username, config.password.expose_secret());
        Self {
            transport,
            tenant,
            home: Url::parse(&config.url).expect("the configuration has checked the tenant's URL"),
            csrf_url: Service::new(&config.url, &config.service).root(),
            csrf: config.csrf,
            authorization: SecretString::from(format!("Basic {}", BASE64.encode(user))),
            cookies: Mutex::default(),
            token: tokio::sync::Mutex::default(),
            slots: Slots::new(config.max_calls),
        }
    }

    /// The tenant's address; nothing may be sent elsewhere.
    pub(super) fn home(&self) -> &Url {
        &self.home
    }

    /// Names the tenant in an error.
    pub(super) fn error(&self, kind: Kind) -> Error {
        Error {
            tenant: self.tenant.clone(),
            kind,
        }
    }

    /// Sends a call when a slot is free; gives an answer with a status of 2xx that is no page.
    pub(super) async fn exchange(&self, pace: Pace, call: &Call) -> Result<Response, Error> {
        let _slot = self.slots.take(pace).await;
        let answer = match (call.effect(), self.csrf) {
            (Effect::Write, Csrf::Auto) => self.send_with_token(call).await,
            (Effect::Read, _) | (Effect::Write, Csrf::Off) => self.send(call, None).await,
        };
        answer
            .and_then(|a| judged(a, call))
            .map_err(|k| self.error(k))
    }

    async fn send_with_token(&self, call: &Call) -> Result<Response, Kind> {
        let token = self.token(None).await?;
        let answer = self.send(call, token.value.as_deref()).await?;
        if !refuses_csrf(&answer) {
            return Ok(answer);
        }
        let fresh = self.token(Some(token.generation)).await?;
        match fresh.value {
            Some(value) => self.send(call, Some(&value)).await,
            None => Ok(answer),
        }
    }

    /// The present token, fetched if there never was one or if `refused` is the present one.
    async fn token(&self, refused: Option<u64>) -> Result<Token, Kind> {
        let mut held = self.token.lock().await;
        if held.generation == 0 || refused == Some(held.generation) {
            held.value = self.fetch_token().await?;
            held.generation += 1;
        }
        Ok(held.clone())
    }

    /// Asks the service root for a token. No token is no error, whatever the reason; but after a
    /// 401 the write would only be a second wrong log-in, which brings the user nearer to a lock.
    async fn fetch_token(&self) -> Result<Option<String>, Kind> {
        let Ok(answer) = self.ask_for_token().await else {
            return Ok(None);
        };
        self.keep_cookies(&self.csrf_url, &answer);
        if answer.status == 401 {
            return Err(Kind::Unauthorized);
        }
        Ok(offered(&answer).map(str::to_owned))
    }

    async fn ask_for_token(&self) -> Result<Response, TransportError> {
        let mut headers = self.headers(&self.csrf_url, JSON);
        headers.push(("x-csrf-token", "fetch".to_owned()));
        let request = Request {
            method: Method::Get,
            url: self.csrf_url.clone(),
            headers,
            body: Vec::new(),
            timeout: CSRF_TIMEOUT,
        };
        self.transport.send(request).await
    }

    /// Asks for a token and gives the status of the answer, and whether a token came with it.
    pub(super) async fn try_for_token(&self, pace: Pace) -> Result<(u16, bool), Error> {
        let _slot = self.slots.take(pace).await;
        let answer = self.ask_for_token().await;
        let answer = answer.map_err(|e| self.error(Kind::of_transport(e, Effect::Read)))?;
        self.keep_cookies(&self.csrf_url, &answer);
        Ok((answer.status, offered(&answer).is_some()))
    }

    /// Sends a call under a token that is not ours, and gives the answer whatever it is.
    pub(super) async fn send_forged(&self, pace: Pace, call: &Call) -> Result<Response, Error> {
        let _slot = self.slots.take(pace).await;
        let answer = self.send(call, Some(FORGED_TOKEN)).await;
        answer.map_err(|kind| self.error(kind))
    }

    async fn send(&self, call: &Call, token: Option<&str>) -> Result<Response, Kind> {
        let accepted = match call.wanted {
            Wanted::Data | Wanted::Nothing => JSON,
            Wanted::File { .. } => "*/*",
        };
        let mut headers = self.headers(&call.url, accepted);
        headers.extend(token.map(|t| ("x-csrf-token", t.to_owned())));
        headers.extend(call.if_match.iter().map(|etag| ("if-match", etag.clone())));
        if call.effect() == Effect::Write {
            headers.push(("content-type", JSON.to_owned()));
        }
        if call.wanted == Wanted::Nothing {
            headers.push(("odata-no-response-payload", "true".to_owned()));
        }
        let request = Request {
            method: call.method,
            url: call.url.clone(),
            headers,
            body: call.body.clone(),
            timeout: call.timeout(),
        };
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|e| Kind::of_transport(e, call.effect()))?;
        self.keep_cookies(&call.url, &answer);
        Ok(answer)
    }

    /// What every request carries. Messages are asked for in English because "locked" and "CSRF"
    /// are recognised by their words.
    fn headers(&self, url: &str, accepted: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (
                "authorization",
                self.authorization.expose_secret().to_owned(),
            ),
            ("accept", accepted.to_owned()),
            ("accept-language", "en".to_owned()),
        ];
        if let Ok(url) = Url::parse(url) {
            let jar = self.jar();
            let cookies: Vec<_> = jar
                .get_request_values(&url)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if !cookies.is_empty() {
                headers.push(("cookie", cookies.join("; ")));
            }
        }
        headers
    }

    /// All cookies are kept, since the name of the one that counts may change (c4c.md 1.3).
    fn keep_cookies(&self, url: &str, answer: &Response) {
        let Ok(url) = Url::parse(url) else { return };
        let set = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
            .filter_map(|(_, value)| RawCookie::parse(value.clone()).ok());
        self.jar().store_response_cookies(set, &url);
    }

    fn jar(&self) -> MutexGuard<'_, CookieStore> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token that an answer brings.
fn offered(answer: &Response) -> Option<&str> {
    answer.header("x-csrf-token").filter(|t| is_token(t))
}

fn is_token(text: &str) -> bool {
    (1..=MAX_CSRF_TOKEN).contains(&text.len())
        && is_header_text(text)
        && !text.eq_ignore_ascii_case("required")
        && !text.eq_ignore_ascii_case("fetch")
}

/// A log-in or maintenance page comes with status 200 and says nothing about the call. A 201 or
/// 204 with a page was made by C4C all the same, so there it is believed.
fn judged(answer: Response, call: &Call) -> Result<Response, Kind> {
    match answer.status {
        200 if call.may_bring_a_page() => Ok(answer),
        200 => match Cause::page(&answer.body) {
            Some(page) => Err(Kind::HtmlPage {
                status: 200,
                cause: page.told(&[]),
            }),
            None => Ok(answer),
        },
        201..=299 => Ok(answer),
        _ => Err(Kind::of_answer(&answer, call.effect(), &call.sent)),
    }
}
