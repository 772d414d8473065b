//! Tickets with their notes, files and references (c4c.md 4.3, 4.6).

use super::super::super::schema::{EntityType, Navigation, Node, Property};
use super::super::super::settings::Settings;
use super::super::super::value::Edm;
use super::{below, code, folder, long_text, person, root, stamp, stamps};

/// Texts that clients may write, with their lengths.
const TEXTS: [(&str, usize); 10] = [
    ("BuyerPartyID", 60),
    ("BuyerMainContactPartyID", 60),
    ("ReportedPartyID", 60),
    ("ProcessorPartyID", 60),
    ("ServiceIssueCategoryID", 40),
    ("SerialID", 30),
    ("ProductID", 60),
    ("ContractID", 35),
    ("InstallationPointID", 20),
    ("InstalledBaseID", 20),
];

/// Codes that clients may write, with their lengths.
const CODES: [(&str, usize); 6] = [
    ("ProcessingTypeCode", 4),
    ("ServicePriorityCode", 1),
    ("ServiceRequestUserLifeCycleStatusCode", 2),
    ("RequestAssignmentStatusCode", 2),
    ("DataOriginTypeCode", 4),
    ("ServiceRequestClassificationCode", 4),
];

/// The ticket and what hangs below it.
pub(super) fn all(settings: &Settings) -> Vec<EntityType> {
    vec![
        ticket(settings),
        note(settings),
        folder(
            "ServiceRequestAttachmentFolder",
            Node::TicketFile,
            "ServiceRequest",
        ),
        reference(),
    ]
}

fn ticket(settings: &Settings) -> EntityType {
    let mut properties = root();
    properties.push(Property::text("ID", 35).read_only());
    properties.push(Property::text("Name", 255));
    for (name, length) in TEXTS {
        properties.push(Property::text(name, length));
    }
    for (name, length) in CODES {
        properties.extend(code(name, length));
    }
    // It follows from the user's status.
    let [status, description] = code("ServiceRequestLifeCycleStatusCode", 2);
    properties.extend([status.read_only(), description]);
    for name in &settings.ticket_fields {
        properties.push(Property::text(name, 255));
    }
    properties.extend([
        stamp("CreationDateTime"),
        stamp("LastChangeDateTime"),
        person("CreatedBy"),
        person("ChangedBy"),
    ]);
    properties.extend(stamps());
    let down = |name| Navigation::down(name, name);
    EntityType {
        navigations: vec![
            Navigation::down(
                "ServiceRequestTextCollection",
                "ServiceRequestTextCollection",
            )
            .deep(),
            down("ServiceRequestAttachmentFolder").deep(),
            down("ServiceRequestBusinessTransactionDocumentReference"),
        ],
        creatable: true,
        updatable: true,
        ..EntityType::new("ServiceRequest", Node::Ticket, properties)
    }
}

fn note(settings: &Settings) -> EntityType {
    let mut properties = below();
    properties.extend([
        Property::text("TypeCode", 5).mandatory().fixed(),
        Property::description_of("TypeCode"),
        Property::text("LanguageCode", 2),
        Property::description_of("LanguageCode"),
        long_text("Text").mandatory(),
        stamp("CreatedOn"),
        stamp("UpdatedOn"),
        person("CreatedBy"),
        person("LastUpdatedBy"),
        person("AuthorName"),
        Property::of("AuthorUUID", Edm::Guid).read_only(),
    ]);
    properties.extend(stamps());
    EntityType {
        set: settings.text_set.clone(),
        navigations: vec![Navigation::up("ServiceRequest")],
        creatable: true,
        updatable: true,
        ..EntityType::new("ServiceRequestTextCollection", Node::TicketText, properties)
    }
}

fn reference() -> EntityType {
    let mut properties = below();
    properties.push(Property::text("ID", 35).read_only());
    let [kind, description] = code("TypeCode", 15);
    properties.extend([kind.read_only(), description]);
    properties.extend(stamps());
    EntityType {
        navigations: vec![Navigation::up("ServiceRequest")],
        ..EntityType::new(
            "ServiceRequestBusinessTransactionDocumentReference",
            Node::TicketReference,
            properties,
        )
    }
}

/// The descriptions of a ticket's codes.
pub(super) fn description(code: &str, value: &str) -> &'static str {
    match (code, value) {
        ("ProcessingTypeCode", "SRRQ") => "Service Request",
        ("ServicePriorityCode", "2") => "Urgent",
        ("ServicePriorityCode", "3") => "Normal",
        ("ServiceRequestLifeCycleStatusCode" | "ServiceRequestUserLifeCycleStatusCode", "1") => {
            "Open"
        }
        ("ServiceRequestLifeCycleStatusCode", "2") => "In Process",
        ("ServiceRequestLifeCycleStatusCode", "3")
        | ("ServiceRequestUserLifeCycleStatusCode", "5") => "Completed",
        ("ServiceRequestUserLifeCycleStatusCode", "4") => "In Process - Waiting for Customer",
        ("RequestAssignmentStatusCode", "1") => "Processor Action",
        ("RequestAssignmentStatusCode", "2") => "Requestor Action",
        ("DataOriginTypeCode", "1") => "Manual data entry",
        _ => "",
    }
}

/// The descriptions of the types of notes: only one was seen (c4c.md 4.3).
pub(super) fn note_description(value: &str) -> &'static str {
    match value {
        "10004" => "Incident Description",
        "10007" => "Reply to Customer",
        "10008" => "Reply from Customer",
        _ => "",
    }
}
