//! C4C's JSON: every envelope is one reading, and what is shown reads the same again.

use std::collections::BTreeMap;

use qiao::c4c::odata::json::{Entity, entity, feed};
use qiao::c4c::odata::types::is_header_text;
use serde_json::{Value, json};

use crate::Target;
use crate::told::assert_fit;

pub(crate) const TARGET: Target = Target {
    name: "odata",
    check,
    words: &[
        "{\"d\":",
        "{\"results\":",
        "\"results\":[",
        "\"__metadata\":{",
        "\"etag\":\"W/\\\"1\\\"\"",
        "\"__next\":\"",
        "\"__count\":\"7\"",
        "\"__deferred\":{\"uri\":\"x\"}",
        "\"content\":",
        "\"/Date(1490902810849)/\"",
        "\"\\/Date(-1+0060)\\/\"",
        "null",
        "{\"content\":{\"content\":",
        "[[[[[[[[[[[[[[[[",
        "hunter2-do-not-show",
    ],
};

fn check(bytes: &[u8]) {
    let feed = match feed(bytes) {
        Ok(feed) => feed,
        Err(fault) => {
            assert!(entity(bytes).is_err());
            return assert_fit(&fault.to_string());
        }
    };
    match entity(bytes) {
        Ok(one) => assert_eq!(feed.entities, [one]),
        Err(_) => assert_ne!(feed.entities.len(), 1),
    }
    for entity in &feed.entities {
        assert_stable(entity);
        assert!(entity.etag().is_none_or(|etag| is_header_text(&etag)));
    }
    expand(bytes);
}

/// Instants are made ISO 8601 and names of the old service flat: once, and then they stay.
fn assert_stable(entity: &Entity) {
    let shown: BTreeMap<&str, String> = entity.scalars().collect();
    let body = json!({ "d": { "results": [shown] } }).to_string();
    let again = feed(body.as_bytes()).expect("a feed of texts is a feed");
    let again: BTreeMap<_, _> = again.entities[0].scalars().collect();
    assert_eq!(shown, again);
    for (name, text) in &shown {
        assert_eq!(entity.text(name).as_ref(), Some(text));
    }
}

/// Follows every property as if it were a navigation.
fn expand(bytes: &[u8]) {
    let Ok(Value::Object(document)) = serde_json::from_slice(bytes) else {
        return;
    };
    let Some(Value::Object(d)) = document.get("d") else {
        return;
    };
    let body = json!({ "d": { "results": [d] } }).to_string();
    let whole = entity(body.as_bytes()).expect("a feed of one");
    for name in d.keys() {
        if let Err(fault) = whole.expanded(name) {
            assert_fit(&fault.to_string());
        }
    }
}
