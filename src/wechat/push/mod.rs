//! What a push says, as typed values (wechat.md 2.2–2.4).
//!
//! [`message`] and [`event`] hold the kinds; [`facts`] answers what flows ask of any push. Unknown
//! kinds are read too, as `Other`: whoever keeps the XML has everything.

use std::fmt;

use jiff::Timestamp;
use sha1::{Digest, Sha1};

use crate::domain::ids::OpenId;
use crate::kit::hex::hex;

use super::receive::Refusal;
use super::xml::{self, Element};

pub mod event;
mod event_xml;
pub mod facts;
pub mod message;

pub use event::Event;
pub use facts::FollowAction;
pub use message::MessageBody;

/// Longest name of a kind that is kept; the longest known has 31 characters.
const MAX_KIND_CHARS: usize = 64;

/// One push.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// `ToUserName`: the account's original id, `gh_…`. The sender of a passive reply.
    pub to: String,
    /// `FromUserName`. A follower, except for events that the platform itself sends: whom those
    /// are about tells [`Push::follower`].
    pub from: OpenId,
    /// `CreateTime`, whole seconds.
    pub created: Timestamp,
    /// What it says.
    pub kind: PushKind,
    /// See [`Push::kind_word`].
    kind_word: String,
    /// See [`Push::dedupe_key`].
    dedupe_key: String,
}

/// A message or an event.
#[derive(Clone, PartialEq, Eq)]
pub enum PushKind {
    /// Something a follower said.
    Message {
        /// `MsgId`; every documented message has one. Kept in SQL as its decimal text.
        msg_id: Option<i64>,
        /// The article it was said under, if any.
        article: Option<Article>,
        /// What was said.
        body: MessageBody,
    },
    /// Something that happened.
    Event(Event),
}

/// The article under which a message was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// `MsgDataId`
    pub data_id: String,
    /// `Idx`: which article of the data, from 1.
    pub index: i64,
}

impl fmt::Debug for Push {
    /// Kind and masked sender; never what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Push({} from {})", self.kind_word, self.from)
    }
}

impl Push {
    /// Reads decrypted XML, as [`super::receive::Received::xml`] keeps it.
    pub fn parse(xml: &str) -> Result<Self, Refusal> {
        Self::read(&xml::parse(xml)?)
    }

    /// Reads a parsed push. Only the envelope is mandatory: a kind's own fields may be missing,
    /// because a push that is refused is lost and shows the follower a fault.
    pub(super) fn read(root: &Element<'_>) -> Result<Self, Refusal> {
        let field = |name| root.word(name).ok_or(Refusal::Field(name));
        let from = OpenId::new(field("FromUserName")?);
        let created = root
            .number("CreateTime")
            .filter(|seconds| *seconds >= 0)
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or(Refusal::Field("CreateTime"))?;
        let msg_type = field("MsgType")?.to_ascii_lowercase();
        let (kind, kind_word) = if msg_type == "event" {
            let name = short(&field("Event")?.to_ascii_lowercase());
            let event = Event::read(&name, root);
            (PushKind::Event(event), format!("event:{name}"))
        } else {
            let name = short(&msg_type);
            (read_message(&name, root), name)
        };
        let dedupe_key = match &kind {
            PushKind::Message {
                msg_id: Some(id), ..
            } => format!("m:{id:020}"),
            _ => format!("e:{:020}:{}", created.as_second(), digest(root)),
        };
        Ok(Self {
            to: root.word("ToUserName").unwrap_or_default().to_owned(),
            from,
            created,
            kind,
            kind_word,
            dedupe_key,
        })
    }
}

fn read_message(name: &str, root: &Element<'_>) -> PushKind {
    PushKind::Message {
        msg_id: root.number("MsgId").filter(|id| *id >= 0),
        article: root.word("MsgDataId").map(|data_id| Article {
            data_id: data_id.to_owned(),
            index: root.number("Idx").unwrap_or(1),
        }),
        body: MessageBody::read(name, root),
    }
}

/// Without control characters: a kind stands in logs and on terminals.
fn short(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_control())
        .take(MAX_KIND_CHARS)
        .collect()
}

/// 16 bytes of SHA-1, in hex, over all fields in sorted order but `Encrypt`, which differs in
/// every copy of the same push.
fn digest(root: &Element<'_>) -> String {
    let mut hash = Sha1::new();
    absorb(&mut hash, root);
    hex(&hash.finalize()[..16])
}

/// Names, texts and numbers of children go in with their lengths, so that no two trees feed the
/// hash the same bytes. Children of one name keep their order. Depth is bounded by [`xml`].
fn absorb(hash: &mut Sha1, element: &Element<'_>) {
    let mut children: Vec<_> = element
        .children
        .iter()
        .filter(|child| child.name != "Encrypt")
        .collect();
    children.sort_by(|a, b| a.name.cmp(&b.name));
    for part in [element.name.as_str(), element.text.trim()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.update(children.len().to_be_bytes());
    for child in children {
        absorb(hash, child);
    }
}

#[cfg(test)]
mod tests;
