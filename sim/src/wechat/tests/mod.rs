//! Stories about the simulated platform: its API, its pushes, and both over real HTTP.

mod api;
mod http;
mod pushes;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{Mode, Reply, Settings, WeChat};
use crate::wire::{Core, Delivery, Push, PushOutcome, Request, Response};

const CUSTOM_SEND: &str = "/cgi-bin/message/custom/send";
const TEMPLATE_SEND: &str = "/cgi-bin/message/template/send";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// A platform whose time and pushes the test moves by hand.
struct World {
    wx: WeChat,
    now: Timestamp,
    rng: StdRng,
}

impl World {
    fn new() -> Self {
        Self::with(Settings {
            push_url: "http://qiao.test/wechat/main".to_owned(),
            ..Settings::default()
        })
    }

    fn with(settings: Settings) -> Self {
        Self {
            wx: WeChat::new(settings),
            now: "2026-11-23T10:00:00Z".parse().unwrap(),
            rng: StdRng::seed_from_u64(7),
        }
    }

    fn advance(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// A new follower, whose follow was pushed and acknowledged.
    fn follower(&mut self) -> String {
        let openid = self.wx.new_follower(&mut self.rng);
        self.wx.follow(&openid, None, self.now, &mut self.rng);
        for push in self.due() {
            self.answer(&push, "success");
        }
        openid
    }

    fn say(&mut self, openid: &str, text: &str) -> u64 {
        self.wx.say(openid, text, self.now, &mut self.rng)
    }

    /// The pushes due now.
    fn due(&mut self) -> Vec<Push> {
        self.wx.take_due(self.now, &mut self.rng)
    }

    /// Answers a push with status 200 and this body.
    fn answer(&mut self, push: &Push, body: &str) {
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        };
        self.wx
            .pushed(push, PushOutcome::Answered(response), self.now);
    }

    fn ignore(&mut self, push: &Push) {
        self.wx.pushed(push, PushOutcome::Unanswered, self.now);
    }

    /// Sends a request with a body, or without one for a null.
    fn request(&mut self, method: &str, target: &str, body: &Value) -> Response {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: match body {
                Value::Null => Vec::new(),
                Value::String(raw) => raw.as_bytes().to_vec(),
                object => object.to_string().into_bytes(),
            },
        };
        match self.wx.handle(&request, self.now, &mut self.rng) {
            Delivery::Answer(response, _) => response,
            other => panic!("no answer but {other:?}"),
        }
    }

    fn get(&mut self, target: &str) -> Value {
        let response = self.request("GET", target, &Value::Null);
        serde_json::from_slice(&response.body).unwrap()
    }

    fn post(&mut self, target: &str, body: &Value) -> Value {
        let response = self.request("POST", target, body);
        serde_json::from_slice(&response.body).unwrap()
    }

    fn token(&mut self) -> String {
        let answer = self.post("/cgi-bin/stable_token", &credentials());
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Calls with a token: GET without a body, else POST. Returns the error code too.
    fn call(&mut self, path: &str, body: &Value) -> (i64, Value) {
        let token = self.token();
        let mark = if path.contains('?') { '&' } else { '?' };
        let target = format!("{path}{mark}access_token={token}");
        let answer = match body {
            Value::Null => self.get(&target),
            body => self.post(&target, body),
        };
        (answer["errcode"].as_i64().unwrap_or(0), answer)
    }

    fn send_text(&mut self, openid: &str, text: &str) -> i64 {
        self.call(CUSTOM_SEND, &text_to(openid, text)).0
    }

    fn texts_seen(&self, openid: &str) -> Vec<&str> {
        let seen = self.wx.seen(openid).iter();
        seen.map(|seen| seen.text.as_str()).collect()
    }
}

fn credentials() -> Value {
    json!({
        "grant_type": "client_credential",
        "appid": "wx0123456789abcdef",
        "secret": "simsecret",
    })
}

fn text_to(openid: &str, text: &str) -> Value {
    json!({"touser": openid, "msgtype": "text", "text": {"content": text}})
}

/// A right passive reply to `openid`.
fn reply_to(openid: &str, text: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{openid}]]></ToUserName>\
         <FromUserName><![CDATA[gh_0123456789ab]]></FromUserName>\
         <CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{text}]]></Content></xml>"
    )
}
