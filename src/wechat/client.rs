//! What Qiao asks of WeChat's API (wechat.md 3.1, 3.2, 4.1, 4.4, 5).
//!
//! Every method is one call: no retries, no token kept, no window checked. Those are decisions, and
//! they are made elsewhere from [`super::error::Error`], [`super::token`] and [`super::window`].
//! Further methods stand beside: [`super::custom`], [`super::download`], [`super::upload`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::config::{Account, TokenSource};
use crate::domain::ids::OpenId;
use crate::kit::retry_after;
use crate::kit::transport::{Method, Request, Response, Transport};

use super::error::{Call, Cause, Error};
use super::json::{self, decode, encode};
use super::user::{ChangedOpenId, FollowerPage, UserInfo};

/// The platform answers such calls within a second; a send that takes longer is as good as lost.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A page of 10,000 OpenIDs is 300 KB.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// The most followers that [`Client::users`] and [`Client::changed_openids`] may ask about; the
/// platform refuses more.
pub const MAX_USERS: usize = 100;

/// Longest value of a template's keyword: the platform cuts longer ones (wechat.md 4.4).
const MAX_KEYWORD_CHARS: usize = 20;

/// An access token. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// Takes a token from the platform or from the store.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The token itself, for the call and for the store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// A token that was just fetched.
#[derive(Debug, Clone)]
pub struct FetchedToken {
    /// The token.
    pub value: AccessToken,
    /// How long it still lives.
    pub expires_in: Duration,
}

/// A template message, rendered.
#[derive(Clone, PartialEq, Eq)]
pub struct TemplateMessage {
    /// WeChat's id of the template.
    pub template_id: String,
    /// Keyword → text. Line ends become spaces and long texts are cut to 20 characters.
    pub data: BTreeMap<String, String>,
    /// Where a tap leads; empty for nowhere.
    pub url: String,
    /// Lets the platform recognise a repetition.
    pub client_msg_id: String,
}

/// WeChat's API at one address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    api_url: String,
}

impl Client {
    /// A client for `api_url`, which has no trailing slash.
    pub fn new(transport: Arc<dyn Transport>, api_url: impl Into<String>) -> Self {
        Self {
            transport,
            api_url: api_url.into(),
        }
    }

    /// Fetches an access token from the account's source.
    ///
    /// `force` makes `stable_token` issue a new one and kill the old at once (20 a day, at most
    /// every 30 s). `token` always issues a new one, and a central service decides for itself.
    pub async fn fetch_token(&self, account: &Account, force: bool) -> Result<FetchedToken, Error> {
        let secret = account.app_secret.expose_secret();
        let request = match &account.access_token {
            TokenSource::StableToken => self.post(
                "/cgi-bin/stable_token",
                &[],
                &json!({
                    "grant_type": "client_credential",
                    "appid": account.app_id,
                    "secret": secret,
                    "force_refresh": force,
                }),
            ),
            TokenSource::Token => self.get(
                "/cgi-bin/token",
                &[
                    ("grant_type", "client_credential"),
                    ("appid", &account.app_id),
                    ("secret", secret),
                ],
            ),
            TokenSource::Central(url) => get(url.to_string()),
        };
        let answer = self.call(Call::FetchToken, request).await?;
        read_token(&answer).ok_or(Error {
            call: Call::FetchToken,
            cause: Cause::Unreadable("without access_token and expires_in"),
        })
    }

    /// Sends a text as a custom message: at most [`super::split::MAX_SEND_BYTES`], within a window.
    /// There is no id and no receipt.
    pub async fn send_text(
        &self,
        token: &AccessToken,
        to: &OpenId,
        text: &str,
    ) -> Result<(), Error> {
        let content = json!({ "content": text });
        self.send_custom(Call::SendText, token, to, "text", content)
            .await
    }

    /// Sends a template message. Answers its `msgid`, by which the event TEMPLATESENDJOBFINISH tells
    /// later what became of it.
    pub async fn send_template(
        &self,
        token: &AccessToken,
        to: &OpenId,
        message: &TemplateMessage,
    ) -> Result<Option<i64>, Error> {
        let data: serde_json::Map<_, _> = message
            .data
            .iter()
            .map(|(keyword, text)| (keyword.clone(), json!({ "value": fit_keyword(text) })))
            .collect();
        let mut body = json!({
            "touser": to.as_str(),
            "template_id": message.template_id,
            "client_msg_id": message.client_msg_id,
            "data": data,
        });
        if !message.url.is_empty() {
            body["url"] = json!(message.url);
        }
        let request = self.post(
            "/cgi-bin/message/template/send",
            &[("access_token", token.expose())],
            &body,
        );
        let answer = self.call(Call::SendTemplate, request).await?;
        Ok(json::number(&answer, "msgid"))
    }

    /// What the platform tells about one person; of somebody who does not follow, hardly anything.
    pub async fn user_info(&self, token: &AccessToken, openid: &OpenId) -> Result<UserInfo, Error> {
        let request = self.get(
            "/cgi-bin/user/info",
            &[
                ("access_token", token.expose()),
                ("openid", openid.as_str()),
                ("lang", "zh_CN"),
            ],
        );
        let answer = self.call(Call::UserInfo, request).await?;
        UserInfo::read(&answer).ok_or(Error {
            call: Call::UserInfo,
            cause: Cause::Unreadable("without openid"),
        })
    }

    /// The same for up to [`MAX_USERS`]. One OpenID of another account fails them all with 40003.
    pub async fn users(
        &self,
        token: &AccessToken,
        openids: &[OpenId],
    ) -> Result<Vec<UserInfo>, Error> {
        let list: Vec<_> = openids
            .iter()
            .map(|openid| json!({ "openid": openid.as_str(), "lang": "zh_CN" }))
            .collect();
        let request = self.post(
            "/cgi-bin/user/info/batchget",
            &[("access_token", token.expose())],
            &json!({ "user_list": list }),
        );
        let answer = self.call(Call::UserInfo, request).await?;
        Ok(json::list(&answer, "user_info_list")
            .filter_map(UserInfo::read)
            .collect())
    }

    /// A page of up to 10,000 followers, after `next_openid` or from the start.
    pub async fn follower_page(
        &self,
        token: &AccessToken,
        next_openid: Option<&OpenId>,
    ) -> Result<FollowerPage, Error> {
        let mut query = vec![("access_token", token.expose())];
        query.extend(next_openid.map(|openid| ("next_openid", openid.as_str())));
        let mut request = self.get("/cgi-bin/user/get", &query);
        request.timeout = PAGE_TIMEOUT;
        let answer = self.call(Call::Followers, request).await?;
        Ok(FollowerPage::read(&answer, next_openid))
    }

    /// The OpenIDs that up to [`MAX_USERS`] followers have since the account of that AppID was migrated
    /// to the one whose token this is; whoever did not follow both is left out (wechat.md 5).
    pub async fn changed_openids(
        &self,
        token: &AccessToken,
        from_app_id: &str,
        openids: &[OpenId],
    ) -> Result<Vec<ChangedOpenId>, Error> {
        let list: Vec<&str> = openids.iter().map(OpenId::as_str).collect();
        let request = self.post(
            "/cgi-bin/changeopenid",
            &[("access_token", token.expose())],
            &json!({ "from_appid": from_app_id, "openid_list": list }),
        );
        let answer = self.call(Call::ChangeOpenIds, request).await?;
        let list = json::list(&answer, "result_list");
        Ok(list.filter_map(ChangedOpenId::read).collect())
    }

    pub(super) async fn call(&self, call: Call, request: Request) -> Result<Value, Error> {
        let response = self.exchange(call, request).await?;
        read_answer(call, &response)
    }

    /// Sends the request; what is answered is not looked at.
    pub(super) async fn exchange(&self, call: Call, request: Request) -> Result<Response, Error> {
        self.transport.send(request).await.map_err(|fault| Error {
            call,
            cause: Cause::Transport(fault),
        })
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Request {
        get(self.url(path, query))
    }

    pub(super) fn post(&self, path: &str, query: &[(&str, &str)], body: &Value) -> Request {
        Request {
            method: Method::Post,
            url: self.url(path, query),
            headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
            body: encode(body),
            timeout: CALL_TIMEOUT,
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{query}", self.api_url)
    }
}

pub(super) fn get(url: String) -> Request {
    Request {
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: Vec::new(),
        timeout: CALL_TIMEOUT,
    }
}

/// An error code counts whatever the status is; without one the status must be success and the
/// body JSON. Content types differ by endpoint and are not looked at.
pub(super) fn read_answer(call: Call, response: &Response) -> Result<Value, Error> {
    let answer = decode(&response.body);
    let code = answer.as_ref().and_then(|a| json::number(a, "errcode"));
    if let (Some(answer), Some(code)) = (&answer, code)
        && code != 0
    {
        let errmsg = answer["errmsg"].as_str().unwrap_or_default();
        return Err(Error::refused(call, code, errmsg));
    }
    let cause = match answer {
        Some(answer) if (200..300).contains(&response.status) => return Ok(answer),
        None if (200..300).contains(&response.status) => Cause::Unreadable("not JSON"),
        _ => Cause::Http {
            status: response.status,
            retry_after: retry_after::of(response),
        },
    };
    Err(Error { call, cause })
}

fn read_token(answer: &Value) -> Option<FetchedToken> {
    let seconds = json::number(answer, "expires_in").filter(|seconds| *seconds > 0)?;
    Some(FetchedToken {
        value: AccessToken::new(json::text(answer, "access_token")?),
        expires_in: Duration::from_secs(seconds.unsigned_abs()),
    })
}

/// One line of at most 20 characters, the last being `…` if some are missing.
fn fit_keyword(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_KEYWORD_CHARS {
        return line;
    }
    let head: String = line.chars().take(MAX_KEYWORD_CHARS - 1).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests;
