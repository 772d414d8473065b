//! Refusals of C4C: the cause in one bounded line, without anything that we had sent.

use qiao::c4c::odata::error_body::{Cause, MAX_MESSAGE};

use crate::Target;
use crate::replay;
use crate::world::OPENID;

pub(crate) const TARGET: Target = Target {
    name: "c4c_error",
    check,
    words: &[
        "<error><message xml:lang=\"en\">",
        "</message></error>",
        "<!DOCTYPE html><html><head><title>",
        "</title>",
        "<html",
        "{\"error\":{\"message\":{\"value\":\"",
        "\"}}}",
        "{\"code\":\"ERROR\",\"message\":\"",
        "&amp;",
        "&#x27;",
        "&#0;",
        "<![CDATA[",
        "]]>",
        "CSRF",
        "locked",
        "o6_bmjrPTlm6_2sgVt7hMZOPfL2M",
        "Ou6_BMJRPTLM6_2SGVT7HMZOPFL2M",
        " 'o6_bmjrPTlm6_2sgVt7hMZOPfL2M' ",
        "+86 138 0013 8000",
        "王小明先生",
        "\u{85}",
        "\n---\n",
    ],
};

/// A body, and perhaps a value that was sent.
fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts = replay::parts(&text);
    let body = parts[0].as_bytes();
    let sent: Vec<String> = parts[1..].iter().map(|&value| value.to_owned()).collect();
    let cause = Cause::of(body);
    assert_eq!(cause.is_page(), Cause::page(body).is_some());
    let told = cause.told(&sent);
    assert!(told.chars().count() <= MAX_MESSAGE + 30, "endless: {told}");
    assert!(!told.chars().any(char::is_control), "{told:?}");
    assert!(!holds_word(&told, OPENID), "a whole OpenID: {told}");
    for value in &sent {
        // A message is told in one line, so a value would be too.
        let words: Vec<&str> = value.split_whitespace().collect();
        let value = words.join(" ");
        assert!(value.len() < 8 || !told.contains(&value), "{value}: {told}");
    }
}

/// Whether `word` stands in `text` and is no part of a longer word.
fn holds_word(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(in_word) && !text[at + word.len()..].starts_with(in_word)
    })
}
