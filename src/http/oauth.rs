//! `/oauth/wechat/{account}/…` and `/MP_verify_{code}.txt`: how a browser comes to know its follower
//! (wechat.md 8).
//!
//! `start` leads to WeChat, `callback` back. What is decided on the way stands in
//! [`crate::flows::web_session`] and [`crate::flows::consent`]; what people read in [`super::signs`].

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{ACCEPT, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use url::form_urlencoded;

use super::Edge;
use super::session::{BROWSER, SESSION, cookie, digest, only_ours, secret, set_cookie};
use super::signs;
use super::traced::Traced;
use crate::config::{Account, Config, Scope};
use crate::domain::ids::AccountId;
use crate::domain::rows::{Changes, ConsentChange, Follower};
use crate::domain::series;
use crate::effects::Live;
use crate::flows::consent::{self, Known};
use crate::flows::web_session::{only_page, target};
use crate::store::{OAuthState, SignIn, StoreError, StoredSession};
use crate::wechat::codes::Sense;
use crate::wechat::error::Error;
use crate::wechat::oauth::{Granted, Shown, authorize_url};

/// For how long somebody may be on their way through WeChat.
const ON_THE_WAY: SignedDuration = SignedDuration::from_mins(10);

/// Longest code that is asked about; those of WeChat have 32 characters.
const LONGEST_CODE: usize = 512;

/// People who wait for WeChat at once: a slow WeChat leaves the other connections to the rest.
pub(super) const EXCHANGES: usize = 64;

/// A page, or the way to one.
type Way = Result<Response, Box<Response>>;

/// Leads to WeChat, which says who is looking.
pub(super) async fn start(
    State(edge): State<Arc<Edge>>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let id = AccountId::new(account);
    edge.begin(&id, &Asked::read(query), &headers)
        .await
        .unwrap_or_else(|refused| *refused)
}

/// Where WeChat leads back to.
pub(super) async fn callback(
    State(edge): State<Arc<Edge>>,
    traced: Traced,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let id = AccountId::new(account);
    let asked = Asked::read(query);
    traced
        .around(edge.come_back(&id, &asked, &headers))
        .await
        .unwrap_or_else(|refused| *refused)
}

/// Ends the session of this browser.
pub(super) async fn logout(
    State(edge): State<Arc<Edge>>,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Response {
    let live = edge.context.live();
    if let Err(refused) = only_ours(&live, &headers) {
        return *refused;
    }
    if let Some(secret) = cookie(&live.config, &headers, SESSION)
        && let Err(fault) = edge.context.store.end_session(digest(&secret)).await
    {
        return unavailable(&fault, &headers);
    }
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let mut response = if accepts.is_some_and(|accepts| accepts.contains("text/html")) {
        let again = only_page(&live.config, &AccountId::new(account));
        signs::signed_out(again.map(|target| target.path), &live.config).render(&headers)
    } else {
        StatusCode::NO_CONTENT.into_response()
    };
    let taken = set_cookie(&live.config, SESSION, "", SignedDuration::ZERO);
    response.headers_mut().insert(SET_COOKIE, taken);
    response
}

/// Proves to WeChat that this domain belongs to the account (网页授权域名).
pub(super) async fn proof(State(edge): State<Arc<Edge>>, Path(file): Path<String>) -> Response {
    let live = edge.context.live();
    let code = file
        .strip_prefix("MP_verify_")
        .and_then(|rest| rest.strip_suffix(".txt"));
    let mut accounts = live.config.wechat.values();
    let known =
        code.filter(|code| accounts.any(|account| account.mp_verify.iter().any(|c| c == code)));
    match known {
        Some(code) => code.to_owned().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The parameters of an address; of repeated ones the first counts.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn read(query: Option<String>) -> Self {
        let query = query.unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    fn of(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Edge {
    async fn begin(&self, id: &AccountId, asked: &Asked, headers: &HeaderMap) -> Way {
        let live = self.context.live();
        let config = &live.config;
        let (account, _) = known(&live, id, headers)?;
        let wanted = match asked.of("to") {
            Some(to) => target(config, id, to),
            None => only_page(config, id),
        };
        let Some(wanted) = wanted else {
            count("refused");
            return Err(Box::new(signs::nowhere().render(headers)));
        };
        let page = config.app.pages.get(&wanted.page);
        let most = page.map_or(Scope::Base, |page| page.scope);
        let goes_without = asked.of("without").is_some();
        let random = &self.context.random;
        let (state, now) = (secret(random), self.context.clock.now());
        // Two pages that are opened at once share it.
        let browser = cookie(config, headers, BROWSER).unwrap_or_else(|| secret(random));
        let begun = OAuthState {
            state: digest(&state),
            browser: digest(&browser),
            account: id.clone(),
            target: wanted.path,
            scope: if goes_without { Scope::Base } else { most },
            asked: most,
            expires_at: now.saturating_add(ON_THE_WAY).unwrap_or(now),
            used: false,
        };
        let scope = begun.scope;
        let noted = self.context.store.begin_oauth(begun).await;
        noted.map_err(|fault| unavailable(&fault, headers))?;
        let back = config.own_url(&format!("/oauth/wechat/{id}/callback"));
        let mut response = lead(&authorize_url(account, back.as_str(), scope, &state));
        let tied = set_cookie(config, BROWSER, &browser, ON_THE_WAY);
        response.headers_mut().insert(SET_COOKIE, tied);
        Ok(response)
    }

    async fn come_back(&self, id: &AccountId, asked: &Asked, headers: &HeaderMap) -> Way {
        let live = self.context.live();
        let (account, client) = known(&live, id, headers)?;
        let way = self.way_of(&live, id, asked, headers).await?;
        let Some(code) = asked.of("code").filter(|code| !code.is_empty()) else {
            count("denied");
            return Err(Box::new(signs::denied(&live.config, &way).render(headers)));
        };
        if code.len() > LONGEST_CODE {
            count("code");
            return Err(Box::new(
                signs::used_code(&live.config, &way).render(headers),
            ));
        }
        let Ok(_place) = self.exchanges.try_acquire() else {
            count("unavailable");
            return Err(Box::new(
                signs::wechat_down(&live.config, &way).render(headers),
            ));
        };
        let granted = client.exchange_code(account, code).await;
        let granted = granted.map_err(|error| not_granted(&error, &live.config, &way, headers))?;
        if granted.is_snapshot {
            count("snapshot");
            return Err(Box::new(signs::snapshot().render(headers)));
        }
        let shown = match way.scope {
            Scope::UserInfo => Some(client.shown(&granted).await),
            Scope::Base => None,
        };
        let changes = self.consented(&live, id, &granted, shown).await;
        let changes = changes.map_err(|fault| unavailable(&fault, headers))?;
        self.let_in(&live, way, granted, changes, headers).await
    }

    /// Who came back: the same browser, soon enough, and for the first time. One that comes a second
    /// time, since WeChat may open the way back twice, goes where it is known already.
    async fn way_of(
        &self,
        live: &Live,
        id: &AccountId,
        asked: &Asked,
        headers: &HeaderMap,
    ) -> Result<OAuthState, Box<Response>> {
        let config = &live.config;
        let now = self.context.clock.now();
        let state = digest(asked.of("state").unwrap_or_default());
        let way = self.context.store.oauth_state(&state, now).await;
        let way = way.map_err(|fault| unavailable(&fault, headers))?;
        let Some(way) = way.filter(|way| way.account == *id) else {
            count("state");
            let again = only_page(config, id).map(|target| target.path);
            return Err(Box::new(signs::expired(config, id, again).render(headers)));
        };
        let browser = cookie(config, headers, BROWSER);
        if browser.map(|secret| digest(&secret)) != Some(way.browser.clone()) {
            count("browser");
            return Err(Box::new(signs::other_browser(config, &way).render(headers)));
        }
        if way.used {
            let session = self.session(headers).await;
            let session = session.map_err(|fault| unavailable(&fault, headers))?;
            if session.is_some_and(|session| session.follower.account == *id) {
                return Err(Box::new(lead(own(config, &way.target).as_str())));
            }
            count("state");
            return Err(Box::new(signs::used_code(config, &way).render(headers)));
        }
        Ok(way)
    }

    /// What is written about somebody who was asked for more than who they are. What could not be read
    /// is read later.
    async fn consented(
        &self,
        live: &Live,
        id: &AccountId,
        granted: &Granted,
        shown: Option<Result<Shown, Error>>,
    ) -> Result<Changes, StoreError> {
        let (Some(shown), Some(refresh_token)) = (shown, granted.refresh_token.clone()) else {
            return Ok(Changes::none());
        };
        let follower = Follower {
            account: id.clone(),
            openid: granted.openid.clone(),
        };
        let mut changes = Changes::none();
        let (profile, unionid) = match shown {
            Ok(Shown { profile, unionid }) => {
                let store = &self.context.store;
                let mapping = store.mapping(&follower).await?;
                let consent = store.consent(&follower).await?;
                let account = live.account(id).map(|(account, _)| account);
                let tenant = account.and_then(|account| live.tenant(&account.tenant));
                if let (Some(account), Some((tenant, _))) = (account, tenant) {
                    let known = Known {
                        mapping: mapping.as_ref(),
                        consent: consent.as_ref(),
                        account,
                        tenant,
                    };
                    changes.effects.extend(consent::told(&known, &profile));
                }
                (Some(profile), unionid)
            }
            Err(error) => {
                tracing::warn!(account = %id, %error, "a profile is read later");
                changes.effects.push(consent::renew(&follower));
                (None, None)
            }
        };
        changes.consents.push(ConsentChange::Given {
            follower,
            profile,
            refresh_token,
            unionid: unionid.or_else(|| granted.unionid.clone()),
        });
        Ok(changes)
    }

    async fn let_in(
        &self,
        live: &Live,
        way: OAuthState,
        granted: Granted,
        changes: Changes,
        headers: &HeaderMap,
    ) -> Way {
        let config = &live.config;
        let token = secret(&self.context.random);
        let now = self.context.clock.now();
        let hours = config.app.session;
        let session = StoredSession {
            token: digest(&token),
            follower: Follower {
                account: way.account.clone(),
                openid: granted.openid,
            },
            asked: way.asked,
            expires_at: now.saturating_add(hours).unwrap_or(now),
        };
        let sign_in = SignIn {
            state: way.state.clone(),
            session,
            replaces: cookie(config, headers, SESSION).map(|secret| digest(&secret)),
            changes,
        };
        let let_in = self.context.store.sign_in(sign_in).await;
        if !let_in.map_err(|fault| unavailable(&fault, headers))? {
            count("state");
            return Err(Box::new(signs::used_code(config, &way).render(headers)));
        }
        count("done");
        let mut response = lead(own(config, &way.target).as_str());
        let known = set_cookie(config, SESSION, &token, hours);
        response.headers_mut().insert(SET_COOKIE, known);
        Ok(response)
    }
}

/// The account of an address, and its client.
fn known<'l>(
    live: &'l Live,
    id: &AccountId,
    headers: &HeaderMap,
) -> Result<(&'l Account, &'l crate::wechat::client::Client), Box<Response>> {
    live.account(id)
        .ok_or_else(|| Box::new(signs::no_account().render(headers)))
}

/// A code that does not serve is the person's to renew; everything else is WeChat's, or ours.
fn not_granted(error: &Error, config: &Config, way: &OAuthState, headers: &HeaderMap) -> Response {
    if error.sense() == Some(Sense::LoginAgain) {
        count("code");
        return signs::used_code(config, way).render(headers);
    }
    count("unavailable");
    tracing::warn!(account = %way.account, %error, "nobody can log in");
    signs::wechat_down(config, way).render(headers)
}

fn unavailable(fault: &StoreError, headers: &HeaderMap) -> Response {
    count("unavailable");
    tracing::warn!(error = %fault, "nobody can log in");
    signs::unavailable().render(headers)
}

fn count(outcome: &'static str) {
    metrics::counter!(series::SIGN_INS, "outcome" => outcome).increment(1);
}

/// Our own address of a path below a page, with what follows it.
pub(super) fn own(config: &Config, target: &str) -> String {
    format!(
        "{}{target}",
        config.own_url("").path().trim_end_matches('/')
    )
}

/// Sends the browser there.
pub(super) fn lead(to: &str) -> Response {
    (StatusCode::FOUND, [(LOCATION, to)]).into_response()
}
