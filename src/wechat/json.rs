//! JSON as WeChat wants and gives it (wechat.md 0).

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

/// Raw UTF-8 without a single `\u`: where the platform does not resolve such escapes it shows
/// them or answers 40033. Control characters, which JSON can only write so, are left out.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, RawFormatter))
        .expect("a JSON value can be written to memory");
    bytes
}

struct RawFormatter;

impl Formatter for RawFormatter {
    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        match escape {
            CharEscape::AsciiControl(_) | CharEscape::Backspace | CharEscape::FormFeed => Ok(()),
            plain => CompactFormatter.write_char_escape(writer, plain),
        }
    }
}

/// Reads an answer. People's names and remarks reach it with raw control bytes and broken
/// UTF-8, which a strict parser refuses: the first become spaces, the second U+FFFD.
pub(super) fn decode(body: &[u8]) -> Option<Value> {
    let text: String = String::from_utf8_lossy(body)
        .trim_start_matches('\u{feff}')
        .chars()
        .map(|c| if c < ' ' { ' ' } else { c })
        .collect();
    serde_json::from_str(&text).ok().filter(Value::is_object)
}

/// The field as text, `None` if absent or empty.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value[name]
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The field as a number, which some services write as text.
pub(super) fn number(value: &Value, name: &str) -> Option<i64> {
    let field = &value[name];
    field.as_i64().or_else(|| field.as_str()?.parse().ok())
}

/// The elements of an array; none if there is no array.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_is_sent_is_raw_utf_8() {
        let body = encode(&json!({"content": "你好 <a href=\"x\">&</a>\n\u{1}\u{8}\u{c}😀"}));
        let expected = "{\"content\":\"你好 <a href=\\\"x\\\">&</a>\\n😀\"}";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn dirty_answers_are_read() {
        let mut body = b"\xef\xbb\xbf{\"remark\":\"a\x01b\xff\",\r\n\"n\":\"12\",\"id\":".to_vec();
        body.extend_from_slice(b"1700000000000000000}");
        let value = decode(&body).unwrap();
        assert_eq!(text(&value, "remark").unwrap(), "a b\u{fffd}");
        assert_eq!(number(&value, "n"), Some(12));
        assert_eq!(number(&value, "id"), Some(1_700_000_000_000_000_000));
        assert_eq!(list(&value, "absent").count(), 0);
    }

    #[test]
    fn what_is_no_object_is_nothing() {
        for wrong in ["", "[]", "<html></html>", "\"ok\"", "{"] {
            assert!(decode(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_with_an_escape_that_wechat_refuses(content in any::<String>()) {
            let body = String::from_utf8(encode(&json!({"content": content}))).unwrap();
            let read: Value = serde_json::from_str(&body).unwrap();
            let kept: String = content
                .chars()
                .filter(|c| *c >= ' ' || matches!(c, '\n' | '\r' | '\t'))
                .collect();
            prop_assert_eq!(read["content"].as_str().unwrap(), kept);
            prop_assert!(!body.replace("\\\\", "").contains("\\u"));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
