//! The notifications that C4C posts to us, in both generations (c4c.md 3.1, 3.2, 3.4).
//!
//! A notification says *that* an object changed, never what it is now: whoever receives one reads
//! the object again. Nothing in it is signed; who sent it is decided before it comes here.

use serde_json::Value;

use super::odata::address::key_in;
use crate::domain::ids::ObjectId;

/// The longest body that is read, in bytes: an enhanced payload with a hundred changed fields has
/// about 20 KiB.
pub const MAX_BODY: usize = 256 * 1024;

/// The longest name of a business object that is kept, in characters.
const MAX_NAME: usize = 80;

/// The longest event-id that can tell duplicates apart, in bytes; a UUID has 36.
const MAX_EVENT_ID: usize = 200;

/// Which generation of C4C's notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// "OData: Event Notification to External Systems" (c4c.md 3.1).
    A,
    /// "Event Notification", also through Kyma or as a CloudEvent (c4c.md 3.2).
    B,
}

/// What happened to the object, as far as C4C says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It is changed.
    Updated,
    /// It is gone.
    Deleted,
    /// Anything; variant A usually says nothing.
    Unknown,
}

/// An object changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The object, or the root that it belongs to.
    pub object_id: ObjectId,
    /// As C4C calls it: `CUSTOMER` in variant A, `IndividualCustomer` in B; may be empty.
    pub business_object: String,
    /// What happened.
    pub change: Change,
    /// Equal for duplicates; variant A has none.
    pub event_id: Option<String>,
    /// The generation.
    pub variant: Variant,
}

/// What kind of object a notification is about, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A customer.
    Customer,
    /// A ticket.
    Ticket,
    /// A social media activity.
    Activity,
    /// Whatever else, or nothing that is known.
    Other,
}

impl Notification {
    /// What it is about. Both generations spell the same names, in their own ways.
    pub fn subject(&self) -> Subject {
        let letters = self
            .business_object
            .chars()
            .filter(char::is_ascii_alphanumeric);
        let name: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        match name.as_str() {
            "CUSTOMER" | "INDIVIDUALCUSTOMER" => Subject::Customer,
            "SERVICEREQUEST" => Subject::Ticket,
            "SOCIALMEDIAACTIVITY" => Subject::Activity,
            _ => Subject::Other,
        }
    }
}

/// Why a body is no notification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// Longer than [`MAX_BODY`].
    #[error("the notification is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// No JSON, or nested deeper than 128 levels.
    #[error("the notification is no JSON: {0}")]
    NotJson(String),
    /// JSON of neither variant.
    #[error("the body is neither of C4C's two notifications; check what posts to this address")]
    NeitherVariant,
    /// No ObjectID at any of the four places.
    #[error("the notification names no object: an ObjectID has 32 hex digits")]
    NoObject,
}

/// Reads a body of any kind.
pub fn parse(body: &[u8]) -> Result<Notification, NotificationError> {
    if body.len() > MAX_BODY {
        return Err(NotificationError::TooLarge);
    }
    // serde_json itself refuses to go deeper than 128 levels.
    let document: Value =
        serde_json::from_slice(body).map_err(|e| NotificationError::NotJson(e.to_string()))?;
    let variant = variant(&document).ok_or(NotificationError::NeitherVariant)?;
    let object_id = object_id(&document).ok_or(NotificationError::NoObject)?;
    Ok(match variant {
        Variant::A => Notification {
            object_id,
            business_object: name(text(&document, "businessObject")),
            change: change(text(&document, "event")),
            event_id: None,
            variant,
        },
        Variant::B => variant_b(&document, object_id),
    })
}

/// Variant B names type and event-id in two ways: Kyma's and that of CloudEvents.
fn variant_b(document: &Value, object_id: ObjectId) -> Notification {
    let either = |one, other| match text(document, one) {
        "" => text(document, other),
        found => found,
    };
    // `<BusinessObject>.<Node>.<Change>`, perhaps behind a prefix.
    let mut parts = either("event-type", "type").rsplit('.');
    let change = change(parts.next().unwrap_or_default());
    let business_object = name(parts.nth(1).unwrap_or_default());
    let event_id = either("event-id", "id");
    Notification {
        object_id,
        business_object,
        change,
        event_id: Some(event_id.to_owned()).filter(|id| (1..=MAX_EVENT_ID).contains(&id.len())),
        variant: Variant::B,
    }
}

fn variant(document: &Value) -> Option<Variant> {
    let has_any = |keys: &[&str]| keys.iter().any(|key| document.get(*key).is_some());
    if has_any(&["businessObjectId", "businessObject", "odataServiceEndpoint"]) {
        Some(Variant::A)
    } else if has_any(&["event-type", "type", "data"]) {
        Some(Variant::B)
    } else {
        None
    }
}

/// The four places of c4c.md 3.4, in their order. The key in the endpoint comes last because it
/// may be the root's under the name of a child (c4c.md 2.3).
fn object_id(document: &Value) -> Option<ObjectId> {
    let data = document.get("data").unwrap_or(&Value::Null);
    [
        text(document, "businessObjectId"),
        text(data, "root-entity-id"),
        text(data, "entity-id"),
    ]
    .into_iter()
    .find_map(ObjectId::parse)
    .or_else(|| key_in(text(document, "odataServiceEndpoint")))
}

fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim()
}

fn name(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME)
        .collect()
}

/// Variant B says `Updated`; what A says when it says something is not known, so beginnings count.
fn change(word: &str) -> Change {
    let word = word.to_ascii_lowercase();
    let begins = |with| word.starts_with(with);
    if begins("creat") {
        Change::Created
    } else if begins("updat") || begins("chang") {
        Change::Updated
    } else if begins("delet") {
        Change::Deleted
    } else {
        Change::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "00163EAA11111EE7B8975BD4AB3F0001";

    fn parsed(body: &str) -> Result<Notification, NotificationError> {
        parse(body.as_bytes())
    }

    #[test]
    fn variant_a_is_read() {
        let body = include_str!("../../tests/fixtures/c4c/synthetic/notification_odata_event.json");
        let expected = Notification {
            object_id: ObjectId::new(ID),
            business_object: "CUSTOMER".into(),
            change: Change::Unknown,
            event_id: None,
            variant: Variant::A,
        };
        assert_eq!(parsed(body), Ok(expected));
    }

    #[test]
    fn variant_b_is_read_with_and_without_changes() {
        let basic =
            include_str!("../../tests/fixtures/c4c/synthetic/notification_event_basic.json");
        let expected = Notification {
            object_id: ObjectId::new(ID),
            business_object: "IndividualCustomer".into(),
            change: Change::Updated,
            event_id: Some("00163EAA-1111-1EE7-B897-5BD4AB3F0002".into()),
            variant: Variant::B,
        };
        assert_eq!(parsed(basic).as_ref(), Ok(&expected));
        let enhanced =
            include_str!("../../tests/fixtures/c4c/synthetic/notification_event_enhanced.json");
        let event_id = Some("00163EAA-1111-1EE7-B897-5BD4AB3F0003".into());
        assert_eq!(
            parsed(enhanced),
            Ok(Notification {
                event_id,
                ..expected
            })
        );
    }

    #[test]
    fn a_cloud_event_is_variant_b() {
        let notification = parsed(
            r#"{"specversion":"1.0","type":"sap.c4c.Contact.Root.Deleted","id":"e-1",
            "data":{"entity-id":"00163eaa-1111-1ee7-b897-5bd4ab3f0001"}}"#,
        )
        .unwrap();
        assert_eq!(notification.object_id.as_str(), ID);
        assert_eq!(notification.business_object, "Contact");
        assert_eq!(notification.change, Change::Deleted);
        assert_eq!(notification.event_id.as_deref(), Some("e-1"));
    }

    #[test]
    fn both_generations_name_tickets_and_activities() {
        let of = |named: &str| {
            let body = format!(r#"{{"data":{{"entity-id":"{ID}"}},{named}}}"#);
            parsed(&body).unwrap().subject()
        };
        let a = |name: &str| of(&format!(r#""businessObject":"{name}""#));
        let b = |name: &str| of(&format!(r#""event-type":"{name}.Root.Updated""#));
        for (in_a, in_b, subject) in [
            ("CUSTOMER", "IndividualCustomer", Subject::Customer),
            ("SERVICE_REQUEST", "ServiceRequest", Subject::Ticket),
            (
                "SOCIAL_MEDIA_ACTIVITY",
                "SocialMediaActivity",
                Subject::Activity,
            ),
            ("", "Contact", Subject::Other),
        ] {
            assert_eq!((a(in_a), b(in_b)), (subject, subject));
        }
    }

    #[test]
    fn the_object_is_taken_from_the_first_place_that_names_one() {
        let other = "00163EAA11111EE7B8975BD4AB3F0009";
        let endpoint = format!(r#""odataServiceEndpoint":"https://t/x/S('{ID}')""#);
        for body in [
            format!(r#"{{"businessObjectId":"{ID}","odataServiceEndpoint":"S('{other}')"}}"#),
            format!(r#"{{"data":{{"root-entity-id":"{ID}","entity-id":"{other}"}}}}"#),
            format!(r#"{{"data":{{"root-entity-id":"","entity-id":"{ID}"}}}}"#),
            format!(r#"{{"businessObjectId":"",{endpoint}}}"#),
            format!(r#"{{"businessObjectId":7,{endpoint}}}"#),
        ] {
            assert_eq!(parsed(&body).unwrap().object_id.as_str(), ID, "{body}");
        }
    }

    #[test]
    fn what_names_no_object_or_is_no_notification_is_told_apart() {
        let no_object = r#"{"businessObject":"CUSTOMER","businessObjectId":"1' or '1"}"#;
        assert_eq!(parsed(no_object), Err(NotificationError::NoObject));
        for body in [r#"{"hello":1}"#, "[]", "null", "\"x\""] {
            assert_eq!(
                parsed(body),
                Err(NotificationError::NeitherVariant),
                "{body}"
            );
        }
        for body in [
            "",
            "content=%7b",
            &"[".repeat(10_000),
            &"{\"a\":".repeat(10_000),
        ] {
            assert!(matches!(parsed(body), Err(NotificationError::NotJson(_))));
        }
        assert_eq!(
            parse(" ".repeat(MAX_BODY + 1).as_bytes()),
            Err(NotificationError::TooLarge)
        );
    }

    #[test]
    fn an_endless_event_id_is_not_kept() {
        let body = format!(
            r#"{{"event-type":"X","event-id":"{}","data":{{"entity-id":"{ID}"}}}}"#,
            "e".repeat(MAX_EVENT_ID + 1)
        );
        let notification = parsed(&body).unwrap();
        assert_eq!(notification.event_id, None);
        assert_eq!(notification.business_object, "");
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn odd_types_never_panic(kind in "\\PC{0,30}", endpoint in "(\\('|'\\)|%|\\PC){0,30}") {
            let body = serde_json::json!({
                "event-type": kind, "data": {"entity-id": ID}, "odataServiceEndpoint": endpoint,
            });
            let notification = parse(body.to_string().as_bytes()).unwrap();
            prop_assert_eq!(notification.object_id.as_str(), ID);
        }
    }
}
