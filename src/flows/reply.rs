//! An agent's answer on its way to the follower, and what the ticket is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::files;
use super::names::{REPLY_ROUTE, TICKET_NOTE, WECHAT_TYPING};
use super::sending::{self, REPLY, ToSay};
use crate::c4c::{Activity, Note, Reply};
use crate::config::Account;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{
    Changes, ConversationChange, Follower, MappingState, NewActivity, NewEffect, Priority, names,
};
use crate::store::Conversation;
use crate::wechat::split::{MAX_SEND_BYTES, split_text};
use crate::wechat::window::MAX_SENDS;

/// Most answers are there within it, and nobody sees typing behind an answer.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// An agent's answer, wherever it was found.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// What it says.
    pub text: &'a str,
    /// Who says it; may be empty.
    pub author: &'a str,
    /// `activity` or `note`: what it is in C4C.
    pub kind: &'static str,
    /// Its key there; the reply form does not tell it.
    pub object_id: Option<&'a ObjectId>,
    /// An activity's ID. One of both is there.
    pub number: Option<&'a str>,
    /// When it was written, as far as known.
    pub written_at: Option<Timestamp>,
}

impl<'a> From<&'a Reply> for Answer<'a> {
    fn from(reply: &'a Reply) -> Self {
        Self {
            text: &reply.text,
            author: &reply.author_name,
            kind: "activity",
            object_id: None,
            number: Some(&reply.sma_id),
            written_at: reply.created_at,
        }
    }
}

impl<'a> From<&'a Activity> for Answer<'a> {
    fn from(activity: &'a Activity) -> Self {
        Self {
            text: &activity.text,
            author: &activity.author,
            kind: "activity",
            object_id: Some(&activity.object_id),
            number: Some(&activity.id),
            written_at: activity.created_at,
        }
    }
}

impl<'a> From<&'a Note> for Answer<'a> {
    fn from(note: &'a Note) -> Self {
        Self {
            text: &note.text,
            author: &note.author,
            kind: "note",
            object_id: Some(&note.object_id),
            number: None,
            written_at: note.created_at,
        }
    }
}

impl Answer<'_> {
    /// What it is known by, in whatever way it reaches us: its number, else its key.
    pub fn key(&self) -> &str {
        let object_id = self.object_id.map(ObjectId::as_str);
        self.number.or(object_id).unwrap_or_default()
    }

    /// The key by which its copies are told in `dedupe`.
    pub fn dedupe_key(&self) -> Arc<str> {
        format!("r:{}", self.key()).into()
    }

    /// That it is known. `message`: index of the message that carries it, when there is one.
    pub fn known(&self, tenant: &TenantId, message: Option<usize>) -> NewActivity {
        NewActivity {
            tenant: tenant.clone(),
            kind: self.kind,
            object_id: self.object_id.cloned(),
            number: self.number.map(str::to_owned),
            direction: "out",
            message_id: None,
            message,
        }
    }

    /// Why it cannot reach that follower, whatever happens.
    pub fn hopeless(&self, follower: MappingState) -> Option<Hopeless> {
        // Pieces end between characters, and where they can after a line.
        let pieces = split_text(self.text, MAX_SEND_BYTES).len();
        if pieces > MAX_SENDS as usize {
            let bytes = self.text.len();
            return Some(Hopeless::TooLong { bytes, pieces });
        }
        (follower == MappingState::Unfollowed).then_some(Hopeless::Left)
    }
}

/// Why an answer cannot reach its follower, whatever happens; for the agent to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hopeless {
    /// More pieces than one window carries.
    #[error(
        "the text has {bytes} bytes and needs {pieces} messages; WeChat lets {MAX_SENDS} of \
         {MAX_SEND_BYTES} bytes reach a follower at once, \
         a Chinese character takes 3: please shorten it"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How many messages it needs.
        pieces: usize,
    },
    /// The follower is gone.
    #[error("the follower left the account and cannot be reached any more")]
    Left,
}

/// What is said to the follower, and what is remembered of it. Its files follow it.
pub fn arrived(
    account: &Account,
    follower: &Follower,
    conversation: Option<&Conversation>,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Changes {
    let say = ToSay {
        follower,
        purpose: REPLY,
        text: answer.text,
        values: BTreeMap::from([("name".to_owned(), answer.author.to_owned())]),
        inbox_id: None,
        conversation: conversation.map(|conversation| conversation.id),
    };
    let mut changes = sending::queue(&say, now);
    changes
        .activities
        .push(answer.known(&account.tenant, Some(0)));
    changes
        .conversations
        .extend(conversation.map(|conversation| ConversationChange::GoesOn {
            id: conversation.id,
            message_id: None,
            at: now,
        }));
    let effects = &mut changes.effects;
    // A note has no activity whose files could be looked for.
    let number = answer.number.filter(|_| answer.kind == "activity");
    effects.extend(number.and_then(|number| files::look(account, follower, number, now)));
    if account.conversation.typing && conversation.is_some_and(|conversation| conversation.open) {
        effects.push(typing(follower, now));
    }
    changes
}

/// Shows that an answer is on its way, unless it has gone by then; one that waits is enough.
fn typing(follower: &Follower, now: Timestamp) -> NewEffect {
    NewEffect {
        priority: Priority::Live,
        not_before: now.saturating_add(AT_ONCE).ok(),
        merge: true,
        ..NewEffect::new(
            follower.typing_lane(),
            WECHAT_TYPING,
            names::wechat(&follower.account),
            follower,
        )
    }
}

/// The payload of `reply.route`; the answer itself stands in `inbox`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where it came from.
    pub tenant: TenantId,
}

/// Nobody here knows whom it is for: C4C is asked. Answers of one ticket keep their order.
pub fn route(tenant: &TenantId, reply: &Reply) -> NewEffect {
    let ticket = reply.ticket_number.as_deref().unwrap_or_default();
    NewEffect {
        priority: Priority::Live,
        ..NewEffect::new(
            names::ticket_lane(tenant, ticket),
            REPLY_ROUTE,
            names::c4c(tenant),
            &Route {
                tenant: tenant.clone(),
            },
        )
    }
}

/// The payload of `ticket.note`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketNote {
    /// Where.
    pub tenant: TenantId,
    /// Which ticket.
    pub ticket: ObjectId,
    /// The type of the note.
    pub type_code: String,
    /// What it is told: nothing that anybody said.
    pub text: String,
}

/// What became of an answer, as agents read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// WeChat took it.
    Delivered,
    /// It waits for the follower.
    Held,
    /// It was given up: no window was open.
    Refused,
    /// Nobody knows whether WeChat took it, and it is not sent twice.
    Unknown,
    /// WeChat does not take it.
    Failed,
    /// It was given up: its time has passed.
    Expired,
    /// It was not even tried: it is too long.
    TooLong,
    /// The follower left before it was sent.
    Left,
}

impl Delivery {
    const ALL: [Self; 8] = [
        Self::Delivered,
        Self::Held,
        Self::Refused,
        Self::Unknown,
        Self::Failed,
        Self::Expired,
        Self::TooLong,
        Self::Left,
    ];

    /// Whether it is told of each piece of a long text; everything else is told of the last one.
    pub fn is_of_a_piece(self) -> bool {
        matches!(self, Self::Unknown | Self::Failed)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Delivered => "was delivered to the follower in WeChat",
            Self::Held => {
                "waits: WeChat allows no message until the follower writes again; then it goes first"
            }
            Self::Refused => {
                "was not delivered: WeChat allows no message until the follower writes"
            }
            Self::Unknown => {
                "may not have been delivered: WeChat gave no answer, and Qiao does not send it twice"
            }
            Self::Failed => "was not delivered: WeChat refused it; whoever runs Qiao sees why",
            Self::Expired => "was given up: it could not be delivered within two days",
            Self::TooLong => "was not delivered: it is too long for WeChat; please shorten it",
            Self::Left => "was not delivered: the follower left the account",
        }
    }
}

impl From<Hopeless> for Delivery {
    fn from(hopeless: Hopeless) -> Self {
        match hopeless {
            Hopeless::TooLong { .. } => Self::TooLong,
            Hopeless::Left => Self::Left,
        }
    }
}

/// Tells the ticket, if the conversation has one and the account wants it. `which`: a word by which this
/// answer is told from others; without white space.
pub fn told(
    account: &Account,
    conversation: &Conversation,
    which: &str,
    delivery: Delivery,
) -> Option<NewEffect> {
    let type_code = account.conversation.delivery_notes.clone()?;
    let tenant = &account.tenant;
    let (ticket, _) = conversation.ticket.as_ref()?;
    let note = TicketNote {
        tenant: tenant.clone(),
        ticket: ticket.clone(),
        type_code,
        text: format!("{BEGINS}{which} {}.", delivery.words()),
    };
    Some(NewEffect::new(
        names::object_lane(tenant, ticket),
        TICKET_NOTE,
        names::c4c(tenant),
        &note,
    ))
}

/// How a note about a delivery begins.
const BEGINS: &str = "Answer ";

/// Whether a note is one that [`told`] wrote. Nobody may take it for an answer, not even when its type is
/// that of answers and its row was lost with the answer to its writing.
pub fn is_told(text: &str) -> bool {
    let Some((which, words)) = text
        .strip_prefix(BEGINS)
        .and_then(|rest| rest.split_once(' '))
    else {
        return false;
    };
    let words = words.strip_suffix('.');
    !which.is_empty() && Delivery::ALL.iter().any(|one| Some(one.words()) == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ticket_was_told_is_known_again() {
        for delivery in Delivery::ALL {
            assert!(is_told(&format!("Answer 17 {}.", delivery.words())));
        }
        for text in [
            "Answer 17 was delivered.",
            "Answer: yes.",
            "Answer ",
            "您好",
        ] {
            assert!(!is_told(text), "{text}");
        }
    }
}
