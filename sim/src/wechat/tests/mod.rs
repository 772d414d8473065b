//! Stories about the simulated platform: its API, its pushes, and both over real HTTP.

mod acts;
mod api;
mod http;
mod jssdk;
mod media;
mod menus;
mod oauth;
mod pushes;
mod qr;
mod typing;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{Mode, Reply, Settings, WeChat, xml};
use crate::wire::{Core, Delivery, Push, PushOutcome, Request, Response};

const CUSTOM_SEND: &str = "/cgi-bin/message/custom/send";
const MEDIA_GET: &str = "/cgi-bin/media/get";
const TEMPLATE_SEND: &str = "/cgi-bin/message/template/send";
const UPLOAD: &str = "/cgi-bin/media/upload";
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
        self.handle(&request)
    }

    fn handle(&mut self, request: &Request) -> Response {
        match self.wx.handle(request, self.now, &mut self.rng) {
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

    /// Uploads a file as a form does; the answer.
    fn upload(&mut self, of_type: &str, filename: &str, bytes: &[u8]) -> Value {
        let part = format!("name=\"media\"; filename=\"{filename}\"");
        self.upload_part(of_type, &part, "image/jpeg", bytes)
    }

    /// Uploads a form of one part whose headers are given.
    fn upload_part(
        &mut self,
        of_type: &str,
        part: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Value {
        let request = Request {
            method: "POST".to_owned(),
            path: UPLOAD.to_owned(),
            query: format!("access_token={}&type={of_type}", self.token()),
            headers: vec![(
                "content-type".to_owned(),
                "multipart/form-data; boundary=b".to_owned(),
            )],
            body: form(part, content_type, bytes),
        };
        serde_json::from_slice(&self.handle(&request).body).unwrap()
    }

    /// What media/get answers.
    fn fetch(&mut self, media_id: &str) -> Response {
        let token = self.token();
        let target = format!("{MEDIA_GET}?access_token={token}&media_id={media_id}");
        self.request("GET", &target, &Value::Null)
    }

    /// An element of a push before encryption.
    fn pushed(&self, push: u64, element: &str) -> String {
        let root = xml::parse(&self.wx.push(push).unwrap().xml).unwrap();
        root.text_of(element).to_owned()
    }

    fn send_text(&mut self, openid: &str, text: &str) -> i64 {
        self.call(CUSTOM_SEND, &text_to(openid, text)).0
    }

    fn texts_seen(&self, openid: &str) -> Vec<&str> {
        let seen = self.wx.seen(openid).iter();
        seen.map(|seen| seen.text.as_str()).collect()
    }
}

fn form(part: &str, content_type: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("Content-Disposition: form-data; {part}\r\nContent-Type: {content_type}");
    [
        b"--b\r\n",
        head.as_bytes(),
        b"\r\n\r\n",
        bytes,
        b"\r\n--b--\r\n",
    ]
    .concat()
}

/// The bytes of a small file: its first ones, then noise that no reader of text would survive.
fn file(magic: &[u8]) -> Vec<u8> {
    [magic, b"\0\xff\r\n--a\r\n\xfe noise"].concat()
}

/// A recording of so many seconds.
fn amr(seconds: usize) -> Vec<u8> {
    let frame = [[0x3c].as_slice(), &[7; 31]].concat();
    [b"#!AMR\n", &frame.repeat(50 * seconds)[..]].concat()
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
