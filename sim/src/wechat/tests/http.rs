//! The platform over real HTTP, with a small receiver in the place of Qiao.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::RawQuery;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;

use super::*;
use crate::clock::SimClock;
use crate::shell::Server;

/// What the receiver does with a push.
#[derive(Clone)]
enum Answer {
    /// This text.
    Text(String),
    /// Nothing for longer than any deadline.
    Silence,
}

/// Query and body of every push received.
type Got = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Receives pushes on a real socket.
struct Receiver {
    url: String,
    got: Got,
}

impl Receiver {
    async fn start(answer: Answer) -> Self {
        let got: Got = Arc::default();
        let heard = got.clone();
        let router = Router::new().fallback(move |RawQuery(query): RawQuery, body: Bytes| {
            let pushed = (query.unwrap_or_default(), body.to_vec());
            heard.lock().unwrap().push(pushed);
            let answer = answer.clone();
            async move {
                match answer {
                    Answer::Text(text) => text,
                    Answer::Silence => std::future::pending().await,
                }
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/wechat/main", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, got }
    }
}

async fn platform(push_url: &str) -> Server<WeChat> {
    let settings = Settings {
        push_url: push_url.to_owned(),
        push_deadline_ms: 100,
        ..Settings::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock = SimClock::manual("2026-11-23T10:00:00Z".parse().unwrap());
    Server::start(listener, WeChat::new(settings), clock, 7)
}

struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    fn of(server: &Server<WeChat>) -> Self {
        // Fails only when a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: server.url().to_owned(),
        }
    }

    async fn get(&self, target: &str) -> Value {
        let answer = self.http.get(format!("{}{target}", self.base)).send();
        serde_json::from_slice(&answer.await.unwrap().bytes().await.unwrap()).unwrap()
    }

    async fn try_post(&self, target: &str, body: &Value) -> reqwest::Result<Value> {
        let request = self.http.post(format!("{}{target}", self.base));
        let answer = request.body(body.to_string()).send().await?;
        Ok(serde_json::from_slice(&answer.bytes().await?).unwrap())
    }

    async fn post(&self, target: &str, body: &Value) -> Value {
        self.try_post(target, body).await.unwrap()
    }

    async fn token(&self) -> String {
        let answer = self.post("/cgi-bin/stable_token", &credentials()).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_follower_is_made_over_the_control_api_and_reads_an_answer() {
    let receiver = Receiver::start(Answer::Text("success".to_owned())).await;
    let server = platform(&receiver.url).await;
    let client = Client::of(&server);
    let followed = client
        .post("/_control/follow", &json!({"scene": "shop"}))
        .await;
    let openid = followed["openid"].as_str().unwrap();
    let push = followed["push"].as_u64().unwrap();
    let outcome = server.until(|wx| wx.push(push)?.outcome().cloned()).await;
    assert_eq!(outcome, Reply::Success);
    assert!(receiver.got.lock().unwrap()[0].0.contains(openid));

    let target = format!("{CUSTOM_SEND}?access_token={}", client.token().await);
    assert_eq!(
        client.post(&target, &text_to(openid, "hi")).await["errcode"],
        0
    );
    let seen = client.get(&format!("/_control/seen?openid={openid}")).await;
    assert_eq!(
        seen,
        json!([{"at": "2026-11-23T10:00:00Z", "via": "custom", "kind": "text", "text": "hi"}])
    );
    let state = client.get("/_control/state").await;
    assert_eq!(
        (&state["followers"], &state["quiet"]),
        (&json!(1), &json!(true))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_silent_receiver_gets_three_copies_as_time_goes_on() {
    let receiver = Receiver::start(Answer::Silence).await;
    let server = platform(&receiver.url).await;
    let push = server.with(|wx, now, rng| {
        let openid = wx.new_follower(rng);
        wx.follow(&openid, None, now, rng)
    });
    for attempt in 1..3 {
        server
            .until(|wx| wx.push(push)?.attempts.get(attempt - 1)?.reply.clone())
            .await;
        server.clock().advance(Duration::from_secs(5));
    }
    let outcome = server.until(|wx| wx.push(push)?.outcome().cloned()).await;
    assert_eq!(outcome, Reply::Unanswered);
    assert!(server.with(|wx, _, _| wx.push(push).unwrap().banner));
    let got = receiver.got.lock().unwrap();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|push| *push == got[0]));
}

#[tokio::test]
async fn a_send_dropped_after_the_effect_arrives_although_the_caller_saw_no_answer() {
    let server = platform("").await;
    let client = Client::of(&server);
    let openid = server.with(|wx, now, rng| {
        let openid = wx.new_follower(rng);
        wx.follow(&openid, None, now, rng);
        openid
    });
    let target = format!("{CUSTOM_SEND}?access_token={}", client.token().await);
    let fault = json!({"on": "custom/send", "kind": "drop", "after_effect": true});
    client.post("/_control/faults", &fault).await;
    let error = client.try_post(&target, &text_to(&openid, "once")).await;
    assert_eq!(error.unwrap_err().status(), None);
    let seen = server.with(|wx, _, _| wx.seen(&openid).len());
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn media_travel_over_http_and_a_download_can_break_off() {
    let receiver = Receiver::start(Answer::Text("success".to_owned())).await;
    let server = platform(&receiver.url).await;
    let client = Client::of(&server);
    let video = file(b"\0\0\0\x18ftypmp42");
    let openid = server.with(|wx, _, rng| wx.new_follower(rng));
    let act = json!({"openid": openid, "base64": STANDARD.encode(&video)});
    let sent = client.post("/_control/video", &act).await;
    let push = sent["push"].as_u64().unwrap();
    server.until(|wx| wx.push(push)?.outcome().cloned()).await;
    let pushed = server.look(|wx| wx.push(push).unwrap().xml.clone());
    let pushed = xml::parse(&pushed).unwrap();
    let token = client.token().await;
    let id = pushed.text_of("MediaId");
    let target = format!("{MEDIA_GET}?access_token={token}&media_id={id}");
    let link = client.get(&target).await;
    let link = link["video_url"].as_str().unwrap();
    assert!(link.starts_with(server.url()));
    let fetch = async || client.http.get(link).send().await.unwrap().bytes().await;
    assert_eq!(fetch().await.unwrap(), video);
    let fault = json!({"on": "vweixinp", "kind": "truncated"});
    client.post("/_control/faults", &fault).await;
    assert!(fetch().await.is_err());
    assert_eq!(fetch().await.unwrap(), video);

    let target = format!("{UPLOAD}?access_token={token}&type=video");
    let request = client.http.post(format!("{}{target}", client.base));
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    let part = "name=\"media\"; filename=\"a.mp4\"";
    let request = request.body(form(part, "video/mp4", &video));
    let answer = request.send().await.unwrap().bytes().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let id = answer["media_id"].as_str().unwrap();
    let kept = client
        .http
        .get(format!("{}/_control/medium?media_id={id}", client.base));
    assert_eq!(kept.send().await.unwrap().bytes().await.unwrap(), video);
    let all = client.get("/_control/media").await;
    // The video, its still picture, and the upload.
    assert_eq!(all.as_array().unwrap().len(), 3);
    let wrong = json!({"openid": openid, "base64": "no base64!"});
    assert!(client.post("/_control/image", &wrong).await["error"].is_string());
}

#[tokio::test]
async fn tokens_die_of_age_and_by_the_operator() {
    let server = platform("").await;
    let client = Client::of(&server);
    let ips = async |token: &str| {
        let target = format!("/cgi-bin/get_api_domain_ip?access_token={token}");
        client.get(&target).await["errcode"].as_i64().unwrap_or(0)
    };
    let token = client.token().await;
    assert_eq!(ips(&token).await, 0);
    client
        .post("/_control/clock", &json!({"advance_seconds": 7200}))
        .await;
    assert_eq!(ips(&token).await, 42001);
    let token = client.token().await;
    client.post("/_control/tokens/revoke", &json!({})).await;
    assert_eq!(ips(&token).await, 40001);
}

#[tokio::test]
async fn settings_are_changed_while_it_runs_and_wrong_ones_are_refused() {
    let server = platform("").await;
    let client = Client::of(&server);
    let safe = json!({"mode": "safe"});
    let answer = client.post("/_control/settings", &safe).await;
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("encoding_aes_key")
    );
    let safe = json!({"mode": "safe", "encoding_aes_key": KEY, "page_size": 3});
    assert_eq!(
        client.post("/_control/settings", &safe).await,
        json!({"done": true})
    );
    assert_eq!(client.get("/_control/settings").await["page_size"], 3);
    let answer = client
        .post("/_control/settings", &json!({"pagesize": 3}))
        .await;
    assert!(answer["error"].as_str().unwrap().contains("pagesize"));
    assert!(client.get("/_control/nothing").await["error"].is_string());
    assert!(client.post("/_control/say", &json!({"text": "hi"})).await["error"].is_string());
}
