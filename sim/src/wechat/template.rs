//! template/send (`wechat.md` 4.4): outside any window, to followers only, result by event.

use std::time::Duration;

use serde_json::{Value, json};

use super::WeChat;
use super::api::Call;
use super::later;
use super::people::{Seen, Via};
use super::push::PushOptions;
use super::refusal::{Outcome, Refusal};
use super::send::receiver;

/// Longest value of a keyword, characters; the rest is cut off silently.
const VALUE_LENGTH: usize = 20;

/// Keys that are silently left out since 2023-05-04.
const STRIPPED: [&str; 2] = ["first", "remark"];

impl WeChat {
    /// `POST /cgi-bin/message/template/send`.
    pub(super) fn template_send(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let person = receiver(&mut self.people, &self.settings, &body)?;
        if !person.subscribed {
            return Err(Refusal::new(43004));
        }
        let template = body["template_id"].as_str().unwrap_or_default();
        let known = &self.settings.templates;
        if template.is_empty() || !(known.is_empty() || known.iter().any(|id| id == template)) {
            return Err(Refusal::new(40037));
        }
        let text = render(&body["data"])?;
        let status = if person.blocks {
            "failed:user block".to_owned()
        } else {
            self.settings.template_status.clone()
        };
        if let Some(msgid) = self.already_sent(&body, call) {
            return Ok(sent(msgid));
        }
        let openid = body["touser"].as_str().unwrap_or_default();
        if status == "success" {
            self.people.known(openid).show(Seen {
                at: call.now,
                via: Via::Template,
                kind: template.to_owned(),
                text,
                media: None,
            });
        }
        let msgid = self.next_msg_id();
        self.remember(&body, msgid, call);
        self.announce(openid, msgid, &status, call);
        Ok(sent(msgid))
    }

    /// The msgid this `client_msg_id` was sent under before.
    fn already_sent(&mut self, body: &Value, call: &Call<'_>) -> Option<i64> {
        let kept = Duration::from_secs(self.settings.client_msg_id_seconds);
        self.templates_sent
            .retain(|_, (sent_at, _)| later(*sent_at, kept) > call.now);
        let (_, msgid) = self.templates_sent.get(&replay_key(body)?)?;
        Some(*msgid)
    }

    fn remember(&mut self, body: &Value, msgid: i64, call: &Call<'_>) {
        if let Some(key) = replay_key(body) {
            self.templates_sent.insert(key, (call.now, msgid));
        }
    }

    /// Plans TEMPLATESENDJOBFINISH.
    fn announce(&mut self, openid: &str, msgid: i64, status: &str, call: &mut Call<'_>) {
        let options = PushOptions {
            delay_ms: self.settings.template_result_ms,
            ..PushOptions::default()
        };
        let result = json!({"MsgID": msgid, "Status": status});
        let event = "TEMPLATESENDJOBFINISH";
        self.plan_event(openid, event, &result, options, call.now, call.rng);
    }
}

fn sent(msgid: i64) -> Value {
    json!({"errcode": 0, "errmsg": "ok", "msgid": msgid})
}

fn replay_key(body: &Value) -> Option<(String, String)> {
    let key = body["client_msg_id"]
        .as_str()
        .filter(|key| !key.is_empty())?;
    Some((body["touser"].as_str()?.to_owned(), key.to_owned()))
}

/// The lines a follower reads; 47003 names the first wrong argument.
fn render(data: &Value) -> Result<String, Refusal> {
    let wrong = |what: &str| Refusal::with(47003, format!("argument invalid! {what}"));
    let data = data.as_object().ok_or_else(|| wrong("data is empty"))?;
    let mut lines = Vec::new();
    for (key, keyword) in data {
        let value = keyword["value"].as_str();
        let value = value.ok_or_else(|| wrong(&format!("data.{key}.value is invalid")))?;
        if !STRIPPED.contains(&key.as_str()) {
            lines.push(format!("{key}: {}", shown(value)));
        }
    }
    Ok(lines.join("\n"))
}

fn shown(value: &str) -> String {
    let line = value.chars().map(|c| if c == '\n' { ' ' } else { c });
    line.filter(|c| !is_emoji(*c)).take(VALUE_LENGTH).collect()
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{FE0F}' | '\u{200D}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_remark_emoji_and_what_is_too_long_vanish_silently() {
        let data = json!({
            "first": {"value": "Hello"},
            "remark": {"value": "Bye"},
            "thing1": {"value": "一二三四五六七八九十一二三四五六七八九十多", "color": "#f00"},
            "thing2": {"value": "a\nb🎉c"},
        });
        assert_eq!(
            render(&data).unwrap(),
            "thing1: 一二三四五六七八九十一二三四五六七八九十\nthing2: a bc"
        );
    }

    #[test]
    fn a_keyword_without_a_text_is_named() {
        let refusal = render(&json!({"thing1": {"value": 5}})).unwrap_err();
        let object = refusal.object("0-0-0");
        assert_eq!(refusal.code, 47003);
        assert_eq!(
            object["errmsg"],
            "argument invalid! data.thing1.value is invalid rid: 0-0-0"
        );
    }
}
