//! An agent's answer on its way to the follower, and what the ticket is told of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::files;
use super::names::{REPLY_ROUTE, TICKET_NOTE, WECHAT_TYPING};
use super::sending::{self, REPLY, ToSay};
use crate::c4c::reply::Reply;
use crate::config::Account;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{
    Changes, ConversationChange, Follower, NewActivity, NewEffect, Priority, names,
};
use crate::store::Talk;
use crate::wechat::split::MAX_SEND_BYTES;
use crate::wechat::window::MAX_SENDS;

/// The longest answer, in bytes: what five messages of one window carry. An agent is told at once that
/// a longer one cannot be delivered, instead of having it cut.
pub const MAX_BYTES: usize = MAX_SEND_BYTES * MAX_SENDS as usize;

/// Most answers are there within it, and nobody sees typing behind an answer.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// What is said to the follower, and what is remembered of it. Its files follow it.
pub fn arrived(
    account: &Account,
    follower: &Follower,
    talk: Option<&Talk>,
    reply: &Reply,
    now: Timestamp,
) -> Changes {
    let say = ToSay {
        follower,
        purpose: REPLY,
        text: &reply.text,
        values: BTreeMap::from([("name".to_owned(), reply.author_name.clone())]),
        inbox_id: None,
    };
    let mut changes = sending::queue(&say, now);
    changes.activities.push(NewActivity {
        tenant: account.tenant.clone(),
        kind: "activity",
        object_id: None,
        number: Some(reply.sma_id.clone()),
        direction: "out",
        message_id: None,
        message: Some(0),
    });
    changes
        .conversations
        .extend(talk.map(|talk| ConversationChange::GoesOn {
            id: talk.id,
            message_id: None,
            at: now,
        }));
    let effects = &mut changes.effects;
    effects.extend(files::look(account, follower, &reply.sma_id, now));
    if account.conversation.typing && talk.is_some_and(|talk| talk.open) {
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
}

/// Tells the ticket, if the conversation has one and the account wants it.
pub fn told(
    account: &Account,
    talk: &Talk,
    message_id: i64,
    delivery: Delivery,
) -> Option<NewEffect> {
    let type_code = account.conversation.delivery_notes.clone()?;
    let tenant = &account.tenant;
    let (ticket, _) = talk.ticket.as_ref()?;
    let what = match delivery {
        Delivery::Delivered => "was delivered to the follower in WeChat",
        Delivery::Held => {
            "waits: WeChat allows no message until the follower writes again; then it goes first"
        }
        Delivery::Refused => {
            "was not delivered: WeChat allows no message until the follower writes"
        }
    };
    let note = TicketNote {
        tenant: tenant.clone(),
        ticket: ticket.clone(),
        type_code,
        text: format!("Answer {message_id} {what}."),
    };
    Some(NewEffect::new(
        names::object_lane(tenant, ticket),
        TICKET_NOTE,
        names::c4c(tenant),
        &note,
    ))
}
