//! What an agent does at the screen: answers, notes, files, closing a ticket.

use jiff::Timestamp;

use super::super::C4c;
use super::super::driver::AGENT;
use super::super::saved::{Event, Saved};
use super::super::schema::Node;
use super::super::value::Value;
use super::replies::Content;
use super::ticketing::ACTIVITY_REFERENCE;
use super::{Desk, Object, Occasion, derived, saved};

/// A file that an agent attaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name with the ending.
    pub name: String,
    /// Its MIME type.
    pub mime_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// An agent's answer.
#[derive(Clone, Default)]
pub struct Answer {
    /// What the follower is to read.
    pub text: String,
    /// The agent's name.
    pub author_name: String,
    /// The agent's address; often empty.
    pub author_email: String,
    /// Whether the channel calls the answer private.
    pub private: bool,
    /// Files, attached before the answer leaves: the mashup does not carry them.
    pub files: Vec<File>,
}

impl Answer {
    /// Text only, and public.
    pub fn new(text: &str, author_name: &str) -> Self {
        Self {
            text: text.to_owned(),
            author_name: author_name.to_owned(),
            ..Self::default()
        }
    }

    /// With one more file.
    #[must_use]
    pub fn with_file(mut self, file: File) -> Self {
        self.files.push(file);
        self
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Answer");
        shown
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl C4c {
    /// An agent answers a ticket, or one message: `to` is its ObjectID or its number. The answer
    /// becomes an outbound message, and leaves through the mashup if there is one. Gives its number,
    /// the `sma_id`; `None` when there is no such conversation.
    pub fn answer(&mut self, to: &str, answer: &Answer, now: Timestamp) -> Option<String> {
        let answered = self.desk.answered(to)?.clone();
        let fields = answer_fields(&answered, answer);
        let key = self.at_desk(now, |desk, occasion| {
            let key = desk.store(Node::Activity, fields, None, occasion);
            for file in &answer.files {
                desk.store(Node::ActivityFile, file_fields(file), Some(&key), occasion);
            }
            let told = saved(Node::Activity, &key, Event::Created, Vec::new(), occasion);
            (key, told)
        });
        let sent = self.desk.objects.get(Node::Activity, &key)?;
        let ticket = self.desk.ticket_of(sent);
        let (original, sma_id) = (answered.text("SocialMediaMessageID"), sent.text("ID"));
        let named = self.replies.settings.original_id;
        let content = Content {
            original_id: if named { original } else { "" },
            sma_id,
            service_req_no: ticket.map_or("", |ticket| ticket.text("ID")),
            author_name: &answer.author_name,
            author_email: &answer.author_email,
            sma_create_datetime: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            private_ind: if answer.private { "TRUE" } else { "FALSE" },
            text: &answer.text,
        };
        self.replies.plan(&content, now);
        Some(sma_id.to_owned())
    }

    /// An agent writes a note on a ticket, named by its ObjectID or its number. Gives the note's
    /// ObjectID; `None` when there is no such ticket.
    pub fn note(
        &mut self,
        ticket: &str,
        type_code: &str,
        text: &str,
        now: Timestamp,
    ) -> Option<String> {
        let ticket = self.desk.find(Node::Ticket, ticket)?.id.clone();
        let fields = [("TypeCode", type_code), ("Text", text)];
        let fields = fields.map(|(name, value)| (name.to_owned(), Value::text(value)));
        Some(self.below(Node::TicketText, fields.into(), &ticket, now))
    }

    /// An agent attaches a file to a ticket or a message, named by its ObjectID or its number.
    /// Gives the attachment's ObjectID; `None` when there is no such object.
    pub fn attach(&mut self, to: &str, file: &File, now: Timestamp) -> Option<String> {
        let ticket = self.desk.find(Node::Ticket, to);
        let (node, parent) = match ticket {
            Some(ticket) => (Node::TicketFile, ticket),
            None => (Node::ActivityFile, self.desk.find(Node::Activity, to)?),
        };
        let parent = parent.id.clone();
        Some(self.below(node, file_fields(file), &parent, now))
    }

    /// An agent completes a ticket. False when there is none, or it is completed.
    pub fn close_ticket(&mut self, ticket: &str, now: Timestamp) -> bool {
        let Some(ticket) = self.desk.find(Node::Ticket, ticket) else {
            return false;
        };
        let key = ticket.id.clone();
        let completed = Value::text(derived::COMPLETED);
        let fields = vec![(derived::USER_STATUS.to_owned(), completed)];
        self.at_desk(now, |desk, occasion| {
            let told = desk.change(Node::Ticket, &key, fields, occasion);
            let told = told.ok().flatten();
            (told.is_some(), told)
        })
    }

    fn below(
        &mut self,
        node: Node,
        fields: Vec<(String, Value)>,
        parent: &str,
        now: Timestamp,
    ) -> String {
        self.at_desk(now, |desk, occasion| {
            let key = desk.store(node, fields, Some(parent), occasion);
            (key, desk.touch(parent, occasion))
        })
    }

    /// Lets the agent work, then tells the subscribers.
    fn at_desk<R>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Desk, &Occasion) -> (R, Option<Saved>),
    ) -> R {
        let (desk, occasion) = self.desk(AGENT, now);
        let (result, told) = work(desk, &occasion);
        self.tell(told, now);
        result
    }
}

impl Desk {
    /// A root by its ObjectID or its number.
    pub(super) fn find(&self, node: Node, id: &str) -> Option<&Object> {
        let by_key = self.objects.get(node, id);
        by_key.or_else(|| self.objects.having(node, "ID", id).first().copied())
    }

    /// The message that an answer to a ticket or to a message answers: for a ticket the follower's
    /// last one.
    fn answered(&self, to: &str) -> Option<&Object> {
        let Some(ticket) = self.find(Node::Ticket, to) else {
            return self.find(Node::Activity, to);
        };
        let root = self.first_message(ticket)?;
        let thread = "RootSocialMediaActivityUUID";
        let thread = self.objects.having(Node::Activity, thread, &root.uuid());
        let inbound = |message: &&Object| message.text("InitiatorCode") == "2";
        thread.into_iter().rfind(inbound)
    }

    /// The message that a ticket was made of.
    pub(super) fn first_message(&self, ticket: &Object) -> Option<&Object> {
        let references = self.objects.children(&ticket.id, Node::TicketReference);
        let mut references = references.into_iter();
        let reference = references.find(|r| r.text("TypeCode") == ACTIVITY_REFERENCE)?;
        self.find(Node::Activity, reference.text("ID"))
    }

    /// The ticket of a message's conversation.
    pub(super) fn ticket_of(&self, activity: &Object) -> Option<&Object> {
        let root = activity.text("RootSocialMediaActivityUUID");
        let root = self.objects.by_uuid(Node::Activity, root)?;
        let references = self
            .objects
            .having(Node::TicketReference, "ID", root.text("ID"));
        let mut references = references.into_iter();
        let reference = references.find(|r| r.text("TypeCode") == ACTIVITY_REFERENCE)?;
        self.objects.get(Node::Ticket, reference.parent.as_ref()?)
    }
}

/// The outbound message: in the conversation and on the channel of the one it answers.
fn answer_fields(answered: &Object, answer: &Answer) -> Vec<(String, Value)> {
    let same = [
        "SocialMediaActivityProviderID",
        "SocialMediaChannelCode",
        "SocialMediaUserProfileUUID",
    ];
    let same = same.map(|name| (name, answered.text(name).to_owned()));
    let own = [
        ("CategoryCode", "003".to_owned()),
        ("InitiatorCode", "1".to_owned()),
        ("ParentSocialMediaActivityUUID", answered.uuid()),
        ("SocialMediaMessageAuthor", answer.author_name.clone()),
        ("Text", answer.text.clone()),
    ];
    let texts = same.into_iter().chain(own);
    let mut fields: Vec<_> = texts
        .map(|(name, text)| (name.to_owned(), Value::Text(text)))
        .collect();
    let private = "PrivateSocialMediaMessageIndicator".to_owned();
    fields.push((private, Value::Flag(answer.private)));
    fields
}

fn file_fields(file: &File) -> Vec<(String, Value)> {
    let text = |name: &str, value: &str| (name.to_owned(), Value::text(value));
    vec![
        text("Name", &file.name),
        text("MimeType", &file.mime_type),
        text("TypeCode", "10001"),
        (
            "Binary".to_owned(),
            Value::Bytes(file.bytes.as_slice().into()),
        ),
    ]
}
