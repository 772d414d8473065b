//! Web authorization (`wechat.md` 8): what a phone shows of it, and what the account asks after it.
//!
//! `pages` is what a person sees, `sns` what the account's server calls; here is what both know.
//! Who is looking is a cookie that the control `phone` sets: only WeChat's own browser knows it.

pub(super) mod pages;
mod sns;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use rand::{Rng, RngExt};
use serde_json::json;

use super::queue::Content;
use super::{WeChat, ids, later};
use crate::wire::{Request, Response};

/// A code is good for so long.
const CODE_LIFE: Duration = Duration::from_mins(5);

/// A page that asks for consent is good for so long; WeChat's own is not documented.
const QUESTION_LIFE: Duration = Duration::from_mins(10);

/// Life of an access token of this kind.
const TOKEN_LIFE: Duration = Duration::from_hours(2);

/// Life of a refresh token.
const REFRESH_LIFE: Duration = Duration::from_hours(720);

/// `RevokeInfo` of nickname and avatar (`wechat.md` 2.4).
pub const NICKNAME_AND_AVATAR: &str = "205";

/// Who looks, and how they came: cookies of WeChat's own browser.
const PHONE: &str = "sim_phone";
const CAME_FROM: &str = "sim_from";

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Base,
    UserInfo,
}

impl Scope {
    fn of(text: &str) -> Option<Self> {
        match text {
            "snsapi_base" => Some(Self::Base),
            "snsapi_userinfo" => Some(Self::UserInfo),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::UserInfo => "snsapi_userinfo",
        }
    }
}

/// What was granted, and to whom.
#[derive(Debug, Clone)]
struct Grant {
    openid: String,
    scope: Scope,
    is_snapshot: bool,
}

/// A question for consent that is on somebody's screen.
#[derive(Debug)]
struct Question {
    openid: String,
    back: String,
    state: String,
    asked: Timestamp,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    made: Timestamp,
    is_used: bool,
}

#[derive(Debug)]
struct Token {
    grant: Grant,
    ends: Timestamp,
}

/// All that was asked and granted. Nothing is forgotten: a simulation is short.
#[derive(Debug, Default)]
pub(super) struct OAuth {
    questions: HashMap<String, Question>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Token>,
    refresh: BTreeMap<String, Token>,
    /// The virtual OpenIDs of snapshot pages, by the real ones.
    virtual_ids: BTreeMap<String, String>,
}

impl WeChat {
    /// Every code and token of web authorization that was ever given out: none may reach a page.
    pub fn oauth_secrets(&self) -> Vec<String> {
        let oauth = &self.oauth;
        let tokens = oauth.access.keys().chain(oauth.refresh.keys());
        tokens.cloned().collect()
    }

    /// The virtual OpenID that somebody has on snapshot pages, if they ever opened one.
    pub fn virtual_openid(&self, openid: &str) -> Option<&str> {
        self.oauth.virtual_ids.get(openid).map(String::as_str)
    }

    /// A person withdraws what they consented to; `info` is `RevokeInfo`, for example
    /// [`NICKNAME_AND_AVATAR`]. Their tokens end, and the account is pushed an event.
    pub fn revoke_authorization(
        &mut self,
        openid: &str,
        info: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let belongs = |_: &String, token: &mut Token| token.grant.openid != openid;
        self.oauth.access.retain(belongs);
        self.oauth.refresh.retain(belongs);
        let fields = [
            ("ToUserName", json!(self.settings.original_id)),
            // WeChat's own sender, not the person (`wechat.md` 2.4).
            ("FromUserName", json!(ids::person_id(rng))),
            ("CreateTime", json!(now.as_second())),
            ("MsgType", json!("event")),
            ("Event", json!("user_authorization_revoke")),
            ("OpenID", json!(openid)),
            ("AppID", json!(self.settings.app_id)),
            ("RevokeInfo", json!(info)),
        ];
        let content = Content {
            openid,
            what: "user_authorization_revoke",
            msg_id: None,
            fields: fields.to_vec(),
        };
        let options = std::mem::take(&mut self.next_push);
        self.plan(&content, options, now, rng)
    }

    /// `GET /_control/phone?openid=&to=[&from=chat]`: this browser is that person's WeChat from now
    /// on, and opens `to`. With `from=chat` it is opened from the account's chat or menu.
    pub(super) fn pick_up_phone(&self, request: &Request) -> Response {
        let openid = request.param("openid").unwrap_or_default();
        let to = request.param("to").unwrap_or_default();
        if self.people.get(&openid).is_none() || to.is_empty() {
            return Response {
                status: 400,
                headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
                body: b"openid of somebody known, and to, are needed\n".to_vec(),
            };
        }
        let from = request.param("from").unwrap_or_default();
        let from = if from == "chat" { "chat" } else { "" };
        let cookie = |name, value: &str| {
            let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
            ("set-cookie".to_owned(), cookie)
        };
        Response {
            status: 302,
            headers: vec![
                ("location".to_owned(), to),
                cookie(PHONE, &openid),
                cookie(CAME_FROM, from),
            ],
            body: Vec::new(),
        }
    }

    /// A new code for that person; on a snapshot page for whom WeChat makes of them.
    fn issue_code(
        &mut self,
        openid: &str,
        scope: Scope,
        is_snapshot: bool,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> String {
        let openid = if is_snapshot {
            let ids = &mut self.oauth.virtual_ids;
            let known = ids.entry(openid.to_owned());
            known.or_insert_with(|| ids::person_id(rng)).clone()
        } else {
            openid.to_owned()
        };
        // 32 letters and digits, as observed.
        let code: String = (0..32)
            .map(|_| char::from(rng.sample(rand::distr::Alphanumeric)))
            .collect();
        let grant = Grant {
            openid,
            scope,
            is_snapshot,
        };
        let issued = Code {
            grant,
            made: now,
            is_used: false,
        };
        self.oauth.codes.insert(code.clone(), issued);
        code
    }
}

/// A cookie of a request.
fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let all = request.headers.iter().filter(|(n, _)| n == "cookie");
    let pairs = all.flat_map(|(_, value)| value.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
}

/// Whether something made then is too old.
fn is_over(made: Timestamp, life: Duration, now: Timestamp) -> bool {
    now >= later(made, life)
}
