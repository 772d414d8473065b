//! OData V2 values on the wire (c4c.md 1.7, 1.9).
//!
//! Guid, Decimal and Time are text in JSON already and stay as C4C wrote them: without the
//! metadata a Decimal `37.00` cannot be told from a name that reads so.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::domain::ids::ObjectId;

/// The longest ETag that is sent back; C4C's have 50 characters.
const MAX_ETAG: usize = 256;

/// Reads a DateTimeOffset or DateTime: `/Date(ms)/`, `/Date(ms+0060)/`, or ISO 8601.
///
/// The milliseconds are UTC and the offset behind them only says where they were shown. An ISO
/// text without a zone is UTC too. `None` for anything else and for years that do not exist.
pub fn instant(text: &str) -> Option<Timestamp> {
    let Some(inner) = text.strip_prefix("/Date(") else {
        return text.parse().ok().or_else(|| {
            let local: DateTime = text.parse().ok()?;
            TimeZone::UTC.to_timestamp(local).ok()
        });
    };
    let inner = inner.strip_suffix(")/")?;
    // The sign of the milliseconds themselves is not the offset's.
    let end = inner
        .get(1..)?
        .find(['+', '-'])
        .map_or(inner.len(), |at| at + 1);
    let (millis, offset) = inner.split_at(end);
    let offset_is_minutes = offset.chars().skip(1).all(|c| c.is_ascii_digit());
    if !offset_is_minutes || offset.len() == 1 {
        return None;
    }
    Timestamp::from_millisecond(millis.parse().ok()?).ok()
}

/// Writes a DateTimeOffset as JSON has it; what is less than a millisecond is lost.
pub fn date(at: Timestamp) -> String {
    format!("/Date({})/", at.as_millisecond())
}

/// Writes the UUID of a root object: its ObjectID with dashes.
pub fn uuid(id: &ObjectId) -> String {
    let mut dashed = String::with_capacity(36);
    for (at, digit) in id.as_str().chars().enumerate() {
        if [8, 12, 16, 20].contains(&at) {
            dashed.push('-');
        }
        dashed.push(digit);
    }
    dashed
}

/// A scalar property as text; `None` for navigations and for arrays.
///
/// Null is empty, as C4C itself writes unset strings. `/Date(…)/` becomes ISO 8601, so that a
/// person can read it. A complex name of the old service counts as its `content`.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if text.starts_with("/Date(") => {
            Some(instant(text).map_or_else(|| text.clone(), |at| at.to_string()))
        }
        Value::String(text) => Some(text.clone()),
        Value::Object(complex) => complex.get("content").and_then(scalar),
        Value::Array(_) => None,
    }
}

/// An ETag fit to be sent back in `If-Match`; `None` for one that no header could carry.
pub fn etag(text: &str) -> Option<String> {
    let fits = (1..=MAX_ETAG).contains(&text.len()) && is_header_text(text);
    fits.then(|| text.to_owned())
}

/// Whether `text` is visible ASCII, so that it cannot break out of a header.
pub fn is_header_text(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_written_form_of_one_instant_reads_the_same() {
        let expected = Timestamp::from_millisecond(1_490_902_810_849).ok();
        for text in [
            "/Date(1490902810849)/",
            "/Date(1490902810849+0480)/",
            "/Date(1490902810849-0060)/",
            "2017-03-30T19:40:10.8490000Z",
            "2017-03-31T03:40:10.849+08:00",
            "2017-03-30T19:40:10.849",
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
    }

    #[test]
    fn an_instant_before_1970_is_read() {
        let expected = Timestamp::from_second(-86_400).ok();
        assert_eq!(instant("/Date(-86400000)/"), expected);
        assert_eq!(instant("/Date(-86400000+0000)/"), expected);
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "/Date()/",
            "/Date(1",
            "/Date(1+)/",
            "/Date(+)/",
            "/Date(é1)/",
            "/Date(1+x)/",
            "/Date(99999999999999999)/",
            "2017-13-01T00:00:00Z",
            "soon",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn scalars_become_text_and_structures_do_not() {
        let text = |value: Value| scalar(&value);
        assert_eq!(text(json!(null)).as_deref(), Some(""));
        assert_eq!(text(json!(true)).as_deref(), Some("true"));
        assert_eq!(
            text(json!("37.00000000000000")).as_deref(),
            Some("37.00000000000000")
        );
        assert_eq!(
            text(json!("/Date(0)/")).as_deref(),
            Some("1970-01-01T00:00:00Z")
        );
        assert_eq!(
            text(json!("/Date(never)/")).as_deref(),
            Some("/Date(never)/")
        );
        assert_eq!(
            text(json!({"content": "Li", "languageCode": "E"})).as_deref(),
            Some("Li")
        );
        assert_eq!(text(json!({"__deferred": {"uri": "x"}})), None);
        assert_eq!(text(json!([])), None);
    }

    #[test]
    fn an_etag_cannot_break_out_of_its_header() {
        let real = r#"W/"datetimeoffset'2017-03-30T19%3A40%3A10.8490260Z'""#;
        assert_eq!(etag(real).as_deref(), Some(real));
        assert_eq!(etag("W/\"1\"\r\nx-evil: 1"), None);
        assert_eq!(etag(""), None);
        assert_eq!(etag(&"x".repeat(MAX_ETAG + 1)), None);
    }

    #[test]
    fn a_uuid_is_its_object_id_with_dashes() {
        let dashed = "00163E13-79D0-1EE7-85B1-D128A8C2C224";
        assert_eq!(uuid(&ObjectId::parse(dashed).unwrap()), dashed);
    }

    proptest! {
        #[test]
        fn every_millisecond_survives_the_wire(
            millis in Timestamp::MIN.as_millisecond()..Timestamp::MAX.as_millisecond(),
            offset in prop::option::of(-1440_i32..1440),
        ) {
            let shown = offset.map_or_else(String::new, |o| format!("{o:+05}"));
            let read = instant(&format!("/Date({millis}{shown})/"));
            prop_assert_eq!(read.map(Timestamp::as_millisecond), Some(millis));
            prop_assert_eq!(instant(&date(read.unwrap())), read);
        }

        #[test]
        fn reading_never_panics(text in "\\PC*", inside in "[-+0-9é)(]*") {
            instant(&text);
            instant(&format!("/Date({inside})/"));
            etag(&text);
        }
    }
}
