//! Instants of C4C: every spelling of one instant is that instant, and deltas never start late.

use jiff::Timestamp;
use qiao::c4c::odata::filter::Filter;
use qiao::c4c::odata::types::{etag, instant, is_header_text, scalar};
use serde_json::Value;

use crate::Target;

pub(crate) const TARGET: Target = Target {
    name: "instant",
    check,
    words: &[
        "/Date(",
        ")/",
        "-62135596800000",
        "253402207200000",
        "+0480",
        "-0060",
        "2017-03-30T19:40:10.8490000Z",
        "2017-03-31T03:40:10.849+08:00",
        "T24:00:00",
        "[Asia/Shanghai]",
        "-009999-01-01",
        "23:59:60Z",
    ],
};

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(at) = instant(&text) {
        assert_eq!(instant(&at.to_string()), Some(at));
        let millis = at.as_millisecond();
        let read = instant(&format!("/Date({millis}+0060)/"));
        assert_eq!(read.map(Timestamp::as_millisecond), Some(millis));
        let shown = scalar(&Value::String(format!("/Date({millis})/")));
        let shown = shown.expect("a text is a scalar");
        assert_eq!(instant(&shown), read);
        assert_includes(at);
    }
    assert!(etag(&text).is_none_or(|etag| etag == text && is_header_text(&etag)));
}

/// The filter of a delta begins at the instant or within the second before.
fn assert_includes(since: Timestamp) {
    let filter = Filter::changed_since(since);
    let literal = filter.as_str().split('\'').nth(1);
    let from = literal
        .and_then(instant)
        .expect("the filter names an instant");
    assert!(from <= since && since.duration_since(from).as_secs() < 1);
}
