//! What the system fills in when an object of the desk is saved: numbers, stamps, defaults, codes
//! that follow from others (c4c.md 4).

use super::super::customer::Change;
use super::super::schema::Node;
use super::super::value::{Value, uuid_of};
use super::{Desk, Occasion, rules};

/// First numbers of the ranges.
const FIRST_PROFILE: u64 = 6_066;
const FIRST_ACTIVITY: u64 = 59_160;
const FIRST_TICKET: u64 = 1_034_190;

/// Digits of a zero-padded party number (c4c.md 1.7).
const INTERNAL_ID: usize = 10;

type Fields = Vec<(String, Value)>;

/// The fields of a new object: defaults, what was sent over them, what the system decides over
/// both.
pub(super) fn on_creation(
    desk: &Desk,
    node: Node,
    key: &str,
    mut sent: Fields,
    occasion: &Occasion,
) -> Fields {
    // The parent is kept beside the fields.
    sent.retain(|(name, _)| name != "ParentObjectID");
    let by = occasion.user;
    let (defaults, system) = match node {
        Node::Profile => {
            let system = [number(desk, node, FIRST_PROFILE), at("CreatedOn", occasion)];
            (Vec::new(), system.into())
        }
        Node::Activity => activity(desk, key, &sent, occasion),
        Node::Ticket => ticket(desk, &sent, occasion),
        Node::TicketText => {
            let names = ["CreatedBy", "LastUpdatedBy", "AuthorName"];
            let mut system: Fields = names.map(|name| text(name, by)).into();
            system.push(at("CreatedOn", occasion));
            (Vec::new(), system)
        }
        Node::ActivityFile | Node::TicketFile => {
            let defaults = vec![text("CategoryCode", "2")];
            let system = vec![
                text("SizeInkB", &size(&sent)),
                text("CreatedBy", by),
                text("LastUpdatedBy", by),
                at("CreatedOn", occasion),
            ];
            (defaults, system)
        }
        _ => (Vec::new(), Vec::new()),
    };
    defaults.into_iter().chain(sent).chain(system).collect()
}

fn activity(
    desk: &Desk,
    key: &str,
    sent: &[(String, Value)],
    occasion: &Occasion,
) -> (Fields, Fields) {
    let own = uuid_of(key);
    let parent = find(sent, "ParentSocialMediaActivityUUID");
    let above = desk.objects.by_uuid(Node::Activity, parent);
    // A root message is its own root and parent.
    let root = above.map_or(own.as_str(), |o| o.text("RootSocialMediaActivityUUID"));
    let parent = if above.is_some() { parent } else { &own };
    let defaults = vec![
        text("InitiatorCode", "2"),
        at("SocialMediaMessageCreationDateTime", occasion),
    ];
    let system = vec![
        number(desk, Node::Activity, FIRST_ACTIVITY),
        text("RootSocialMediaActivityUUID", root),
        text("ParentSocialMediaActivityUUID", parent),
        text(
            "SocialMediaActivityProviderName",
            find(sent, "SocialMediaActivityProviderID"),
        ),
    ];
    (defaults, system)
}

fn ticket(desk: &Desk, sent: &[(String, Value)], occasion: &Occasion) -> (Fields, Fields) {
    let defaults = [
        ("ProcessingTypeCode", "SRRQ"),
        ("ServicePriorityCode", "3"),
        (USER_STATUS, OPEN),
        ("RequestAssignmentStatusCode", "1"),
        ("DataOriginTypeCode", "1"),
    ];
    let status = match find(sent, USER_STATUS) {
        "" => OPEN,
        status => status,
    };
    let system = vec![
        number(desk, Node::Ticket, FIRST_TICKET),
        text(STATUS, life_cycle(status)),
        at("CreationDateTime", occasion),
        text("CreatedBy", occasion.user),
        text("ChangedBy", occasion.user),
    ];
    (
        defaults.map(|(name, value)| text(name, value)).into(),
        system,
    )
}

/// The status that people set.
pub(super) const USER_STATUS: &str = "ServiceRequestUserLifeCycleStatusCode";
/// The status that follows from it.
pub(super) const STATUS: &str = "ServiceRequestLifeCycleStatusCode";
/// The user's status Open.
const OPEN: &str = "1";
/// The user's status Completed.
pub(super) const COMPLETED: &str = "5";

/// Custom statuses count as In Process.
fn life_cycle(user_status: &str) -> &'static str {
    match user_status {
        OPEN => "1",
        COMPLETED => "3",
        _ => "2",
    }
}

/// What follows from a change that was made.
pub(super) fn on_change(node: Node, changes: &[Change], occasion: &Occasion) -> Fields {
    match node {
        Node::Ticket => {
            let status = changes.iter().find(|change| change.field == USER_STATUS);
            let status = status.map(|change| text(STATUS, life_cycle(change.new.as_text())));
            let by = text("ChangedBy", occasion.user);
            status.into_iter().chain([by]).collect()
        }
        Node::TicketText => vec![text("LastUpdatedBy", occasion.user)],
        _ => Vec::new(),
    }
}

/// The padded number of the customer with that dashed key.
pub(super) fn internal_id(uuid: &str, occasion: &Occasion) -> String {
    let customer = occasion.customers.get(&uuid.replace('-', ""));
    customer.map_or_else(String::new, |customer| {
        format!("{:0>INTERNAL_ID$}", customer.customer_id())
    })
}

/// Whether a message starts a conversation that an agent must see.
pub(super) fn starts_conversation(category: &str, initiator: &str) -> bool {
    category == rules::ROOT && initiator == "2"
}

/// The bytes counted, under a name that promises kilobytes (c4c.md 1.7).
fn size(sent: &[(String, Value)]) -> String {
    let bytes = sent.iter().find_map(|(_, value)| match value {
        Value::Bytes(bytes) => Some(bytes.len()),
        _ => None,
    });
    format!("{}.00000000000000", bytes.unwrap_or_default())
}

fn number(desk: &Desk, node: Node, first: u64) -> (String, Value) {
    // The object itself is counted already.
    let number = first + desk.objects.made(node) - 1;
    text("ID", &number.to_string())
}

fn find<'f>(fields: &'f [(String, Value)], name: &str) -> &'f str {
    let found = fields.iter().rev().find(|(n, _)| n == name);
    found.map_or("", |(_, value)| value.as_text())
}

fn text(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::text(value))
}

fn at(name: &str, occasion: &Occasion) -> (String, Value) {
    (name.to_owned(), Value::Instant(occasion.now))
}
