//! The answer hook's protocol: what is asked, and what an answer may be.
//!
//! `POST` JSON `{"account","openid","kind","text","msg_id","created_at"}`; the answer is
//! `{"text":"…"}`, or `{"news":{"title","description","pic_url","url"}}`, or empty / 204 for none.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::rows::Follower;
use crate::wechat::push::Push;
use crate::wechat::reply::{Article, Reply};

/// What the hook is asked.
pub fn question(follower: &Follower, push: &Push) -> Value {
    json!({
        "account": follower.account.as_str(),
        "openid": follower.openid.as_str(),
        "kind": push.kind_word(),
        "text": push.text(),
        "msg_id": push.msg_id().map(|id| id.to_string()),
        "created_at": push.created.to_string(),
    })
}

/// Where the request of a push waits for its hook's answer.
pub fn seat(follower: &Follower, dedupe_key: &str) -> String {
    format!("{}:{}", follower.hook_lane(), dedupe_key)
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    news: Option<News>,
}

#[derive(Deserialize)]
struct News {
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    pic_url: String,
    #[serde(default)]
    url: String,
}

/// An answer that is none of the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer hook's answer is not {{\"text\":…}} or {{\"news\":…}}; correct the hook, or answer 204 for none"
)]
pub struct NotAnAnswer;

/// Reads the hook's answer; `None` when it has none.
pub fn read(body: &[u8]) -> Result<Option<Reply>, NotAnAnswer> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| NotAnAnswer)?;
    Ok(match (answer.text, answer.news) {
        (Some(text), _) if !text.trim().is_empty() => Some(Reply::Text(text)),
        (_, Some(news)) => Some(Reply::News(vec![Article {
            title: news.title,
            description: news.description,
            pic_url: news.pic_url,
            url: news.url,
        }])),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_the_protocol_is_read() {
        assert_eq!(read(b""), Ok(None));
        assert_eq!(read(b" {} "), Ok(None));
        assert_eq!(read(br#"{"text":"  "}"#), Ok(None));
        assert_eq!(
            read(r#"{"text":"你好"}"#.as_bytes()),
            Ok(Some(Reply::Text("你好".to_owned())))
        );
        assert!(matches!(
            read(br#"{"news":{"title":"t"}}"#),
            Ok(Some(Reply::News(_)))
        ));
        assert_eq!(read(b"<html>"), Err(NotAnAnswer));
    }
}
