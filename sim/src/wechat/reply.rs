//! What WeChat makes of the answer to a push (`wechat.md` 2.1, 2.5, 1.6). Pure.

use serde::Serialize;

use super::crypto::signature;
use super::settings::{Mode, Settings};
use super::xml::{self, Element};
use crate::wire::{PushOutcome, Response};

/// Articles of a reply to an event; to a message it is one.
const ARTICLES: usize = 10;

/// The answer to one delivery of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The literal `success`: done, nothing to show.
    Success,
    /// A body of no bytes: the same.
    Empty,
    /// A message for the follower.
    Message {
        /// `MsgType`.
        kind: String,
        /// What the follower reads.
        text: String,
    },
    /// A right message with too long a text: WeChat shows nothing at all.
    TooLong,
    /// Anything else with status 200, and why: the follower sees the fault banner.
    Invalid(String),
    /// Another HTTP status; counts as no answer.
    Refused(u16),
    /// None in time.
    Unanswered,
    /// The `echostr` of a verification came back to the byte.
    Verified,
}

/// Judges the answer to a verification of the URL.
pub(super) fn of_verification(outcome: &PushOutcome, echostr: &str) -> Reply {
    match outcome {
        PushOutcome::Unanswered => Reply::Unanswered,
        PushOutcome::Answered(answer) if answer.status != 200 => Reply::Refused(answer.status),
        PushOutcome::Answered(answer) if answer.body == echostr.as_bytes() => Reply::Verified,
        PushOutcome::Answered(_) => Reply::Invalid("not the echostr alone".to_owned()),
    }
}

/// Judges the answer to a push about `openid`; `to_message` when it was no event.
pub(super) fn of_push(
    outcome: &PushOutcome,
    settings: &Settings,
    openid: &str,
    to_message: bool,
) -> Reply {
    match outcome {
        PushOutcome::Unanswered => Reply::Unanswered,
        PushOutcome::Answered(Response { status, .. }) if *status != 200 => Reply::Refused(*status),
        PushOutcome::Answered(Response { body, .. }) => match body.as_slice() {
            b"" => Reply::Empty,
            b"success" => Reply::Success,
            body => message(body, settings, openid, to_message).unwrap_or_else(Reply::Invalid),
        },
    }
}

/// Whether a reply of that kind shows a medium; its text is then the id.
pub(super) fn shows_medium(kind: &str) -> bool {
    matches!(kind, "image" | "voice" | "video")
}

fn message(
    body: &[u8],
    settings: &Settings,
    openid: &str,
    to_message: bool,
) -> Result<Reply, String> {
    let body = str::from_utf8(body).map_err(|_| "not UTF-8")?;
    let root = root(body)?;
    let root = match (root.child("Encrypt"), settings.mode) {
        (Some(_), Mode::Plain) => return Err("encrypted in plain mode".to_owned()),
        (None, Mode::Safe) => return Err("not encrypted in safe mode".to_owned()),
        (Some(_), _) => self::root(&decrypt(&root, settings)?)?,
        (None, _) => root,
    };
    if root.text_of("ToUserName") != openid {
        return Err("ToUserName is not the sender".to_owned());
    }
    if root.text_of("FromUserName") != settings.original_id {
        return Err("FromUserName is not the account".to_owned());
    }
    if root.text_of("CreateTime").parse::<i64>().is_err() {
        return Err("CreateTime is not a number".to_owned());
    }
    let kind = root.text_of("MsgType").to_owned();
    let text = content(&root, &kind, to_message)?;
    if kind == "text" && text.len() > settings.text_limit {
        return Ok(Reply::TooLong);
    }
    Ok(Reply::Message { kind, text })
}

fn root(text: &str) -> Result<Element, String> {
    let root = xml::parse(text)?;
    if root.name != "xml" {
        return Err(format!("the root is {}, not xml", root.name));
    }
    Ok(root)
}

fn decrypt(envelope: &Element, settings: &Settings) -> Result<String, String> {
    let sealed = envelope.text_of("Encrypt");
    let expected = signature(&[
        &settings.token,
        envelope.text_of("TimeStamp"),
        envelope.text_of("Nonce"),
        sealed,
    ]);
    if envelope.text_of("MsgSignature") != expected {
        return Err("MsgSignature is wrong".to_owned());
    }
    let cipher = settings.cipher().ok_or("the account has no key")?;
    Ok(cipher.open(sealed)?)
}

fn content(root: &Element, kind: &str, to_message: bool) -> Result<String, String> {
    let needed = |parent: &str, name: &str| match root.child(parent).map(|p| p.text_of(name)) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("{parent}/{name} is missing")),
    };
    match kind {
        "text" => match root.text_of("Content") {
            "" => Err("Content is empty".to_owned()),
            text => Ok(text.to_owned()),
        },
        "image" => needed("Image", "MediaId"),
        "voice" => needed("Voice", "MediaId"),
        "video" => needed("Video", "MediaId"),
        "music" => needed("Music", "ThumbMediaId"),
        "news" => news(root, if to_message { 1 } else { ARTICLES }),
        "transfer_customer_service" => Ok(String::new()),
        other => Err(format!("unknown MsgType {other}")),
    }
}

fn news(root: &Element, limit: usize) -> Result<String, String> {
    let articles = root.child("Articles").ok_or("Articles is missing")?;
    let count = articles.children.len();
    if root.text_of("ArticleCount") != count.to_string() {
        return Err("ArticleCount is not the number of articles".to_owned());
    }
    if count == 0 || count > limit {
        return Err(format!("{count} articles, allowed are 1 to {limit}"));
    }
    let titles = articles.children.iter();
    let lines: Vec<String> = titles
        .map(|item| format!("{} {}", item.text_of("Title"), item.text_of("Url")))
        .collect();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

    fn settings(mode: Mode) -> Settings {
        Settings {
            encoding_aes_key: Some(KEY.to_owned()),
            mode,
            ..Settings::default()
        }
    }

    fn text_reply(content: &str) -> String {
        format!(
            "<xml><ToUserName><![CDATA[o1]]></ToUserName>\
             <FromUserName><![CDATA[gh_0123456789ab]]></FromUserName>\
             <CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType>\
             <Content><![CDATA[{content}]]></Content></xml>"
        )
    }

    fn sealed_reply(content: &str, token: &str) -> String {
        let cipher = settings(Mode::Safe).cipher().unwrap();
        let sealed = cipher.seal(&text_reply(content), [7; 16]);
        let signed = signature(&[token, "1", "n", &sealed]);
        format!(
            "<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>\
             <MsgSignature><![CDATA[{signed}]]></MsgSignature>\
             <TimeStamp>1</TimeStamp><Nonce><![CDATA[n]]></Nonce></xml>"
        )
    }

    fn judged(body: &str, mode: Mode) -> Reply {
        let answer = PushOutcome::Answered(Response {
            status: 200,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        });
        of_push(&answer, &settings(mode), "o1", true)
    }

    fn hello() -> Reply {
        Reply::Message {
            kind: "text".to_owned(),
            text: "hello".to_owned(),
        }
    }

    #[test]
    fn success_and_an_empty_body_are_taken_in_every_mode() {
        for mode in [Mode::Plain, Mode::Compatible, Mode::Safe] {
            assert_eq!(judged("success", mode), Reply::Success);
            assert_eq!(judged("", mode), Reply::Empty);
        }
    }

    #[test]
    fn each_mode_takes_its_own_form_of_a_reply() {
        let (plain, sealed) = (text_reply("hello"), sealed_reply("hello", "simtoken"));
        for (mode, takes_plain, takes_sealed) in [
            (Mode::Plain, true, false),
            (Mode::Compatible, true, true),
            (Mode::Safe, false, true),
        ] {
            assert_eq!(judged(&plain, mode) == hello(), takes_plain, "{mode:?}");
            assert_eq!(judged(&sealed, mode) == hello(), takes_sealed, "{mode:?}");
        }
        let forged = judged(&sealed_reply("hello", "other"), Mode::Safe);
        assert_eq!(forged, Reply::Invalid("MsgSignature is wrong".to_owned()));
    }

    #[test]
    fn wrong_replies_are_invalid() {
        let right = text_reply("hello");
        for wrong in [
            "{\"msg\":\"ok\"}",
            "success\n",
            &text_reply(""),
            &right.replace("o1", "o2"),
            &right.replace("gh_0123456789ab", "gh_other"),
            &right.replace("<CreateTime>1<", "<CreateTime>now<"),
            &right.replace("[text]", "[file]"),
        ] {
            let reply = judged(wrong, Mode::Plain);
            assert!(matches!(reply, Reply::Invalid(_)), "{wrong}: {reply:?}");
        }
    }

    #[test]
    fn a_text_may_have_2048_bytes() {
        let reply = |length| judged(&text_reply(&"x".repeat(length)), Mode::Plain);
        assert!(matches!(reply(2048), Reply::Message { .. }));
        assert_eq!(reply(2049), Reply::TooLong);
    }

    #[test]
    fn a_message_is_answered_by_one_article_and_an_event_by_several() {
        let item = "<item><Title><![CDATA[T]]></Title><Url><![CDATA[U]]></Url></item>";
        let body = text_reply("").replace("[text]", "[news]").replace(
            "<Content>",
            &format!("<ArticleCount>2</ArticleCount><Articles>{item}{item}</Articles><Content>"),
        );
        assert!(matches!(judged(&body, Mode::Plain), Reply::Invalid(_)));
        let answer = PushOutcome::Answered(Response {
            status: 200,
            headers: Vec::new(),
            body: body.into_bytes(),
        });
        let reply = of_push(&answer, &settings(Mode::Plain), "o1", false);
        let text = "T U\nT U".to_owned();
        let kind = "news".to_owned();
        assert_eq!(reply, Reply::Message { kind, text });
    }
}
