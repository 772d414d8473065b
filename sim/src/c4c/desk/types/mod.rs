//! The entity types of the service desk (c4c.md 4.1–4.3, 4.6).
//!
//! Lengths follow SAP's global data types where the reference names none. Profiles and messages
//! are in [`social`], tickets in [`ticket`], what both have here.

mod social;
mod ticket;

use super::super::schema::{EntityType, Function, Node, Property};
use super::super::settings::Settings;
use super::super::value::Edm;

/// Every entity type of the desk.
pub(in crate::c4c) fn all(settings: &Settings) -> Vec<EntityType> {
    let mut types = social::all();
    types.extend(ticket::all(settings));
    types
}

/// The search for profiles, and the history of a conversation.
pub(in crate::c4c) fn functions() -> Vec<Function> {
    vec![
        Function {
            name: "GetSocialMediaUserProfile",
            to: "SocialMediaUserProfile",
            parameters: &[
                "SocialMediaUserAccountID",
                "BusinessPartnerInternalID",
                "ExternalPartyAccountID",
            ],
        },
        Function {
            name: "GetAllChildSocialMediaActivity",
            to: "SocialMediaActivity",
            parameters: &["RootSocialMediaActivityNodeID"],
        },
    ]
}

/// The node that a node hangs below.
pub(super) fn above(node: Node) -> Option<Node> {
    match node {
        Node::ProfileUser | Node::ProfilePartner => Some(Node::Profile),
        Node::ActivityFile => Some(Node::Activity),
        Node::TicketText | Node::TicketFile | Node::TicketReference => Some(Node::Ticket),
        _ => None,
    }
}

/// The English description of a code value; unknown values have none.
pub(super) fn description(node: Node, code: &str, value: &str) -> &'static str {
    match (node, code, value) {
        (Node::Ticket, code, value) => ticket::description(code, value),
        (Node::TicketText, "TypeCode", value) => ticket::note_description(value),
        (_, "CategoryCode", "2") if above(node).is_some() => "Document",
        (_, "SocialMediaChannelCode", "001") => "Facebook",
        (_, "SocialMediaChannelCode", "008") => "WeChat",
        (_, "InitiatorCode", "1") => "Outbound",
        (_, "InitiatorCode", "2") => "Inbound",
        _ => "",
    }
}

/// Key and UUID of a root.
fn root() -> Vec<Property> {
    vec![
        Property::text("ObjectID", 70).key(),
        Property::of("UUID", Edm::Guid).read_only(),
    ]
}

/// Key of a node below a root, and of that root. A POST to a navigation names it in its path.
fn below() -> Vec<Property> {
    vec![
        Property::text("ObjectID", 70).key(),
        Property::text("ParentObjectID", 70).fixed(),
    ]
}

/// A code and its description.
fn code(name: &str, length: usize) -> [Property; 2] {
    [Property::text(name, length), Property::description_of(name)]
}

/// A text without a limit.
fn long_text(name: &str) -> Property {
    Property::of(name, Edm::Text).not_filterable()
}

/// A stamp that the system keeps.
fn stamp(name: &str) -> Property {
    Property::of(name, Edm::Instant).read_only()
}

/// A person that the system notes.
fn person(name: &str) -> Property {
    Property::text(name, 480).read_only()
}

/// The stamps of every entity.
fn stamps() -> [Property; 2] {
    // Not filterable since release 1811 (c4c.md 1.9).
    [stamp("EntityLastChangedOn"), stamp("ETag").not_filterable()]
}

/// A folder of files (c4c.md 4.6).
fn folder(name: &'static str, node: Node, parent: &'static str) -> EntityType {
    let mut properties = below();
    properties.push(Property::of("UUID", Edm::Guid).read_only());
    properties.extend([
        Property::text("Name", 255).mandatory().fixed(),
        Property::text("MimeType", 255).mandatory().fixed(),
        Property::of("Binary", Edm::Binary)
            .mandatory()
            .fixed()
            .not_filterable(),
        Property::text("TypeCode", 15).mandatory().fixed(),
        Property::description_of("TypeCode"),
        Property::text("CategoryCode", 2).fixed(),
        Property::description_of("CategoryCode"),
        long_text("DocumentLink").read_only(),
        Property::text("LinkWebURI", 1280).read_only(),
        Property::of("SizeInkB", Edm::Decimal)
            .read_only()
            .not_filterable(),
        stamp("CreatedOn"),
        stamp("LastUpdatedOn"),
        person("CreatedBy"),
        person("LastUpdatedBy"),
    ]);
    properties.extend(stamps());
    EntityType {
        navigations: vec![super::super::schema::Navigation::up(parent)],
        creatable: true,
        deletable: true,
        ..EntityType::new(name, node, properties)
    }
}
