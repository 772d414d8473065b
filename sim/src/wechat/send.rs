//! custom/send (`wechat.md` 4.1): messages of the customer service, inside a window.

use jiff::Timestamp;
use serde_json::Value;

use super::WeChat;
use super::account::ok;
use super::api::Call;
use super::media::{Media, MediaKind, Medium};
use super::people::{People, Person, Seen, Via};
use super::refusal::{Outcome, Refusal};
use super::settings::Settings;

impl WeChat {
    /// `POST /cgi-bin/message/custom/send`.
    pub(super) fn custom_send(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let person = receiver(&mut self.people, &self.settings, &body)?;
        if person.blocks {
            return Err(Refusal::new(48002));
        }
        let kind = body["msgtype"].as_str().unwrap_or_default();
        let text = content(kind, &body[kind], self.settings.text_limit)?;
        let media = shown(kind, &body[kind], &self.media, call.now)?;
        // Following is not reported apart: a person who left has no window.
        person.windows.take(call.now)?;
        person.show(Seen {
            at: call.now,
            via: Via::Custom,
            kind: kind.to_owned(),
            text,
            media: media.cloned(),
        });
        Ok(ok())
    }
}

/// Who a message is for: 48001 for an account without the right, 40003 for an OpenID that is not
/// this account's, 43019 for a blacklisted person.
pub(super) fn receiver<'a>(
    people: &'a mut People,
    settings: &Settings,
    body: &Value,
) -> Result<&'a mut Person, Refusal> {
    if !settings.may_send {
        return Err(Refusal::new(48001));
    }
    let openid = body["touser"].as_str().unwrap_or_default();
    let person = people.get_mut(openid).ok_or_else(|| Refusal::new(40003))?;
    if person.blacklisted {
        return Err(Refusal::new(43019));
    }
    Ok(person)
}

/// What a follower reads of a message, if it is a right one.
fn content(kind: &str, message: &Value, limit: usize) -> Result<String, Refusal> {
    let field = |name: &str| message[name].as_str().unwrap_or_default();
    let with = |names: &[&str], code| {
        if names.iter().any(|name| field(name).is_empty()) {
            return Err(Refusal::new(code));
        }
        Ok(message.to_string())
    };
    match kind {
        "text" => {
            let text = field("content");
            check_size(text, limit)?;
            with(&["content"], 44004)?;
            Ok(text.to_owned())
        }
        // Their media are checked in `shown`.
        "image" | "voice" | "video" | "music" | "miniprogrampage" => Ok(message.to_string()),
        "mpnews" => with(&["media_id"], 40007),
        "mpnewsarticle" => with(&["article_id"], 40007),
        "wxcard" => with(&["card_id"], 40007),
        "news" => news(&message["articles"]),
        "msgmenu" => menu(message, limit),
        // Only mini-programs may send links to their users.
        "link" => Err(Refusal::new(48008)),
        _ => Err(Refusal::new(40008)),
    }
}

/// The medium that a message shows, if it shows one: 40007 unless all that it names are the
/// account's own, live, and of the right kind.
fn shown<'a>(
    kind: &str,
    message: &Value,
    media: &'a Media,
    now: Timestamp,
) -> Result<Option<&'a Medium>, Refusal> {
    let find = |field: &str, kinds: &[MediaKind]| {
        let id = message[field].as_str().unwrap_or_default();
        media.to_send(id, kinds, now)
    };
    if matches!(kind, "video" | "music" | "miniprogrampage") {
        find("thumb_media_id", &[MediaKind::Thumb, MediaKind::Image])?;
    }
    match kind {
        "image" => find("media_id", &[MediaKind::Image]).map(Some),
        "voice" => find("media_id", &[MediaKind::Voice]).map(Some),
        "video" => find("media_id", &[MediaKind::Video]).map(Some),
        _ => Ok(None),
    }
}

fn check_size(text: &str, limit: usize) -> Result<(), Refusal> {
    if text.len() > limit {
        return Err(Refusal::new(45002));
    }
    Ok(())
}

fn news(articles: &Value) -> Result<String, Refusal> {
    match articles.as_array().map(Vec::as_slice) {
        Some([article]) => {
            let title = article["title"].as_str().unwrap_or_default();
            let url = article["url"].as_str().unwrap_or_default();
            Ok(format!("{title} {url}"))
        }
        Some([_, _, ..]) => Err(Refusal::new(45008)),
        _ => Err(Refusal::new(47001)),
    }
}

fn menu(message: &Value, limit: usize) -> Result<String, Refusal> {
    let line = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = message["list"].as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| Refusal::new(47001))?;
    let mut lines = vec![line(&message["head_content"])];
    lines.extend(items.iter().map(|item| line(&item["content"])));
    lines.push(line(&message["tail_content"]));
    let text = lines.join("\n");
    check_size(&text, limit)?;
    Ok(text)
}
