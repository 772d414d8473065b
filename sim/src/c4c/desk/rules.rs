//! What the desk refuses (c4c.md 4): every check of a save, before anything is stored.

use super::super::body::Draft;
use super::super::error::Refusal;
use super::super::schema::Node;
use super::super::value::Value;
use super::{Desk, Occasion};

/// A message that starts a conversation.
pub(super) const ROOT: &str = "001";
/// A message that follows another.
const FOLLOW_UP: &str = "003";
/// The category of an attachment that is a file.
const FILE: &str = "2";

/// Checks an object and all that is created with it.
pub(super) fn check(desk: &Desk, draft: &Draft, occasion: &Occasion) -> Result<(), Refusal> {
    check_fields(desk, draft.kind.node, &draft.fields, true, occasion)?;
    for child in &draft.children {
        check(desk, child, occasion)?;
    }
    Ok(())
}

/// Checks fields as they were sent, at creation or in a change.
pub(super) fn check_fields(
    desk: &Desk,
    node: Node,
    fields: &[(String, Value)],
    creating: bool,
    occasion: &Occasion,
) -> Result<(), Refusal> {
    let sent = Sent(fields);
    let settings = occasion.settings;
    match node {
        Node::ProfileUser => sent.one_of("SocialMediaChannelCode", &settings.social_channels),
        Node::ProfilePartner => sent.check("BusinessPartnerUUID", "no business partner", |uuid| {
            let customer = occasion.customers.get(&uuid.replace('-', ""));
            customer.is_some()
        }),
        Node::Activity if creating => activity(desk, &sent, occasion),
        Node::Ticket => ticket(&sent, occasion),
        Node::TicketText => sent.one_of("TypeCode", &settings.note_types),
        Node::ActivityFile | Node::TicketFile => file(&sent, occasion),
        _ => Ok(()),
    }
}

fn ticket(sent: &Sent, occasion: &Occasion) -> Result<(), Refusal> {
    sent.check("BuyerPartyID", "no customer", |id| {
        let id = id.trim_start_matches('0');
        let mut customers = occasion.customers.all();
        id.is_empty() || customers.any(|customer| customer.customer_id() == id)
    })?;
    sent.check("ProcessorPartyID", "no employee", |id| {
        let employees = &occasion.settings.employees;
        id.is_empty() || employees.iter().any(|employee| employee == id)
    })
}

fn activity(desk: &Desk, sent: &Sent, occasion: &Occasion) -> Result<(), Refusal> {
    let settings = occasion.settings;
    sent.one_of("SocialMediaChannelCode", &settings.social_channels)?;
    sent.one_of("SocialMediaActivityProviderID", &settings.social_providers)?;
    sent.one_of("CategoryCode", &[ROOT, FOLLOW_UP])?;
    sent.one_of("InitiatorCode", &["1", "2"])?;
    let known = |node: Node| move |uuid: &str| desk.objects.by_uuid(node, uuid).is_some();
    let profile = "SocialMediaUserProfileUUID";
    sent.check(profile, "no profile", known(Node::Profile))?;
    let parent = "ParentSocialMediaActivityUUID";
    let follows = sent.text("CategoryCode") == FOLLOW_UP;
    match (follows, sent.text(parent)) {
        (true, "") => return Err(refused(parent, "missing in a follow-up")),
        (false, "") => {}
        (false, _) => {
            return Err(refused(
                parent,
                "not for a message that starts a conversation",
            ));
        }
        (true, _) => sent.check(parent, "no activity", known(Node::Activity))?,
    }
    sent.check("SocialMediaMessageID", "not unique", |id| {
        let others = desk
            .objects
            .having(Node::Activity, "SocialMediaMessageID", id);
        id.is_empty() || !settings.unique_message_id || others.is_empty()
    })
}

fn file(sent: &Sent, occasion: &Occasion) -> Result<(), Refusal> {
    sent.one_of("TypeCode", &occasion.settings.attachment_types)?;
    sent.one_of("CategoryCode", &[FILE])?;
    let size = sent.0.iter().find_map(|(_, value)| match value {
        Value::Bytes(bytes) => Some(bytes.len()),
        _ => None,
    });
    match size {
        Some(size) if size > occasion.settings.attachment_limit => {
            Err(refused("Binary", "larger than the tenant allows"))
        }
        _ => Ok(()),
    }
}

/// The fields of one object as they were sent.
struct Sent<'f>(&'f [(String, Value)]);

impl Sent<'_> {
    fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_text())
    }

    fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// Refuses the property when it was sent and does not pass.
    fn check(&self, name: &str, why: &str, passes: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        match self.find(name) {
            Some(text) if !passes(text) => Err(refused(name, why)),
            _ => Ok(()),
        }
    }

    /// Refuses the property when it was sent and is none of these.
    fn one_of<T: AsRef<str>>(&self, name: &str, codes: &[T]) -> Result<(), Refusal> {
        self.check(name, "unknown to this tenant", |text| {
            codes.iter().any(|code| code.as_ref() == text)
        })
    }
}

/// The sentence names the property, never its value.
fn refused(name: &str, why: &str) -> Refusal {
    Refusal::new(400, &format!("Invalid value for property '{name}': {why}"))
}
