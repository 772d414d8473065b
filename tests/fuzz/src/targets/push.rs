//! A push in plaintext mode: what the store keeps says the same, and duplicates are recognised.

use qiao::wechat::push::Push;
use qiao::wechat::query::PushQuery;
use qiao::wechat::receive::{Received, Refusal, open_push};
use qiao::wechat::signature::sign;
use qiao::wechat::xml::{self, Element};

use super::xml::{has_plain_names, written};
use crate::Target;
use crate::told::assert_fit;
use crate::world::{ORIGINAL_ID, PLAIN_KEYS, TOKEN};

pub(crate) const TARGET: Target = Target {
    name: "push",
    check,
    words: &[
        "<ToUserName>",
        "<FromUserName>",
        "<CreateTime>1795420800</CreateTime>",
        "<MsgType>event</MsgType>",
        "<Event>subscribe</Event>",
        "<Event>LOCATION</Event>",
        "<Event>user_authorization_revoke</Event>",
        "<EventKey>qrscene_7</EventKey>",
        "<MsgId>24680000000000001</MsgId>",
        "<MsgID>-1</MsgID>",
        "<Encrypt>AAAA</Encrypt>",
        "<item>",
        "</item>",
        "<List>",
        "</List>",
        "<![CDATA[",
        "]]>",
        "9223372036854775807",
        "253402207200",
        "\u{9b}",
    ],
};

fn check(bytes: &[u8]) {
    match open_push(&PLAIN_KEYS, &signed(), bytes) {
        Ok(received) => assert_faithful(&received),
        Err(refusal) => {
            assert!(!matches!(refusal, Refusal::Signature | Refusal::AppId));
            assert_fit(&refusal.to_string());
        }
    }
    // Nothing of the body counts before the signature does.
    let unsigned = open_push(&PLAIN_KEYS, &PushQuery::default(), bytes);
    assert!(matches!(unsigned, Err(Refusal::Signature)));
}

fn signed() -> PushQuery {
    PushQuery {
        signature: sign(&[TOKEN, "1795420800", "1372623149"]),
        timestamp: "1795420800".to_owned(),
        nonce: "1372623149".to_owned(),
        ..PushQuery::default()
    }
}

/// What was received survives the store, other writers and redelivery.
pub(crate) fn assert_faithful(received: &Received) {
    let push = &received.push;
    assert_eq!(push.to, ORIGINAL_ID);
    assert!(Push::parse(&received.xml).as_ref() == Ok(push));
    let root = xml::parse(&received.xml).expect("it was read a moment ago");
    if has_plain_names(&root) {
        assert!(Push::parse(&written(&root)).as_ref() == Ok(push));
        assert_recognised(push, root);
    }
    assert_told(push);
}

fn assert_recognised(push: &Push, mut root: Element) {
    let read = |root: &Element| Push::parse(&written(root));
    // `Encrypt` differs in every copy, and the order of the fields says nothing.
    root.children.insert(0, leaf("Encrypt", "another"));
    if let Ok(copy) = read(&root) {
        assert_eq!(copy.dedupe_key(), push.dedupe_key());
    }
    // Another field is another event; a message is told by its MsgId alone.
    root.children.push(leaf("Qiao", "one field more"));
    if let Ok(other) = read(&root) {
        let same = other.dedupe_key() == push.dedupe_key();
        assert_eq!(same, push.msg_id().is_some());
    }
}

fn leaf<'d>(name: &str, text: &'d str) -> Element<'d> {
    Element {
        name: name.to_owned(),
        text: text.into(),
        children: Vec::new(),
    }
}

fn assert_told(push: &Push) {
    let key = push.dedupe_key();
    assert!(key.is_ascii() && key.len() <= 60, "{key}");
    let kind = push.kind_word();
    assert!(kind.chars().count() <= 70);
    assert_fit(kind);
    let shown = format!("{push:?}");
    assert_fit(&shown);
    let openid = push.from.as_str();
    if openid.chars().count() > 8 && !kind.contains(openid) {
        assert!(!shown.contains(openid), "{shown}");
    }
    // What flows ask has an answer for every push.
    assert!(push.grant().is_none() || push.follower().is_some());
    assert_eq!(push.text().is_some(), push.event().is_none());
}
