//! The client of WeChat against any answer: errors quote nothing, listings end, texts arrive whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use qiao::wechat::client::{AccessToken, Client, TemplateMessage};
use qiao::wechat::error::Error;
use serde_json::Value;

use crate::Target;
use crate::replay::{self, Replay, assert_sendable};
use crate::told::assert_fit;
use crate::world::{ACCESS_TOKEN, NOW, account, follower};

pub(crate) const TARGET: Target = Target {
    name: "wechat_client",
    check,
    words: &[
        "200\n\n",
        "502\n\n<html>",
        "503\nretry-after: 18446744073709551615\n\n",
        "lost",
        "unsent",
        "\n---\n",
        "{\"errcode\":40001,\"errmsg\":\"invalid credential, rid: 5f1e5c0f-4dfae2b8-1d8c1ff8\"}",
        "{\"errcode\":\"45015\",\"errmsg\":\"",
        "rid: ",
        "hint: [",
        "access-token-that-nobody-may-ever-read",
        "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
        "\\u001b[31m",
        "\\u0085",
        "{\"access_token\":\"",
        "\"expires_in\":7200}",
        "\"openid\":\"",
        "\"subscribe\":1",
        "\"subscribe_time\":9223372036854775807",
        "\"next_openid\":\"",
        "{\"total\":2,\"data\":{\"openid\":[\"",
        "{\"user_info_list\":[{",
        "\"qr_scene\":98765",
        "您好 <a href=\"x\">",
    ],
};

/// An answer, and perhaps a text to send.
fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts = replay::parts(&text);
    let said = *parts.last().unwrap_or(&"");
    read(parts[0]);
    send(parts[0], said);
}

fn client(answer: &str) -> (Client, Arc<Replay>) {
    let replay = Replay::new(&[answer]);
    let client = Client::new(Arc::clone(&replay) as _, "https://api.weixin.qq.com");
    (client, replay)
}

fn read(answer: &str) {
    let (client, replay) = client(answer);
    let token = AccessToken::new(ACCESS_TOKEN);
    let fetched = replay::run(client.fetch_token(account(), false));
    if let Some(fetched) = told(fetched) {
        assert!(!fetched.expires_in.is_zero() && !fetched.value.expose().is_empty());
    }
    let user = replay::run(client.user_info(&token, &follower()));
    if let Some(user) = told(user) {
        assert_fit(&format!("{user:?}"));
    }
    told(replay::run(client.users(&token, &[follower()])));
    told(replay::run(client.quota(&token, "/cgi-bin/user/get")));
    if let Some(way) = told(replay::run(client.check_callback(&token))) {
        assert!(way.whole + way.lost <= way.tried);
    }
    let start = follower();
    let page = replay::run(client.follower_page(&token, Some(&start)));
    if let Some(page) = told(page) {
        assert!(page.next.is_none() || !page.openids.is_empty());
        assert_ne!(page.next, Some(start), "an endless listing");
    }
    replay.asked().iter().for_each(assert_sendable);
}

fn send(answer: &str, text: &str) {
    let (client, replay) = client(answer);
    let token = AccessToken::new(ACCESS_TOKEN);
    told(replay::run(client.send_text(&token, &follower(), text)));
    let message = TemplateMessage {
        template_id: "template".to_owned(),
        data: BTreeMap::from([("thing1".to_owned(), text.to_owned())]),
        url: String::new(),
        client_msg_id: "1".to_owned(),
    };
    told(replay::run(client.send_template(
        &token,
        &follower(),
        &message,
    )));
    let [sent, template] = <[_; 2]>::try_from(replay.asked()).expect("two calls");
    assert_sendable(&sent);
    let body = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("the body is JSON");
    let kept: String = text.chars().filter(|c| !is_dropped(*c)).collect();
    assert_eq!(body(&sent.body)["text"]["content"], kept);
    let raw = String::from_utf8(sent.body).expect("the body is UTF-8");
    assert!(text.contains("\\u") || !raw.contains("\\u"));
    let keyword = body(&template.body)["data"]["thing1"]["value"].clone();
    let keyword = keyword.as_str().expect("a keyword is a text");
    assert!(keyword.chars().count() <= 20 && !keyword.contains('\n'));
}

/// Control characters that JSON can only write as `\u`, which WeChat does not read.
fn is_dropped(c: char) -> bool {
    c < ' ' && !matches!(c, '\n' | '\r' | '\t')
}

/// The answer, if it is one; a failure must be fit to be told.
fn told<T>(answer: Result<T, Error>) -> Option<T> {
    answer
        .map_err(|error| {
            let failure = error.failure(NOW, 1);
            assert_fit(&failure.message);
            let day = Duration::from_hours(24);
            assert!(failure.retry_after.is_none_or(|wait| wait <= day));
            assert!(failure.pause.is_none_or(|pause| pause.probe_after <= day));
        })
        .ok()
}
