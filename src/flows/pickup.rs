//! Answers that C4C does not post to us: read on tickets and activities of which it notified us, or
//! looked for from time to time.
//!
//! Pure: what is queued, and which notes and activities may be answers at all.

use jiff::fmt::serde::timestamp::microsecond;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::names::{ACTIVITY_REREAD, ANSWERS_SWEEP, TICKET_REREAD};
use super::refresh::Reread;
use super::reply::{Answer, is_told};
use super::sending::WORTH_SAYING;
use crate::c4c::{Activity, Note, Ticket};
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{ConversationChange, EndReason, NewEffect, Priority, names};
use crate::store::Conversation;

/// A ticket may have changed. One reading that has not started is enough.
pub fn ticket(tenant: &TenantId, object_id: &ObjectId, priority: Priority) -> NewEffect {
    NewEffect {
        priority,
        merge: true,
        ..NewEffect::new(
            names::object_lane(tenant, object_id),
            TICKET_REREAD,
            names::c4c(tenant),
            &of(tenant, object_id),
        )
    }
}

/// An activity may be an agent's answer.
pub fn activity(tenant: &TenantId, object_id: &ObjectId) -> NewEffect {
    NewEffect {
        priority: Priority::Live,
        ..NewEffect::new(
            names::answers_lane(tenant),
            ACTIVITY_REREAD,
            names::c4c(tenant),
            &of(tenant, object_id),
        )
    }
}

/// The same beside the others: one that C4C cannot give must not keep the answers behind it.
pub fn activity_alone(tenant: &TenantId, object_id: &ObjectId) -> NewEffect {
    NewEffect {
        lane: names::object_lane(tenant, object_id).into(),
        ..activity(tenant, object_id)
    }
}

fn of(tenant: &TenantId, object_id: &ObjectId) -> Reread {
    Reread {
        tenant: tenant.clone(),
        object_id: object_id.clone(),
    }
}

/// The payload of `answers.sweep`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswersSweep {
    /// Which tenant.
    pub tenant: TenantId,
    /// What changed since.
    #[serde(with = "microsecond::required")]
    pub since: Timestamp,
}

/// Looks through what agents did since. One that waits is enough: its own `since` is older.
pub fn sweep(tenant: &TenantId, since: Timestamp) -> NewEffect {
    let sweep = AnswersSweep {
        tenant: tenant.clone(),
        since,
    };
    NewEffect {
        priority: Priority::Bulk,
        merge: true,
        ..NewEffect::new(
            names::polling_lane(tenant),
            ANSWERS_SWEEP,
            names::c4c(tenant),
            &sweep,
        )
    }
}

/// The answer that a note is, if it is one: of that type, not Qiao's own, and not of long ago.
pub fn in_note<'a>(note: &'a Note, type_code: &str, now: Timestamp) -> Option<Answer<'a>> {
    let is_answer = note.type_code == type_code && !is_told(&note.text);
    let answer = Answer::from(note);
    (is_answer && is_worth_saying(&answer, now)).then_some(answer)
}

/// The answer that an activity is, if it is one.
pub fn in_activity(activity: &Activity, now: Timestamp) -> Option<Answer<'_>> {
    let answer = Answer::from(activity);
    (activity.is_outbound && is_worth_saying(&answer, now)).then_some(answer)
}

/// Whether it has words, and is so new that its follower may wait for it: a tenant has answers of years,
/// and one of them may be changed today.
fn is_worth_saying(answer: &Answer<'_>, now: Timestamp) -> bool {
    let age = |at| now.duration_since(at);
    let is_new = answer.written_at.is_none_or(|at| age(at) < WORTH_SAYING);
    is_new && !answer.text.trim().is_empty()
}

/// The end of a conversation whose ticket an agent has completed.
pub fn completed(
    ticket: &Ticket,
    conversation: &Conversation,
    now: Timestamp,
) -> Option<ConversationChange> {
    (ticket.is_completed && conversation.open).then_some(ConversationChange::Ended {
        id: conversation.id,
        reason: EndReason::Agent,
        at: now,
    })
}

/// How long the time is that two sweeps have in common: C4C's stamps and our clock may differ, and what
/// was saved may be seen a moment later.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
