//! Agents' answers: what is taken has a key and words, and reads the same however C4C encodes it.

use std::fmt::Write as _;

use qiao::c4c::reply::{Reply, parse};
use serde_json::json;

use crate::Target;
use crate::told::assert_fit;

pub(crate) const TARGET: Target = Target {
    name: "reply_form",
    check,
    words: &[
        "content=",
        "content=%7b%22",
        "%22%3a%22",
        "%2c",
        "%7d",
        "&content=",
        "{\"content\":\"",
        "\\\"sma_id\\\":",
        "\"sma_id\":",
        "\"service_req_no\":",
        "\"original_id\":",
        "\"private_ind\":\"TRUE\"",
        "\"sma_create_datetime\":\"2017-12-28T02:27:14Z\"",
        "\"text\":",
        "%e4%bd%a0",
        "%F0%9F%98%80",
        "+",
        "%",
        "%zz",
        "\\ud800",
        "\\u001b[31m",
        "[[[[[[[[",
        "hunter2-do-not-show",
    ],
};

fn check(bytes: &[u8]) {
    match parse(bytes) {
        Ok(reply) => {
            assert!(!reply.sma_id.is_empty() && !reply.text.trim().is_empty());
            assert!(!format!("{reply:?}").contains(&reply.text) || reply.text.len() < 12);
            let content = content(&reply);
            for written in [form(&content), wrapped(&content)] {
                assert_eq!(parse(written.as_bytes()).as_ref(), Ok(&reply));
            }
        }
        Err(fault) => assert_fit(&fault.to_string()),
    }
}

/// As C4C would say it.
fn content(reply: &Reply) -> String {
    let mut content = json!({
        "sma_id": reply.sma_id,
        "original_id": reply.original_id.as_deref().unwrap_or_default(),
        "service_req_no": reply.ticket_number.as_deref().unwrap_or_default(),
        "author_name": reply.author_name,
        "author_email": reply.author_email,
        "private_ind": if reply.is_private { "TRUE" } else { "FALSE" },
        "text": reply.text,
    });
    if let Some(at) = reply.created_at {
        content["sma_create_datetime"] = at.to_string().into();
    }
    content.to_string()
}

/// Percent-encoded with lower-case hex, all but letters and digits (c4c.md 4.4).
fn form(content: &str) -> String {
    let mut form = "content=".to_owned();
    for byte in content.bytes() {
        if byte.is_ascii_alphanumeric() {
            form.push(char::from(byte));
        } else {
            write!(form, "%{byte:02x}").expect("a String takes what is written");
        }
    }
    form
}

/// A body of JSON with the content as a text (c4c.md 3.3).
fn wrapped(content: &str) -> String {
    json!({ "content": content }).to_string()
}
