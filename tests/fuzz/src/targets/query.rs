//! The signed query: only the token's owner makes one, and the echo is exact.

use qiao::wechat::query::PushQuery;
use qiao::wechat::receive::{Refusal, verify_url};
use qiao::wechat::signature::sign;
use qiao_sim::wechat::crypto::signature;
use url::form_urlencoded::{self, Serializer};

use crate::Target;
use crate::world::{PLAIN_KEYS, TOKEN};

pub(crate) const TARGET: Target = Target {
    name: "query",
    check,
    words: &[
        "signature=",
        "timestamp=",
        "nonce=",
        "echostr=",
        "encrypt_type=aes",
        "encrypt_type=raw",
        "msg_signature=",
        "&",
        "%00",
        "%e4%bd%a0",
        "%",
        "+",
    ],
};

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut query = PushQuery::parse(&text);
    assert!(PushQuery::parse(&written(&query)) == query);
    let parts = [TOKEN, query.timestamp.as_str(), query.nonce.as_str()];
    let right = sign(&parts);
    assert_eq!(right, signature(&parts));
    assert_eq!(right, sign(&[parts[2], parts[0], parts[1]]));
    if query.signature != right {
        assert_eq!(verify_url(&PLAIN_KEYS, &query), Err(Refusal::Signature));
    }
    query.signature = right;
    let echo = form_urlencoded::parse(text.as_bytes())
        .find(|(name, _)| name == "echostr")
        .map(|(_, value)| value.into_owned())
        .ok_or(Refusal::Field("echostr"));
    assert_eq!(verify_url(&PLAIN_KEYS, &query), echo);
    query.signature = query.signature.to_uppercase();
    if query.signature.contains(|c: char| c.is_ascii_uppercase()) {
        assert_eq!(verify_url(&PLAIN_KEYS, &query), Err(Refusal::Signature));
    }
}

fn written(query: &PushQuery) -> String {
    let mut text = Serializer::new(String::new());
    text.append_pair("signature", &query.signature)
        .append_pair("timestamp", &query.timestamp)
        .append_pair("nonce", &query.nonce)
        .append_pair("encrypt_type", &query.encrypt_type)
        .append_pair("msg_signature", &query.msg_signature)
        .extend_pairs(query.echostr.iter().map(|echo| ("echostr", echo)));
    text.finish()
}
