//! C4C's notifications: what is taken is clean and bounded, and reads the same in both variants.

use qiao::c4c::notification::{Change, Notification, Variant, parse};
use serde_json::json;

use crate::Target;
use crate::told::assert_fit;

pub(crate) const TARGET: Target = Target {
    name: "notification",
    check,
    words: &[
        "\"businessObjectId\":",
        "\"businessObject\":",
        "\"odataServiceEndpoint\":",
        "\"event\":",
        "\"event-type\":",
        "\"event-id\":",
        "\"type\":",
        "\"id\":",
        "\"data\":{",
        "\"root-entity-id\":",
        "\"entity-id\":",
        "\"00163EAA11111EE7B8975BD4AB3F0001\"",
        "('00163EAA-1111-1EE7-B897-5BD4AB3F0001')",
        "%27",
        ".Root.Created",
        "\\u001b[31m",
        "\\ud800",
        "[[[[[[[[",
        "{\"a\":",
        "1e999",
        "hunter2-do-not-show",
    ],
};

fn check(bytes: &[u8]) {
    match parse(bytes) {
        Ok(notification) => {
            assert_clean(&notification);
            assert_eq!(parse(&written(&notification)).as_ref(), Ok(&notification));
        }
        Err(fault) => assert_fit(&fault.to_string()),
    }
}

fn assert_clean(notification: &Notification) {
    let id = notification.object_id.as_str();
    let is_hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    assert!(id.len() == 32 && id.bytes().all(is_hex), "{id}");
    let object = &notification.business_object;
    assert!(object.chars().count() <= 80 && !object.chars().any(char::is_control));
    match (&notification.event_id, notification.variant) {
        (Some(event), Variant::B) => assert!((1..=200).contains(&event.len())),
        (None, _) => {}
        (Some(_), Variant::A) => panic!("variant A has no event-id"),
    }
}

/// As C4C would write it.
fn written(notification: &Notification) -> Vec<u8> {
    let change = match notification.change {
        Change::Created => "Created",
        Change::Updated => "Updated",
        Change::Deleted => "Deleted",
        Change::Unknown => "Touched",
    };
    let object = &notification.business_object;
    let id = notification.object_id.as_str();
    let document = match notification.variant {
        Variant::A => json!({ "businessObjectId": id, "businessObject": object, "event": change }),
        Variant::B => json!({
            "event-type": format!("{object}.Root.{change}"),
            "event-id": notification.event_id,
            "data": { "entity-id": id },
        }),
    };
    document.to_string().into_bytes()
}
