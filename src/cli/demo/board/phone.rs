//! What the phones show: from what was pushed, the followers' own side, and from what WeChat showed them.

use std::sync::Arc;

use jiff::Timestamp;
use qiao_sim::wechat::{PushRecord, Reply, Seen, Via, WeChat};
use serde_json::{Value, json};

use super::Board;

/// Lines of a chat that are kept on the screen.
const MOST_LINES: usize = 40;

/// QR codes to scan.
const MOST_CODES: usize = 4;

/// All phones.
pub(super) fn shown(board: &Arc<Board>) -> Value {
    board.parts.wechat.look(|wechat| {
        let people = board.cast().all(wechat);
        let now = board.parts.wechat.clock().now();
        let people = people.iter().map(|(openid, name)| {
            let subscribed = wechat
                .people()
                .any(|(known, person)| known == openid && person.subscribed);
            json!({
                "openid": openid,
                "name": name,
                "subscribed": subscribed,
                "typing": wechat.is_typing_to(openid, now),
                "menu": wechat.menu_of(openid),
                "chat": chat(wechat, openid),
            })
        });
        let people: Vec<Value> = people.collect();
        let codes = wechat.qr_codes().iter().take(MOST_CODES);
        let codes = codes.map(|code| json!({ "ticket": code.ticket, "scene": code.scene }));
        json!({ "people": people, "codes": codes.collect::<Vec<_>>() })
    })
}

/// Both sides in order of time, the newest lines.
fn chat(wechat: &WeChat, openid: &str) -> Vec<Value> {
    let own = wechat.pushes().filter(|push| push.openid == openid);
    let own = own.filter_map(|push| Some((push.created, own_line(push)?)));
    let seen = wechat.seen(openid).iter().enumerate();
    let seen = seen.map(|(number, seen)| (seen.at, seen_line(openid, number, seen)));
    let mut lines: Vec<(Timestamp, Value)> = own.chain(seen).collect();
    lines.sort_by_key(|(at, _)| *at);
    let from = lines.len().saturating_sub(MOST_LINES);
    let newest = lines.into_iter().skip(from);
    newest
        .map(|(at, mut line)| {
            line["at"] = json!(at.to_string());
            line
        })
        .collect()
}

/// What the follower did; `None` for what they do not see as a line of their own.
fn own_line(push: &PushRecord) -> Option<Value> {
    let of = |name: &str| text_of(&push.xml, name);
    let (kind, text) = match push.what.as_str() {
        "text" => ("text", of("Content")),
        "image" => ("image", String::new()),
        "location" => ("location", of("Label")),
        "voice" | "video" | "link" | "file" => ("other", push.what.clone()),
        "subscribe" => ("followed", of("EventKey").replace("qrscene_", "")),
        "unsubscribe" => ("left", String::new()),
        "SCAN" => ("scanned", of("EventKey")),
        "CLICK" => ("tapped", of("EventKey")),
        "VIEW" => ("opened", of("EventKey")),
        _ => return None,
    };
    let mut line = json!({
        "key": format!("p{}", push.id),
        "mine": true,
        "kind": kind,
        "text": text,
        "state": delivery(push),
        "tries": push.attempts.len(),
    });
    if kind == "image" {
        line["picture"] = json!(format!("/demo/picture/push/{}", push.id));
    }
    Some(line)
}

/// How far it came.
fn delivery(push: &PushRecord) -> &'static str {
    match push.outcome() {
        None => "sending",
        Some(Reply::Refused(_) | Reply::Unanswered | Reply::Invalid(_)) => "failed",
        Some(_) => "arrived",
    }
}

fn seen_line(openid: &str, number: usize, seen: &Seen) -> Value {
    let kind = match seen.via {
        Via::FaultBanner => "banner",
        Via::Template => "template",
        Via::Reply | Via::Custom => seen.kind.as_str(),
    };
    let mut line = json!({
        "key": format!("s{number}"),
        "mine": false,
        "kind": kind,
        "text": seen.text,
        "via": seen.via,
    });
    if kind == "news" {
        line["articles"] = seen.text.lines().map(article).collect();
    }
    if seen.media.is_some() {
        line["picture"] = json!(format!("/demo/picture/{openid}/{number}"));
    }
    line
}

/// A line of an article is its title and, behind the last space, where it leads.
fn article(line: &str) -> Value {
    let (title, url) = line.rsplit_once(' ').unwrap_or((line, ""));
    json!({ "title": title, "url": url })
}

/// The text of an element that the simulator wrote as CDATA or bare.
pub(super) fn text_of(xml: &str, name: &str) -> String {
    let inside = xml
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
        .map_or("", |(inside, _)| inside);
    let text = inside.strip_prefix("<![CDATA[").unwrap_or(inside);
    let text = text.strip_suffix("]]>").unwrap_or(text);
    // An end of CDATA in what was said is written in two.
    text.replace("]]]]><![CDATA[>", "]]>")
}

#[cfg(test)]
mod tests {
    use super::text_of;

    #[test]
    fn the_text_of_an_element_comes_out_as_it_was_said() {
        let xml = "<xml><A><![CDATA[a<b]]]]><![CDATA[>c]]></A><B>7</B></xml>";
        assert_eq!(text_of(xml, "A"), "a<b]]>c");
        assert_eq!(text_of(xml, "B"), "7");
        assert_eq!(text_of(xml, "C"), "");
    }
}
