//! The JSON of a notification, in each variant (c4c.md 3.1, 3.2).

use serde_json::{Value as Json, json};

use super::customer::Change;
use super::notify::Variant;
use super::saved::{Business, Event, Saved};
use super::value::{Edm, Value, uuid_of};

/// The body; `number` makes the event's ID unique in the tenant.
pub(super) fn payload(variant: Variant, saved: &Saved, host: &str, number: u64) -> Json {
    let id = &saved.object_id;
    let (object, name, endpoint) = names(saved.object);
    if variant == Variant::Odata {
        return json!({
            "businessObject": object,
            "businessObjectId": id,
            "event": "",
            "odataServiceEndpoint": format!("https://{host}/sap/byd/odata/v1/{endpoint}('{id}')"),
        });
    }
    let (word, modification) = match saved.event {
        Event::Created => ("Created", "I"),
        Event::Updated => ("Updated", "U"),
        Event::Deleted => ("Deleted", "D"),
    };
    let mut data = json!({ "root-entity-id": id, "entity-id": id });
    if variant == Variant::Enhanced {
        let fields: Vec<Json> = saved.changes.iter().map(changed_field).collect();
        data["Changes"] = json!([{
            "node": "Root",
            "nodeID": id,
            "ParentNodeID": "",
            "Modification": modification,
            "ChangedBy": saved.user,
            "ChangedFields": fields,
        }]);
    }
    json!({
        "event-type": format!("{name}.Root.{word}"),
        "event-type-version": "v1",
        "event-id": uuid_of(&format!("00163EE0E0E01EE0{number:016X}")),
        "event-time": saved.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "data": data,
    })
}

/// The object in variant A, in variant B, and its endpoint.
fn names(object: Business) -> (&'static str, &'static str, &'static str) {
    match object {
        // The endpoint names the root's ID as the key of CustomerCommon: wrong, as in the blog.
        Business::Customer => (
            "CUSTOMER",
            "IndividualCustomer",
            "zindividualcustomer/CustomerCommonCollection",
        ),
        Business::ServiceRequest => (
            "SERVICE_REQUEST",
            "ServiceRequest",
            "c4codataapi/ServiceRequestCollection",
        ),
        Business::SocialMediaActivity => (
            "SOCIAL_MEDIA_ACTIVITY",
            "SocialMediaActivity",
            "c4codataapi/SocialMediaActivityCollection",
        ),
    }
}

fn changed_field(change: &Change) -> Json {
    let shown = |value: &Value| match value {
        Value::Null => String::new(),
        other => other.to_atom(Edm::Text).unwrap_or_default(),
    };
    json!({
        "Fieldname": field_name(&change.field),
        "Old": shown(&change.old),
        "New": shown(&change.new),
    })
}

/// `LastName` → `LAST_NAME`, the spelling of the synthetic fixture; the real one is unknown.
fn field_name(property: &str) -> String {
    let mut name = String::new();
    for letter in property.chars() {
        let after_small = name.ends_with(|last: char| last.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && after_small {
            name.push('_');
        }
        name.push(letter);
    }
    name.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Saved {
        Saved {
            object: Business::Customer,
            object_id: "00163EAA11111EE7B8975BD4AB3F0001".to_owned(),
            event: Event::Updated,
            changes: vec![Change {
                field: "LastName".to_owned(),
                old: Value::text("Wang"),
                new: Value::text("Zhang"),
            }],
            user: "DEMO USER".to_owned(),
            at: "2021-03-09T08:15:30Z".parse().unwrap(),
        }
    }

    fn body(variant: Variant) -> Json {
        payload(variant, &saved(), "my000001.c4c.example", 1)
    }

    #[test]
    fn the_payloads_have_the_shapes_of_the_fixtures() {
        assert_eq!(
            body(Variant::Odata),
            json!({
                "businessObject": "CUSTOMER",
                "businessObjectId": "00163EAA11111EE7B8975BD4AB3F0001",
                "event": "",
                "odataServiceEndpoint": "https://my000001.c4c.example/sap/byd/odata/v1/\
                    zindividualcustomer/CustomerCommonCollection\
                    ('00163EAA11111EE7B8975BD4AB3F0001')",
            })
        );
        let basic = body(Variant::Event);
        assert_eq!(basic["event-type"], "IndividualCustomer.Root.Updated");
        assert_eq!(basic["event-time"], "2021-03-09T08:15:30Z");
        assert_eq!(basic["data"].get("Changes"), None);
        let change = &body(Variant::Enhanced)["data"]["Changes"][0];
        assert_eq!(change["Modification"], "U");
        let field = json!({ "Fieldname": "LAST_NAME", "Old": "Wang", "New": "Zhang" });
        assert_eq!(change["ChangedFields"][0], field);
    }
}
