use super::*;
use crate::kit::random::Random;
use crate::wechat::crypto::EncodingAesKey;
use crate::wechat::signature::sign;
use jiff::Timestamp;
use proptest::prelude::*;

const APP_ID: &str = "wxb11529c136998cb6";
const TEXT: &str = include_str!("../../../tests/fixtures/wechat/text.xml");
const KEY_A: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const KEY_B: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

fn keys(aes: &[&str]) -> Keys {
    Keys {
        app_id: APP_ID.to_owned(),
        original_id: None,
        tokens: vec!["pamtest".into()],
        aes: aes
            .iter()
            .map(|key| EncodingAesKey::parse(key).unwrap())
            .collect(),
    }
}

fn plain_query() -> PushQuery {
    PushQuery {
        timestamp: "1409304348".to_owned(),
        nonce: "xxxxxx".to_owned(),
        signature: "76480565cbe296026c53aaacd1ad523a1ddba24f".to_owned(),
        ..PushQuery::default()
    }
}

/// Body and query of `xml` sealed with `key` for `app_id`, as WeChat does it in safe mode.
fn sealed(xml: &str, key: &str, app_id: &str) -> (PushQuery, String) {
    let sealed = EncodingAesKey::parse(key)
        .unwrap()
        .seal(xml, app_id, *b"aaaabbbbccccdddd");
    let mut query = plain_query();
    query.encrypt_type = "aes".to_owned();
    query.msg_signature = sign(&["pamtest", &query.timestamp, &query.nonce, &sealed]);
    let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt>{sealed}</Encrypt></xml>");
    (query, body)
}

fn refused(keys: &Keys, query: &PushQuery, body: &str) -> Refusal {
    open_push(keys, query, body.as_bytes()).unwrap_err()
}

#[test]
fn the_url_is_verified_with_the_exact_echo() {
    let mut query = plain_query();
    query.echostr = Some("5927782489442352469".to_owned());
    assert_eq!(
        verify_url(&keys(&[]), &query).as_deref(),
        Ok("5927782489442352469")
    );
    query.nonce.push('x');
    assert_eq!(verify_url(&keys(&[]), &query), Err(Refusal::Signature));
    let without_echo = verify_url(&keys(&[]), &plain_query());
    assert_eq!(without_echo, Err(Refusal::Field("echostr")));
}

#[test]
fn a_plain_push_is_taken_by_its_signature() {
    let received = open_push(&keys(&[]), &plain_query(), TEXT.as_bytes()).unwrap();
    assert_eq!(received.push.text().as_deref(), Some("this is a test"));
    assert_eq!(&*received.xml, TEXT);
    assert!(received.reply_key.is_none());
    for wrong in ["", "76480565cbe296026c53aaacd1ad523a1ddba240"] {
        let query = PushQuery {
            signature: wrong.to_owned(),
            ..plain_query()
        };
        assert_eq!(refused(&keys(&[]), &query, TEXT), Refusal::Signature);
    }
}

#[test]
fn an_encrypted_push_is_opened_and_answered_with_the_key_it_came_with() {
    let rotating = keys(&[KEY_B, KEY_A]);
    let (query, body) = sealed(TEXT, KEY_A, APP_ID);
    let received = open_push(&rotating, &query, body.as_bytes()).unwrap();
    assert_eq!(&*received.xml, TEXT);

    let now = Timestamp::from_second(1_409_304_348).unwrap();
    let reply_key = received.reply_key.unwrap();
    let envelope = reply_key.seal("<xml>你好</xml>", now, &Random::from_seed(1));
    let envelope = xml::parse(&envelope).unwrap();
    let encrypt = envelope.text_of("Encrypt");
    let opened = rotating.aes[1].open(encrypt).unwrap();
    assert_eq!(opened.message, "<xml>你好</xml>");
    assert_eq!(opened.app_id, APP_ID);
    let nonce = envelope.text_of("Nonce");
    assert_eq!(envelope.text_of("TimeStamp"), "1409304348");
    assert_eq!(
        envelope.text_of("MsgSignature"),
        sign(&["pamtest", "1409304348", nonce, encrypt])
    );
}

#[test]
fn a_published_encrypted_push_is_read() {
    let keys = Keys {
        app_id: "wx49f0ab532d5d035a".to_owned(),
        tokens: vec!["123456".into()],
        ..keys(&[KEY_B])
    };
    let query = PushQuery::parse(
        "msg_signature=74d92dfeb87ba7c714f89d98870ae5eb62dff26d&timestamp=1411525903\
         &nonce=461056294&encrypt_type=aes",
    );
    let body = include_bytes!("../../../tests/fixtures/wechat/safe_mode.xml");
    let received = open_push(&keys, &query, body).unwrap();
    assert_eq!(received.push.text().as_deref(), Some("test"));
    assert_eq!(received.push.from.as_str(), "messense");
}

#[test]
fn beside_an_envelope_plain_fields_count_for_nothing() {
    let (query, body) = sealed(TEXT, KEY_A, APP_ID);
    let forged = body.replace("<xml>", "<xml><FromUserName>victim</FromUserName>");
    let received = open_push(&keys(&[KEY_A]), &query, forged.as_bytes()).unwrap();
    assert_eq!(received.push.from.as_str(), "fromUser");
}

#[test]
fn with_a_key_configured_a_plain_push_is_refused_however_it_is_signed() {
    assert_eq!(
        refused(&keys(&[KEY_A]), &plain_query(), TEXT),
        Refusal::Unencrypted
    );
    let raw = PushQuery {
        encrypt_type: "raw".to_owned(),
        ..plain_query()
    };
    assert_eq!(refused(&keys(&[KEY_A]), &raw, TEXT), Refusal::Unencrypted);
    let mut claimed = raw;
    claimed.encrypt_type = "aes".to_owned();
    assert_eq!(
        refused(&keys(&[KEY_A]), &claimed, TEXT),
        Refusal::Undecryptable
    );
}

#[test]
fn without_a_key_compatible_mode_is_read_plainly_and_safe_mode_is_not() {
    let (query, body) = sealed(TEXT, KEY_A, APP_ID);
    let compatible = TEXT.replace("<xml>", "<xml><Encrypt>whatever</Encrypt>");
    let received = open_push(&keys(&[]), &query, compatible.as_bytes()).unwrap();
    assert_eq!(received.push.from.as_str(), "fromUser");
    assert_eq!(refused(&keys(&[]), &query, &body), Refusal::Undecryptable);
}

#[test]
fn envelopes_of_others_are_refused() {
    let (query, body) = sealed(TEXT, KEY_B, APP_ID);
    assert_eq!(
        refused(&keys(&[KEY_A]), &query, &body),
        Refusal::Undecryptable
    );
    let (query, body) = sealed(TEXT, KEY_A, "wxanother");
    assert_eq!(refused(&keys(&[KEY_A]), &query, &body), Refusal::AppId);
    let (mut query, body) = sealed(TEXT, KEY_A, APP_ID);
    query.msg_signature = query.signature.clone();
    assert_eq!(refused(&keys(&[KEY_A]), &query, &body), Refusal::Signature);
}

#[test]
fn another_accounts_pushes_are_refused_when_the_original_id_is_known() {
    let mut known = keys(&[]);
    known.original_id = Some("toUser".to_owned());
    assert!(open_push(&known, &plain_query(), TEXT.as_bytes()).is_ok());
    known.original_id = Some("gh_other".to_owned());
    assert_eq!(refused(&known, &plain_query(), TEXT), Refusal::ToUserName);
}

#[test]
fn only_who_can_sign_is_told_what_is_wrong_with_the_body() {
    let (mut query, _) = sealed(TEXT, KEY_A, APP_ID);
    let keys = keys(&[KEY_A]);
    assert_eq!(
        refused(&keys, &query, "no xml"),
        Refusal::Xml(Fault::NotXml)
    );
    query.signature.clear();
    assert_eq!(refused(&keys, &query, "no xml"), Refusal::Signature);
}

#[test]
fn what_is_missing_is_named() {
    let keys = keys(&[]);
    let cases = [
        ("FromUserName", Refusal::Field("FromUserName")),
        ("CreateTime", Refusal::Field("CreateTime")),
        ("MsgType", Refusal::Field("MsgType")),
    ];
    for (name, refusal) in cases {
        let body = TEXT.replace(name, "Elsewhere");
        assert_eq!(refused(&keys, &plain_query(), &body), refusal);
    }
    for wrong in ["", "soon", "-1", "99999999999999"] {
        let body = TEXT.replace("1348831860", wrong);
        let refusal = refused(&keys, &plain_query(), &body);
        assert_eq!(refusal, Refusal::Field("CreateTime"), "{wrong}");
    }
}

#[test]
fn refusals_are_of_two_kinds_and_each_has_its_word() {
    let unauthorized = [
        Refusal::Signature,
        Refusal::Unencrypted,
        Refusal::Undecryptable,
        Refusal::AppId,
        Refusal::ToUserName,
    ];
    let unreadable = [
        Refusal::Xml(Fault::NotXml),
        Refusal::Xml(Fault::Dtd),
        Refusal::Xml(Fault::TooDeep),
        Refusal::Xml(Fault::TooMany),
        Refusal::Xml(Fault::Character),
        Refusal::Field("CreateTime"),
    ];
    assert!(unauthorized.iter().all(|r| r.is_unauthorized()));
    assert!(!unreadable.iter().any(|r| r.is_unauthorized()));
    let words: std::collections::BTreeSet<_> = unauthorized
        .iter()
        .chain(&unreadable)
        .map(|r| r.reason())
        .collect();
    assert_eq!(words.len(), unauthorized.len() + unreadable.len());
}

#[test]
fn nothing_of_a_push_is_shown() {
    let received = open_push(&keys(&[]), &plain_query(), TEXT.as_bytes()).unwrap();
    let shown = format!("{received:?} {:?}", keys(&[KEY_A]));
    for secret in ["this is a test", "fromUser", "pamtest", "abcdefgh"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), encrypted: bool) {
        let mut query = plain_query();
        if encrypted {
            query.encrypt_type = "aes".to_owned();
        }
        let _ = open_push(&keys(&[]), &query, &body);
        let _ = open_push(&keys(&[KEY_A]), &query, &body);
    }
}
