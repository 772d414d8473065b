//! Looking behind the interface: what tests, the demo and the control API see of the desk.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::super::C4c;
use super::super::schema::Node;
use super::super::stamps;
use super::super::value::Value;
use super::{Object, derived};

/// A social media user profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileView {
    /// Its key.
    pub object_id: String,
    /// Its key with dashes.
    pub uuid: String,
    /// Its number.
    pub id: String,
    /// The account on the channel: the OpenID.
    pub account: String,
    /// The channel's code.
    pub channel: String,
    /// The name on the channel.
    pub name: String,
    /// The number of the customer it is bound to, without zeros in front; else empty.
    pub customer: String,
}

/// A social media message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityView {
    /// Its key.
    pub object_id: String,
    /// Its key with dashes.
    pub uuid: String,
    /// Its number, which the mashup calls `sma_id`.
    pub id: String,
    /// `SocialMediaMessageID`: the client's own; empty for an agent's answer.
    pub message_id: String,
    /// Whether the follower wrote it; else an agent did.
    pub inbound: bool,
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When it was written, as the client says.
    #[serde(serialize_with = "stamps::as_text")]
    pub written_at: Timestamp,
    /// The dashed key of the conversation's first message; its own if it is that.
    pub root_uuid: String,
    /// Its files, oldest first.
    pub files: Vec<FileView>,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TicketView {
    /// Its key.
    pub object_id: String,
    /// Its number.
    pub id: String,
    /// What it is about.
    pub name: String,
    /// The number of the customer.
    pub buyer: String,
    /// The employee who works on it, by `ProcessorPartyID`.
    pub processor: String,
    /// `ServiceRequestLifeCycleStatusCode`: 1 Open, 2 In Process, 3 Completed.
    pub status: String,
    /// The number of the message it was made of; empty for one that was created otherwise.
    pub activity: String,
    /// Its notes, oldest first.
    pub notes: Vec<NoteView>,
    /// Its files, oldest first.
    pub files: Vec<FileView>,
}

/// A note of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteView {
    /// Its key.
    pub object_id: String,
    /// What kind of note it is: 10008 is a reply from the customer.
    pub type_code: String,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// When it was saved.
    #[serde(serialize_with = "stamps::as_text")]
    pub created_on: Timestamp,
}

/// A file.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct FileView {
    /// Its key.
    pub object_id: String,
    /// Its name.
    pub name: String,
    /// Its MIME type.
    pub mime_type: String,
    /// What is in it; base64 in JSON.
    #[serde(serialize_with = "base64")]
    pub bytes: Arc<[u8]>,
}

impl std::fmt::Debug for FileView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileView")
            .field("name", &self.name)
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

fn base64<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&STANDARD.encode(bytes))
}

impl C4c {
    /// The profiles of a follower: more than one is a duplicate somebody made.
    pub fn profiles_of(&self, openid: &str) -> Vec<ProfileView> {
        let profiles = self.profiles_having(openid).into_iter();
        profiles
            .map(|(user, profile)| profile_view(user, profile))
            .collect()
    }

    /// The messages of a follower and the answers to them, in the order of their creation.
    pub fn activities_of(&self, openid: &str) -> Vec<ActivityView> {
        let activities = self.activities_having(openid).into_iter();
        activities
            .map(|activity| self.activity_view(activity))
            .collect()
    }

    /// The tickets of a follower, oldest first: those of their conversations, and those of their
    /// customers.
    pub fn tickets_of(&self, openid: &str) -> Vec<TicketView> {
        let buyers: BTreeSet<&str> = self
            .find_by_wechat_id(openid)
            .iter()
            .map(|customer| customer.customer_id())
            .collect();
        let activities = self.activities_having(openid).into_iter();
        let tickets = activities.filter_map(|activity| self.desk.ticket_of(activity));
        let of_talk: BTreeSet<&str> = tickets.map(|ticket| ticket.id.as_str()).collect();
        let theirs = |ticket: &&Object| {
            let buyer = ticket.text("BuyerPartyID").trim_start_matches('0');
            of_talk.contains(ticket.id.as_str()) || buyers.contains(buyer)
        };
        let tickets = self.desk.objects.all(Node::Ticket).filter(theirs);
        tickets.map(|ticket| self.ticket_view(ticket)).collect()
    }

    /// Every message, in the order of their creation.
    pub fn activities(&self) -> impl Iterator<Item = ActivityView> {
        let activities = self.desk.objects.all(Node::Activity);
        activities.map(|activity| self.activity_view(activity))
    }

    /// Every ticket, oldest first.
    pub fn tickets(&self) -> impl Iterator<Item = TicketView> {
        let tickets = self.desk.objects.all(Node::Ticket);
        tickets.map(|ticket| self.ticket_view(ticket))
    }

    /// The ticket with that ObjectID or number.
    pub fn ticket(&self, id: &str) -> Option<TicketView> {
        let ticket = self.desk.find(Node::Ticket, id)?;
        Some(self.ticket_view(ticket))
    }

    /// The message with that ObjectID or number.
    pub fn activity(&self, id: &str) -> Option<ActivityView> {
        let activity = self.desk.find(Node::Activity, id)?;
        Some(self.activity_view(activity))
    }

    fn profiles_having(&self, openid: &str) -> Vec<(&Object, &Object)> {
        let objects = &self.desk.objects;
        let account = "SocialMediaUserAccountID";
        let users = objects
            .having(Node::ProfileUser, account, openid)
            .into_iter();
        let pairs = users.filter_map(|user| {
            let profile = objects.get(Node::Profile, user.parent.as_ref()?)?;
            Some((user, profile))
        });
        pairs.collect()
    }

    fn activities_having(&self, openid: &str) -> Vec<&Object> {
        let profiles = self.profiles_having(openid).into_iter();
        let profiles: BTreeSet<String> = profiles.map(|(_, profile)| profile.uuid()).collect();
        let theirs =
            |activity: &&Object| profiles.contains(activity.text("SocialMediaUserProfileUUID"));
        self.desk
            .objects
            .all(Node::Activity)
            .filter(theirs)
            .collect()
    }

    fn activity_view(&self, activity: &Object) -> ActivityView {
        let text = |field: &str| activity.text(field).to_owned();
        let written_at = match activity.field("SocialMediaMessageCreationDateTime") {
            Some(Value::Instant(at)) => *at,
            _ => activity.changed_on,
        };
        ActivityView {
            object_id: activity.id.clone(),
            uuid: activity.uuid(),
            id: text("ID"),
            message_id: text("SocialMediaMessageID"),
            inbound: activity.text("InitiatorCode") == "2",
            author: text("SocialMediaMessageAuthor"),
            text: text("Text"),
            written_at,
            root_uuid: text("RootSocialMediaActivityUUID"),
            files: self.files(activity, Node::ActivityFile),
        }
    }

    fn ticket_view(&self, ticket: &Object) -> TicketView {
        let text = |field: &str| ticket.text(field).to_owned();
        let activity = self.desk.first_message(ticket);
        let notes = self.desk.objects.children(&ticket.id, Node::TicketText);
        TicketView {
            object_id: ticket.id.clone(),
            id: text("ID"),
            name: text("Name"),
            buyer: text("BuyerPartyID"),
            processor: text("ProcessorPartyID"),
            status: text(derived::STATUS),
            activity: activity.map_or_else(String::new, |a| a.text("ID").to_owned()),
            notes: notes.into_iter().map(note_view).collect(),
            files: self.files(ticket, Node::TicketFile),
        }
    }

    fn files(&self, parent: &Object, node: Node) -> Vec<FileView> {
        let files = self.desk.objects.children(&parent.id, node).into_iter();
        files.map(file_view).collect()
    }
}

fn profile_view(user: &Object, profile: &Object) -> ProfileView {
    let number = profile.text("AccountInternalID").trim_start_matches('0');
    ProfileView {
        object_id: profile.id.clone(),
        uuid: profile.uuid(),
        id: profile.text("ID").to_owned(),
        account: user.text("SocialMediaUserAccountID").to_owned(),
        channel: user.text("SocialMediaChannelCode").to_owned(),
        name: user.text("SocialMediaUserName").to_owned(),
        customer: number.to_owned(),
    }
}

fn note_view(note: &Object) -> NoteView {
    let created_on = match note.field("CreatedOn") {
        Some(Value::Instant(at)) => *at,
        _ => note.changed_on,
    };
    NoteView {
        object_id: note.id.clone(),
        type_code: note.text("TypeCode").to_owned(),
        text: note.text("Text").to_owned(),
        author: note.text("AuthorName").to_owned(),
        created_on,
    }
}

fn file_view(file: &Object) -> FileView {
    let bytes = match file.field("Binary") {
        Some(Value::Bytes(bytes)) => Arc::clone(bytes),
        _ => Arc::default(),
    };
    FileView {
        object_id: file.id.clone(),
        name: file.text("Name").to_owned(),
        mime_type: file.text("MimeType").to_owned(),
        bytes,
    }
}
