//! What the body of a refused call tells (c4c.md 1.8): XML, JSON, a page of HTML, plain text,
//! or nothing. C4C's `code` may be empty, so it is never looked at but to recognise an error.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, Event};
use quick_xml::reader::Reader;
use serde_json::Value;

use crate::domain::ids::masked;

/// The longest message that is passed on, in characters; C4C's own have one or two lines.
pub const MAX_MESSAGE: usize = 300;

/// How much of a body is searched for a page's title or a word, in bytes.
const PAGE_HEAD: usize = 16 * 1024;

/// OpenIDs and UnionIDs have 28 characters (wechat.md 0).
const OPENID_LENGTH: usize = 28;

/// The shortest sent value that is masked when C4C quotes it, in bytes: codes are shorter, while
/// OpenIDs, telephone numbers and addresses are not.
const MIN_MASKED: usize = 8;

/// How much of a longer value must be quoted, from its beginning, to be recognised, in bytes: five
/// Chinese characters. Less would also mask C4C's own words.
const MIN_QUOTED: usize = 15;

/// Why C4C says that it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A message of C4C's.
    Said(String),
    /// A page for a browser with this title: a log-in, maintenance, or a proxy on the way.
    Page(String),
    /// No reason is given.
    Nothing,
}

impl Cause {
    /// Reads a body of any kind.
    pub fn of(body: &[u8]) -> Self {
        if let Some(page) = Self::page(body) {
            return page;
        }
        let text = String::from_utf8_lossy(body);
        let text = trimmed(&text);
        if text.is_empty() {
            return Self::Nothing;
        }
        let message = match text.as_bytes()[0] {
            b'<' => in_xml(text),
            b'{' | b'[' => in_json(text),
            _ => Some(text.to_owned()),
        };
        message
            .map(|m| plain(&m))
            .filter(|m| !m.is_empty())
            .map_or(Self::Nothing, Self::Said)
    }

    /// Only looks whether the body is a page; cheap on a large answer.
    pub fn page(body: &[u8]) -> Option<Self> {
        let head = String::from_utf8_lossy(&body[..body.len().min(PAGE_HEAD)]);
        let head = trimmed(&head);
        let lower = head.to_ascii_lowercase();
        let is_page = lower.starts_with("<!doctype html")
            || (lower.starts_with('<') && lower.contains("<html"));
        is_page.then(|| Self::Page(title(head, &lower)))
    }

    /// Whether a browser was meant to read it.
    pub fn is_page(&self) -> bool {
        matches!(self, Self::Page(_))
    }

    /// Whether the message holds `word` as a whole word, in any case.
    pub fn says(&self, word: &str) -> bool {
        let Self::Said(message) = self else {
            return false;
        };
        message
            .split(|c: char| !c.is_alphanumeric())
            .any(|w| w.eq_ignore_ascii_case(word))
    }

    /// A short text for people. OpenIDs in it are masked, and so are `sent` values, which may be
    /// a name or a telephone number.
    pub fn told(&self, sent: &[String]) -> String {
        let masked = |text: &str| {
            // A message is one line, and a value that it quotes is too.
            let mask_one = |text: String, value: &String| mask(&text, &plain(value));
            bounded(&sent.iter().fold(without_openids(text), mask_one))
        };
        match self {
            Self::Said(message) => masked(message),
            Self::Page(title) if title.is_empty() => "an HTML page without a title".to_owned(),
            Self::Page(title) => format!("an HTML page “{}”", masked(title)),
            Self::Nothing => "no reason given".to_owned(),
        }
    }
}

/// Whether the beginning of a body of any kind holds `word`, given in lower case.
pub fn mentions(body: &[u8], word: &str) -> bool {
    let head = String::from_utf8_lossy(&body[..body.len().min(PAGE_HEAD)]);
    head.to_ascii_lowercase().contains(word)
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

/// `lower` is `page` in lower case; positions in one are positions in the other.
fn title(page: &str, lower: &str) -> String {
    let inside = || {
        let tag = lower.find("<title")?;
        let start = tag + lower[tag..].find('>')? + 1;
        let end = start + lower[start..].find('<')?;
        Some(plain(&page[start..end]))
    };
    inside().unwrap_or_default()
}

/// The text of `message` in an `error` document, entities resolved. No DTD is ever expanded.
fn in_xml(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    let mut in_message = false;
    let mut message = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) if tag.local_name().as_ref() == "message" => in_message = true,
            Event::End(tag) if tag.local_name().as_ref() == "message" => return Some(message),
            Event::Text(piece) if in_message => {
                message.push_str(&piece.xml_content(XmlVersion::Implicit1_0));
            }
            Event::CData(piece) if in_message => message.push_str(&piece),
            Event::GeneralRef(entity) if in_message => message.push_str(&resolved(&entity)),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// One of the five entities of XML or a character reference; any other is nothing.
fn resolved(entity: &BytesRef<'_>) -> String {
    unescape(&format!("&{};", &**entity)).map_or_else(|_| String::new(), Cow::into_owned)
}

/// `{"error":{"message":{"value":"…"}}}`, `{"error":{"message":"…"}}`, or both one level up with
/// `"code":"ERROR"`.
fn in_json(text: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    let error = document.get("error").unwrap_or(&document);
    if let Value::String(message) = error {
        return Some(message.clone());
    }
    let message = error.get("message")?;
    let message = message.get("value").unwrap_or(message);
    message.as_str().map(str::to_owned)
}

/// One line: control characters and runs of white space become one space.
fn plain(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Masks words as long as an OpenID or UnionID (wechat.md 0), or longer: C4C may quote one that we
/// did not send, such as the value that stood there before, and with something at its ends.
fn without_openids(text: &str) -> String {
    let in_id = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let shown = |word: &str| {
        // An ObjectID is as long, and nobody's secret.
        let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if word.len() >= OPENID_LENGTH && !is_hex {
            masked(word)
        } else {
            word.to_owned()
        }
    };
    text.split_inclusive(|c| !in_id(c))
        .map(|piece| {
            let word = piece.trim_end_matches(|c| !in_id(c));
            shown(word) + &piece[word.len()..]
        })
        .collect()
}

/// C4C may quote in another case, and of a long value perhaps only the beginning.
fn mask(text: &str, value: &str) -> String {
    if value.len() < MIN_MASKED {
        return text.to_owned();
    }
    // In lower case of ASCII all positions stay what they are.
    let (haystack, needle) = (text.to_ascii_lowercase(), value.to_ascii_lowercase());
    let mut shown = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, _) in haystack.match_indices(beginning(&needle)) {
        if at >= rest {
            let end = at + shared(&haystack[at..], &needle);
            shown.push_str(&text[rest..at]);
            shown.push_str(&hint(&text[at..end]));
            rest = end;
        }
    }
    shown + &text[rest..]
}

/// As much of a value as must be quoted to be recognised.
fn beginning(value: &str) -> &str {
    let end = (MIN_QUOTED..value.len()).find(|at| value.is_char_boundary(*at));
    &value[..end.unwrap_or(value.len())]
}

/// How many bytes two texts have in common at their beginnings.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

/// What may be seen of a value: of a key its ends, of what a person wrote nothing.
fn hint(value: &str) -> String {
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        masked(value)
    } else {
        "…".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(body: &str) -> Cause {
        Cause::of(body.as_bytes())
    }

    #[test]
    fn every_form_of_an_error_gives_its_message() {
        let xml =
            include_str!("../../../tests/fixtures/c4c/synthetic/error_property_not_found.xml");
        for body in [
            xml,
            "<m:error xmlns:m='x'><m:message>Property &apos;ABC&#39; not\n found</m:message></m:error>",
            "<error><message><![CDATA[Property 'ABC' not found]]></message></error>",
            r#"{"error":{"code":"","message":{"lang":"en","value":"Property 'ABC' not found"}}}"#,
            r#"{"error":{"code":"","message":"Property 'ABC' not found"}}"#,
            r#"{"code":"ERROR","message":"Property 'ABC' not found"}"#,
            r#"{"error":"Property 'ABC' not found"}"#,
            "Property 'ABC' not found\r\n",
        ] {
            assert_eq!(
                said(body),
                Cause::Said("Property 'ABC' not found".into()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_page_shows_its_title_and_no_markup() {
        for page in [
            "<!DOCTYPE html><html><head><TITLE lang=en>Logon\n  here</title></head>…",
            "<?xml version='1.0'?><html><title>Logon here<b></title>",
        ] {
            assert_eq!(said(page), Cause::Page("Logon here".into()));
            assert_eq!(said(page).told(&[]), "an HTML page “Logon here”");
        }
        assert_eq!(
            said("<html><title").told(&[]),
            "an HTML page without a title"
        );
    }

    #[test]
    fn what_tells_nothing_gives_no_reason() {
        for body in [
            "",
            " \n",
            "\u{feff}",
            "{}",
            "[1]",
            "{",
            "<error/>",
            "<error><message>",
            "<error><message> </message></error>",
            r#"{"error":{"message":null}}"#,
        ] {
            assert_eq!(said(body), Cause::Nothing, "{body}");
        }
        assert_eq!(Cause::Nothing.told(&[]), "no reason given");
    }

    #[test]
    fn an_entity_is_not_expanded() {
        let bomb = "<!DOCTYPE e [<!ENTITY a 'boom'>]><error><message>x &a; y</message></error>";
        assert_eq!(said(bomb), Cause::Said("x y".into()));
    }

    #[test]
    fn a_quoted_openid_is_masked_in_any_case() {
        let openid = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc".to_owned();
        let body = format!("'{openid}' or {} is wrong", openid.to_uppercase());
        let told = said(&body).told(&[openid, "is".to_owned()]);
        assert_eq!(told, "'oLVP…Lc' or OLVP…LC is wrong");
    }

    #[test]
    fn an_openid_that_nobody_sent_is_masked_too() {
        let told =
            said("'oLVPpjqs9BhvzwPj5A-vTYAX3GLc', o-1 and 00163EAA11111EE7B8975BD4AB3F").told(&[]);
        assert_eq!(told, "'oLVP…Lc', o-1 and 00163EAA11111EE7B8975BD4AB3F");
    }

    #[test]
    fn a_long_message_is_cut_after_masking() {
        let openid = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc".to_owned();
        let body = format!("{} {openid}", "ä".repeat(MAX_MESSAGE - 10));
        let told = said(&body).told(std::slice::from_ref(&openid));
        assert!(!told.contains("oLVPp") && told.contains("oLVP…Lc"));
        assert_eq!(
            said(&"ä".repeat(1000)).told(&[]).chars().count(),
            MAX_MESSAGE + 1
        );
    }

    #[test]
    fn of_a_quoted_text_nothing_is_shown_even_of_its_beginning() {
        let text = "请问我的 order 12 什么时候到？\n谢谢".to_owned();
        let told = |body: &str| said(body).told(std::slice::from_ref(&text));
        assert_eq!(
            told("Text '请问我的 ORDER 12 什么' is too long"),
            "Text '…' is too long"
        );
        assert_eq!(
            told("请问我的 order 12 什么时候到？ 谢谢, 请问我的 order!"),
            "…, …!"
        );
        assert_eq!(told("请问 is no word"), "请问 is no word");
    }

    #[test]
    fn words_are_whole_words() {
        assert!(said("Record Locked by user X").says("locked"));
        assert!(!said("Customer is blocked").says("locked"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            Cause::of(&bytes).told(&[]);
        }

        #[test]
        fn reading_odd_markup_never_panics(
            body in "(<|</|>|/>|&|;|#|html|title|message|error|<!\\[CDATA\\[|\\]\\]>|'|\"|=|é){0,40}"
        ) {
            Cause::of(body.as_bytes()).told(&["message!".to_owned(), "é;title#é=message".to_owned()]);
            Cause::of(format!("<html>{body}").as_bytes()).told(&[]);
        }
    }
}
