//! Rows of conversations, of what C4C knows of them, and of media.

use jiff::Timestamp;

use crate::domain::rows::{
    ConversationChange, EndReason, MediaChange, NewActivity, NewProfile, SeatEvent,
};
use crate::store::codec::micros;
use crate::store::given::row;

use super::MessageInsert;

#[derive(Clone)]
pub(in crate::store) struct OpenedRow {
    pub account: String,
    pub openid: String,
    pub message_id: i64,
    pub at: i64,
    pub previous_id: Option<i64>,
}
row!(OpenedRow: account, openid, message_id, at, previous_id);

pub(in crate::store) struct GoesOnRow {
    pub id: i64,
    pub message_id: Option<i64>,
    pub at: i64,
}
row!(GoesOnRow: id, message_id, at);

pub(in crate::store) struct EndedRow {
    pub id: i64,
    pub reason: &'static str,
    pub at: i64,
}
row!(EndedRow: id, reason, at);

pub(in crate::store) struct InC4cRow {
    pub id: i64,
    pub root_object_id: Option<String>,
    pub ticket_object_id: Option<String>,
    pub ticket_id: Option<String>,
}
row!(InC4cRow: id, root_object_id, ticket_object_id, ticket_id);

/// The changes of a batch by the statement that writes them.
#[derive(Default)]
pub(in crate::store) struct ConversationRows {
    pub opened: Vec<OpenedRow>,
    pub goes_on: Vec<GoesOnRow>,
    pub ended: Vec<EndedRow>,
    pub in_c4c: Vec<InC4cRow>,
}

impl ConversationRows {
    pub(in crate::store) fn push(&mut self, change: &ConversationChange) {
        match change {
            ConversationChange::Opened {
                follower,
                message_id,
                at,
                previous_id,
            } => self.opened.push(OpenedRow {
                account: follower.account.as_str().to_owned(),
                openid: follower.openid.as_str().to_owned(),
                message_id: *message_id,
                at: micros(*at),
                previous_id: *previous_id,
            }),
            ConversationChange::GoesOn { id, message_id, at } => self.goes_on.push(GoesOnRow {
                id: *id,
                message_id: *message_id,
                at: micros(*at),
            }),
            ConversationChange::Ended { id, reason, at } => self.ended.push(EndedRow {
                id: *id,
                reason: EndReason::as_str(*reason),
                at: micros(*at),
            }),
            ConversationChange::InC4c {
                id,
                root_object_id,
                ticket,
            } => self.in_c4c.push(InC4cRow {
                id: *id,
                root_object_id: root_object_id.as_ref().map(|id| id.as_str().to_owned()),
                ticket_object_id: ticket.as_ref().map(|(id, _)| id.as_str().to_owned()),
                ticket_id: ticket.as_ref().map(|(_, number)| number.clone()),
            }),
        }
    }
}

pub(in crate::store) struct SeatEventInsert {
    pub account: String,
    pub openid: String,
    pub kind: &'static str,
    pub detail: String,
    pub at: i64,
    pub inbox_id: Option<i64>,
}
row!(SeatEventInsert: account, openid, kind, detail, at, inbox_id);

impl SeatEventInsert {
    pub(in crate::store) fn new(event: &SeatEvent, inbox_id: Option<i64>) -> Self {
        Self {
            account: event.follower.account.as_str().to_owned(),
            openid: event.follower.openid.as_str().to_owned(),
            kind: event.kind,
            detail: event.detail.clone(),
            at: micros(event.at),
            inbox_id,
        }
    }
}

pub(in crate::store) struct ProfileUpsert {
    pub account: String,
    pub openid: String,
    pub object_id: String,
    pub made_at: i64,
}
row!(ProfileUpsert: account, openid, object_id, made_at);

impl ProfileUpsert {
    pub(in crate::store) fn new(profile: &NewProfile, now: Timestamp) -> Self {
        Self {
            account: profile.follower.account.as_str().to_owned(),
            openid: profile.follower.openid.as_str().to_owned(),
            object_id: profile.object_id.as_str().to_owned(),
            made_at: micros(now),
        }
    }
}

pub(in crate::store) struct ActivityInsert {
    pub tenant: String,
    pub kind: &'static str,
    pub object_id: Option<String>,
    pub number: Option<String>,
    pub direction: &'static str,
    pub message_id: Option<i64>,
    pub recorded_at: i64,
}
row!(ActivityInsert: tenant, kind, object_id, number, direction, message_id, recorded_at);

impl ActivityInsert {
    /// `written`: the messages that are written with it.
    pub(in crate::store) fn new(
        activity: &NewActivity,
        written: &[MessageInsert],
        now: Timestamp,
    ) -> Self {
        let message = activity.message.map(|index| written[index].id);
        Self {
            tenant: activity.tenant.as_str().to_owned(),
            kind: activity.kind,
            object_id: activity.object_id.as_ref().map(|id| id.as_str().to_owned()),
            number: activity.number.clone(),
            direction: activity.direction,
            message_id: message.or(activity.message_id),
            recorded_at: micros(now),
        }
    }
}

pub(in crate::store) struct MediaWanted {
    pub message_id: i64,
    pub kind: String,
    pub media_id: String,
}
row!(MediaWanted: message_id, kind, media_id);

pub(in crate::store) struct MediaInsert {
    pub message_id: i64,
    pub kind: &'static str,
    pub object_id: String,
    pub state: &'static str,
    pub sha256: Option<String>,
    pub bytes: Option<i64>,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub reason: Option<String>,
    pub settled_at: i64,
}
row!(MediaInsert: message_id, kind, object_id, state, sha256, bytes, mime, name, reason, settled_at);

pub(in crate::store) struct MediaSettled {
    pub id: i64,
    pub state: &'static str,
    pub sha256: Option<String>,
    pub bytes: Option<i64>,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub reason: Option<String>,
    pub settled_at: i64,
}
row!(MediaSettled: id, state, sha256, bytes, mime, name, reason, settled_at);

/// The changes of a batch by the statement that writes them.
#[derive(Default)]
pub(in crate::store) struct MediaRows {
    pub wanted: Vec<MediaWanted>,
    pub attached: Vec<MediaInsert>,
    pub settled: Vec<MediaSettled>,
}

impl MediaRows {
    /// `written`: the messages that are written with it.
    pub(in crate::store) fn push(
        &mut self,
        change: &MediaChange,
        written: &[MessageInsert],
        now: Timestamp,
    ) {
        match change {
            MediaChange::Wanted {
                message_id,
                kind,
                media_id,
            } => self.wanted.push(MediaWanted {
                message_id: *message_id,
                kind: kind.clone(),
                media_id: media_id.clone(),
            }),
            MediaChange::Attached {
                message,
                kind,
                object_id,
                content,
            } => {
                let stored = content.as_ref().ok();
                self.attached.push(MediaInsert {
                    message_id: written[*message].id,
                    kind,
                    object_id: object_id.as_str().to_owned(),
                    state: if stored.is_some() {
                        "stored"
                    } else {
                        "missing"
                    },
                    sha256: stored.map(|content| content.sha256.clone()),
                    bytes: stored.map(|content| length(content.bytes)),
                    mime: stored.map(|content| content.mime.clone()),
                    name: stored.map(|content| content.name.clone()),
                    reason: content.as_ref().err().cloned(),
                    settled_at: micros(now),
                });
            }
            MediaChange::Stored { id, content } => self.settled.push(MediaSettled {
                id: *id,
                state: "stored",
                sha256: Some(content.sha256.clone()),
                bytes: Some(length(content.bytes)),
                mime: Some(content.mime.clone()),
                name: Some(content.name.clone()),
                reason: None,
                settled_at: micros(now),
            }),
            MediaChange::Missing { id, reason } => self.settled.push(MediaSettled {
                id: *id,
                state: "missing",
                sha256: None,
                bytes: None,
                mime: None,
                name: None,
                reason: Some(reason.clone()),
                settled_at: micros(now),
            }),
        }
    }
}

fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
