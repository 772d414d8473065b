//! What the mashup posts when an agent answers.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::c4c::reply::{MAX_BODY, Reply, ReplyError, parse};

const FIXTURE: &str =
    include_str!("../../../tests/fixtures/c4c/synthetic/mashup_ticket_reply.form");

fn content(text: &str) -> Value {
    json!({
        "original_id": "1003", "sma_id": "59161", "service_req_no": "1034190",
        "author_name": "Demo Agent", "author_email": "", "private_ind": "FALSE",
        "sma_create_datetime": "2017-12-28T02:27:14Z", "text": text,
    })
}

/// As C4C encodes: everything but letters and digits, in lower-case hex.
fn form(content: &Value) -> String {
    let encoded = utf8_percent_encode(&content.to_string(), NON_ALPHANUMERIC).to_string();
    let mut pieces = encoded.split('%');
    let head = pieces.next().unwrap().to_owned();
    let lower = pieces.map(|piece| {
        let (hex, rest) = piece.split_at(2);
        format!("%{}{rest}", hex.to_lowercase())
    });
    format!("content={head}{}", lower.collect::<String>())
}

fn reply(text: &str) -> Reply {
    Reply {
        sma_id: "59161".into(),
        original_id: Some("1003".into()),
        ticket_number: Some("1034190".into()),
        author_name: "Demo Agent".into(),
        author_email: String::new(),
        created_at: "2017-12-28T02:27:14Z".parse().ok(),
        is_private: false,
        text: text.into(),
    }
}

fn text_of(body: &str) -> String {
    parse(body.as_bytes()).unwrap().text
}

fn refusal(body: &str) -> ReplyError {
    parse(body.as_bytes()).unwrap_err()
}

#[test]
fn the_form_of_c4c_is_read() {
    assert_eq!(
        parse(FIXTURE.trim_end().as_bytes()),
        Ok(reply("We are on it + thanks"))
    );
}

#[test]
fn every_way_to_encode_a_text_reads_the_same() {
    for body in [
        "content=%7b%22sma_id%22:%221%22,%22text%22:%22a+%26+b%25%22%7d",
        "content=%7B%22sma_id%22%3A%221%22%2C%22text%22%3A%22a%20%26%20b%25%22%7D",
        "x=1&content={\"sma_id\":\"1\",\"text\":\"a+%26+b%\"}&content=second",
        "%63ontent=%7b%22sma_id%22:1,%22text%22:%22a\\u0020%26 b%25%22%7d",
    ] {
        assert_eq!(text_of(body), "a & b%", "{body}");
    }
}

#[test]
fn json_around_the_content_is_read_packed_and_unpacked() {
    let inner = content("好的 + 50%");
    for body in [
        json!({ "content": inner.to_string() }),
        json!({ "content": inner }),
    ] {
        let body = format!(" \r\n{body}");
        assert_eq!(parse(body.as_bytes()), Ok(reply("好的 + 50%")));
    }
}

#[test]
fn a_private_reply_is_told_in_every_spelling() {
    for (spelling, is_private) in [
        (json!("TRUE"), true),
        (json!("true"), true),
        (json!(true), true),
        (json!("X"), true),
        (json!("FALSE"), false),
        (json!(""), false),
        (json!(null), false),
    ] {
        let mut content = content("hello");
        content["private_ind"] = spelling.clone();
        let read = parse(form(&content).as_bytes()).unwrap();
        assert_eq!(read.is_private, is_private, "{spelling}");
    }
}

#[test]
fn what_is_missing_or_odd_but_the_text_and_the_number_does_no_harm() {
    let content = json!({
        "sma_id": " 59161 ", "text": "hello", "original_id": "", "service_req_no": "1\n2",
        "author_name": " Li\u{7}\n", "author_email": ["x"], "sma_create_datetime": "yesterday",
        "unknown": {},
    });
    let expected = Reply {
        original_id: None,
        ticket_number: None,
        author_name: "Li".into(),
        created_at: None,
        ..reply("hello")
    };
    assert_eq!(parse(form(&content).as_bytes()), Ok(expected));
}

#[test]
fn each_fault_has_its_own_sentence() {
    use ReplyError::{EmptyText, NoContent, NoSmaId, NotJson, NotUtf8, TooLarge};
    for body in [
        "",
        "content",
        "contents=1",
        "<xml/>",
        "{\"content\":3}",
        "{\"type\":\"WKF\",\"data\":[]}",
    ] {
        assert_eq!(refusal(body), NoContent, "{body}");
    }
    let deep = "[".repeat(10_000);
    for body in [
        "content=",
        "content=hello",
        "content=[1]",
        "content=%22x%22",
        "content=%7b%22text%22:%22\\ud83d%22%7d",
        "{",
        "{\"content\":\"\"}",
        &format!("content={deep}"),
        &format!("{{\"content\":{deep}"),
    ] {
        assert!(matches!(refusal(body), NotJson(_)), "{body}");
    }
    assert_eq!(refusal("content=%ff"), NotUtf8);
    assert_eq!(parse(b"{\"content\":\"\xff\"}"), Err(NotUtf8));
    let mut unnumbered = content("hello");
    for number in [json!(null), json!(""), json!("a b"), json!("9".repeat(101))] {
        unnumbered["sma_id"] = number;
        assert_eq!(refusal(&form(&unnumbered)), NoSmaId);
    }
    for text in ["", " \n\u{3000}"] {
        assert_eq!(refusal(&form(&content(text))), EmptyText);
    }
    assert_eq!(parse(&vec![b'x'; MAX_BODY + 1]), Err(TooLarge));
}

#[test]
fn neither_a_fault_nor_debug_shows_the_text() {
    let cut = form(&content("a secret")).replace("%22%7d", "");
    let error = refusal(&cut);
    assert!(matches!(error, ReplyError::NotJson(_)));
    let shown = format!("{error} {error:?} {:?}", reply("a secret"));
    assert!(
        !shown.contains("secret") && !shown.contains("Demo Agent"),
        "{shown}"
    );
}

#[test]
fn a_text_of_a_megabyte_is_read() {
    let text = "x".repeat(1_000_000);
    assert_eq!(text_of(&form(&content(&text))), text);
}

proptest! {
    #[test]
    fn whatever_an_agent_writes_comes_back(text in "(\\PC|[%&+='\"\\\\\\r\\n\\t😀中]){0,60}x") {
        let expected = Ok(reply(&text));
        prop_assert_eq!(parse(form(&content(&text)).as_bytes()), expected.clone());
        let packed = json!({ "content": content(&text).to_string() }).to_string();
        prop_assert_eq!(parse(packed.as_bytes()), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
        let _ = parse(&[b"content=", &*bytes].concat());
        let _ = parse(&[b"{\"content\":", &*bytes].concat());
    }

    #[test]
    fn odd_forms_never_panic(body in "(content|=|&|%|%7|%7b|%22|\\{|\\}|\"|:|text|sma_id|1|\\+){0,30}") {
        let _ = parse(body.as_bytes());
    }
}
