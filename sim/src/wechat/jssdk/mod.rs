//! The JS-SDK (`wechat.md` 3.4, 8): tickets, a stand-in for its script, and what WeChat's app does for pages.
//!
//! The real script talks to the app around it, which asks WeChat whether the signature is right. The stand-in
//! (`stand_in.js`) asks the simulator, `GET /_control/jssdk`, and tells it which places a page opened,
//! `POST /_control/open_location`.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::api::Call;
use super::crypto::hex_sha1;
use super::refusal::{Outcome, Refusal};
use super::{WeChat, ids, later};
use crate::wire::{Request, Response};

/// Where the script is, as at `res.wx.qq.com`.
pub(super) const SCRIPT: &str = "/open/js/jweixin-1.6.0.js";

const STAND_IN: &str = include_str!("stand_in.js");

/// Seconds that a ticket lives.
const LIFE: u32 = 7_200;

/// Characters of a ticket.
const TICKET_LENGTH: usize = 86;

/// The tickets of one account.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// Whose it is and until when it lives, by ticket.
    issued: HashMap<String, (String, Timestamp)>,
    current: Option<String>,
}

impl Tickets {
    /// While it lives everybody gets the same.
    fn get(&mut self, app_id: &str, now: Timestamp, rng: &mut dyn Rng) -> (String, i64) {
        self.issued.retain(|_, (_, expires)| *expires > now);
        let alive = self.current.as_ref().and_then(|ticket| {
            let (owner, expires) = self.issued.get(ticket)?;
            let left = expires.duration_since(now).as_secs();
            (owner == app_id && left > 0).then(|| (ticket.clone(), left))
        });
        if let Some(alive) = alive {
            return alive;
        }
        let ticket = ids::random_text(TICKET_LENGTH, rng);
        let expires = later(now, Duration::from_secs(LIFE.into()));
        self.issued
            .insert(ticket.clone(), (app_id.to_owned(), expires));
        self.current = Some(ticket.clone());
        (ticket, LIFE.into())
    }

    /// Whether one of the account's living tickets made this signature.
    fn signed(&self, app_id: &str, signature: &str, rest: &str, now: Timestamp) -> bool {
        let alive = self
            .issued
            .iter()
            .filter(|(_, (owner, expires))| owner == app_id && *expires > now);
        alive.into_iter().any(|(ticket, _)| {
            let signed = format!("jsapi_ticket={ticket}&{rest}");
            hex_sha1(signed.as_bytes()) == signature
        })
    }
}

/// A place that a page opened on WeChat's map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenedLocation {
    /// Degrees, GCJ-02.
    pub latitude: f64,
    /// Degrees, GCJ-02.
    pub longitude: f64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its address.
    #[serde(default)]
    pub address: String,
    /// Zoom, 1 to 28.
    #[serde(default = "whole_scale")]
    pub scale: u32,
}

fn whole_scale() -> u32 {
    28
}

impl WeChat {
    /// The places that pages opened on WeChat's map, oldest first.
    pub fn opened_locations(&self) -> &[OpenedLocation] {
        &self.opened
    }

    /// `GET /cgi-bin/ticket/getticket`.
    pub(super) fn get_ticket(&mut self, call: &mut Call<'_>) -> Outcome {
        if call.request.param("type").as_deref() != Some("jsapi") {
            return Err(Refusal::new(40097));
        }
        let app_id = self.settings.app_id.clone();
        let (ticket, expires_in) = self.tickets.get(&app_id, call.now, call.rng);
        Ok(json!({
            "errcode": 0,
            "errmsg": "ok",
            "ticket": ticket,
            "expires_in": expires_in,
        }))
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn jssdk_script(&mut self, _: &mut Call<'_>) -> Result<Response, Refusal> {
        let content_type = "application/javascript; charset=utf-8".to_owned();
        Ok(Response {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type)],
            body: STAND_IN.as_bytes().to_vec(),
        })
    }

    /// What the app answers to `wx.config`, and where the phone is.
    pub(super) fn check_jssdk(&self, request: &Request, now: Timestamp) -> Value {
        let told = match self.config_fault(request, now) {
            Some(fault) => return json!({ "errMsg": format!("config:{fault}") }),
            None => "config:ok",
        };
        let at = |place: Option<[f64; 2]>| {
            place.map(
                |[latitude, longitude]| json!({ "latitude": latitude, "longitude": longitude }),
            )
        };
        json!({
            "errMsg": told,
            "position": {
                "gcj02": at(self.settings.position_gcj02),
                "wgs84": at(self.settings.position_wgs84),
            },
        })
    }

    fn config_fault(&self, request: &Request, now: Timestamp) -> Option<&'static str> {
        let param = |name: &str| request.param(name).unwrap_or_default();
        let [app_id, timestamp, nonce, signature, url] =
            ["appId", "timestamp", "nonceStr", "signature", "url"].map(param);
        if app_id != self.settings.app_id {
            return Some("invalid appid");
        }
        let whole = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if nonce.is_empty() || !whole(&timestamp) {
            return Some("invalid signature");
        }
        let domains = &self.settings.jssdk_domains;
        let host = Url::parse(&url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        if !domains.is_empty() && !domains.iter().any(|domain| domain == host) {
            return Some("invalid url domain");
        }
        let rest = format!("noncestr={nonce}&timestamp={timestamp}&url={url}");
        let right = !url.contains('#') && self.tickets.signed(&app_id, &signature, &rest, now);
        (!right).then_some("invalid signature")
    }
}
