//! Rows as statements are given them: one type a table, field names = column names.

mod conversation;
mod qr;

use std::sync::Arc;

use serde::Serialize;

use super::codec::micros;
use super::given::row;
use crate::domain::rows::{Finding, MappingChange, NewGrant, NewMessage, Snapshot, WindowClosed};
use jiff::Timestamp;

pub(super) use conversation::{
    ActivityInsert, ConversationRows, MediaRows, ProfileUpsert, SeatEventInsert,
};
pub(super) use qr::{InvitationRow, QrRows, QrScanRow};

pub(super) struct InboxRow {
    pub id: i64,
    pub source: &'static str,
    pub remote: Arc<str>,
    pub kind: Arc<str>,
    pub openid: Option<Arc<str>>,
    pub object_id: Option<Arc<str>>,
    pub dedupe_key: Option<Arc<str>>,
    pub body: Option<Arc<str>>,
    pub state: &'static str,
    pub duplicate_of: Option<i64>,
    pub reason: Option<String>,
    pub answer_state: &'static str,
    pub answer: Option<String>,
    pub sent_at: Option<i64>,
    pub received_at: i64,
    pub trace: Option<Arc<str>>,
}
row!(InboxRow: id, source, remote, kind, openid, object_id, dedupe_key, body, state, duplicate_of, reason, answer_state, answer, sent_at, received_at, trace);

pub(super) struct DedupeRow {
    pub key: Arc<str>,
    pub remote: Arc<str>,
    pub sender: Arc<str>,
    pub inbox_id: i64,
    pub seen_at: i64,
}
row!(DedupeRow: key, remote, sender, inbox_id, seen_at);

pub(super) struct MessageInsert {
    pub id: i64,
    pub account: Arc<str>,
    pub openid: Arc<str>,
    pub direction: &'static str,
    pub kind: Arc<str>,
    pub purpose: Option<&'static str>,
    pub msg_id: Option<Arc<str>>,
    pub text: Option<Arc<str>>,
    pub state: &'static str,
    pub inbox_id: Option<i64>,
    pub outbox_id: Option<i64>,
    pub created_at: i64,
    pub recorded_at: i64,
    pub settled_at: Option<i64>,
}
row!(MessageInsert: id, account, openid, direction, kind, purpose, msg_id, text, state, inbox_id, outbox_id, created_at, recorded_at, settled_at);

impl MessageInsert {
    pub(super) fn new(
        message: &NewMessage,
        id: i64,
        inbox_id: Option<i64>,
        now: Timestamp,
    ) -> Self {
        use crate::domain::rows::MessageState::Answered;
        Self {
            id,
            account: message.follower.account.text(),
            openid: message.follower.openid.text(),
            direction: message.state.direction(),
            kind: message.kind.clone(),
            purpose: message.purpose,
            msg_id: message.msg_id.clone(),
            text: message.text.clone(),
            state: message.state.as_str(),
            inbox_id: message.inbox_id.or(inbox_id),
            outbox_id: None,
            created_at: micros(message.created_at),
            recorded_at: micros(now),
            settled_at: (message.state == Answered).then(|| micros(now)),
        }
    }
}

pub(super) struct OutboxInsert {
    pub id: i64,
    pub lane: Arc<str>,
    pub effect: &'static str,
    pub remote: Arc<str>,
    pub payload: Arc<str>,
    /// The first new one of its lane in this batch: head if the lane is empty.
    pub first: bool,
    pub priority: i64,
    pub next_attempt_at: i64,
    pub expires_at: Option<i64>,
    pub inbox_id: Option<i64>,
    pub message_id: Option<i64>,
    pub created_at: i64,
    pub trace: Option<Arc<str>>,
    pub merge: bool,
    pub in_order_said: bool,
}
row!(OutboxInsert: id, lane, effect, remote, payload, first, priority, next_attempt_at, expires_at, inbox_id, message_id, created_at, trace);

/// Rows of one name in one lane.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneOfEffect {
    pub lane: Arc<str>,
    pub effect: &'static str,
}

impl From<&OutboxInsert> for LaneOfEffect {
    fn from(row: &OutboxInsert) -> Self {
        Self {
            lane: row.lane.clone(),
            effect: row.effect,
        }
    }
}

pub(super) struct SettledRow {
    pub id: i64,
    pub state: &'static str,
    pub uncertain: bool,
    pub counted: bool,
    pub next_attempt_at: Option<i64>,
    pub held_reason: Option<String>,
    pub last_verdict: Option<&'static str>,
    pub last_error: Option<String>,
    pub note: Option<String>,
    pub finished_at: Option<i64>,
}
row!(SettledRow: id, state, uncertain, counted, next_attempt_at, held_reason, last_verdict, last_error, note, finished_at);

/// An attempt that ended as most do: well, with nothing to say about it.
#[derive(Clone, Copy)]
pub(super) struct DoneRow {
    pub id: i64,
    pub number: i64,
    pub started_at: i64,
    pub finished_at: i64,
}
row!(DoneRow: id, number, started_at, finished_at);

pub(super) struct AttemptInsert {
    pub outbox_id: i64,
    pub number: i64,
    pub started_at: i64,
    pub finished_at: i64,
    pub outcome: &'static str,
    pub counted: bool,
    pub verdict: Option<&'static str>,
    pub error: Option<String>,
}
row!(AttemptInsert: outbox_id, number, started_at, finished_at, outcome, counted, verdict, error);

/// The delivery state of a message follows the state of its effect.
pub(super) struct MessageMoved {
    pub id: i64,
    pub state: &'static str,
}

/// The same with the instant of its commit.
pub(super) struct MessageSettled {
    pub id: i64,
    pub state: &'static str,
    pub settled_at: i64,
}
row!(MessageSettled: id, state, settled_at);

/// A key whose first sender is looked for.
pub(super) struct DedupeKey {
    pub key: Arc<str>,
    pub remote: Arc<str>,
    pub sender: Arc<str>,
}
row!(DedupeKey: key, remote, sender);

/// The answer to a push, decided after its commit.
pub(super) struct AnswerRow {
    pub id: i64,
    pub state: &'static str,
    pub answer: Option<String>,
}
row!(AnswerRow: id, state, answer);

pub(super) struct MappingUpsert {
    pub account: String,
    pub openid: String,
    pub unionid: Option<String>,
    pub tenant: String,
    pub object_id: Option<String>,
    pub customer_id: Option<String>,
    pub state: &'static str,
    pub returned: bool,
    pub reason: Option<String>,
    pub scene: Option<String>,
    pub name: Option<String>,
    pub followed_at: Option<i64>,
    pub linked_at: Option<i64>,
    pub now: i64,
}
row!(MappingUpsert: account, openid, unionid, tenant, object_id, customer_id, state, returned, reason, scene, name, followed_at, linked_at, now);

impl MappingUpsert {
    pub(super) fn new(change: &MappingChange, now: Timestamp) -> Self {
        let customer = change.customer.as_ref();
        Self {
            account: change.follower.account.as_str().to_owned(),
            openid: change.follower.openid.as_str().to_owned(),
            unionid: change.unionid.as_ref().map(|id| id.as_str().to_owned()),
            tenant: change.tenant.as_str().to_owned(),
            object_id: customer.map(|(object, _)| object.as_str().to_owned()),
            customer_id: customer.map(|(_, number)| number.as_str().to_owned()),
            state: change.state.as_str(),
            returned: change.returned,
            reason: change.reason.clone(),
            scene: change.scene.clone(),
            name: change.name.clone(),
            followed_at: change.followed_at.map(micros),
            linked_at: change.linked_at.map(micros),
            now: micros(now),
        }
    }
}

pub(super) struct GrantUpsert {
    pub account: Arc<str>,
    pub openid: Arc<str>,
    pub trigger: &'static str,
    pub granted_at: i64,
    pub valid_until: i64,
    pub allowed: u32,
}
row!(GrantUpsert: account, openid, trigger, granted_at, valid_until, allowed);

impl From<&NewGrant> for GrantUpsert {
    fn from(grant: &NewGrant) -> Self {
        Self {
            account: grant.follower.account.text(),
            openid: grant.follower.openid.text(),
            trigger: grant.trigger,
            granted_at: micros(grant.granted_at),
            valid_until: micros(grant.valid_until),
            allowed: grant.allowed,
        }
    }
}

pub(super) struct SnapshotUpsert {
    pub tenant: String,
    pub object_id: String,
    pub fields: String,
    pub etag: Option<String>,
    pub changed_at: Option<i64>,
    pub read_at: i64,
}
row!(SnapshotUpsert: tenant, object_id, fields, etag, changed_at, read_at);

impl SnapshotUpsert {
    pub(super) fn new(snapshot: &Snapshot, now: Timestamp) -> Self {
        Self {
            tenant: snapshot.tenant.as_str().to_owned(),
            object_id: snapshot.object_id.as_str().to_owned(),
            fields: serde_json::to_string(&snapshot.fields).expect("text keys and values"),
            etag: snapshot.etag.clone(),
            changed_at: snapshot.changed_at.map(micros),
            read_at: micros(now),
        }
    }
}

pub(super) struct FindingInsert {
    pub job_run_id: i64,
    pub kind: &'static str,
    pub account: Option<String>,
    pub tenant: Option<String>,
    pub openid: Option<String>,
    pub object_id: Option<String>,
    pub detail: String,
    pub state: &'static str,
    pub found_at: i64,
    pub repair: Option<String>,
}
row!(FindingInsert: job_run_id, kind, account, tenant, openid, object_id, detail, state, found_at, repair);

impl FindingInsert {
    pub(super) fn new(finding: &Finding, now: Timestamp) -> Self {
        Self {
            job_run_id: finding.job_run_id,
            kind: finding.kind,
            account: finding.account.as_ref().map(|id| id.as_str().to_owned()),
            tenant: finding.tenant.as_ref().map(|id| id.as_str().to_owned()),
            openid: finding.openid.as_ref().map(|id| id.as_str().to_owned()),
            object_id: finding.object_id.as_ref().map(|id| id.as_str().to_owned()),
            detail: finding.detail.clone(),
            state: finding.state,
            found_at: micros(now),
            repair: finding.repair.clone(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct WindowClosedRow {
    pub account: String,
    pub openid: String,
    pub until: i64,
}

impl From<&WindowClosed> for WindowClosedRow {
    fn from(closed: &WindowClosed) -> Self {
        Self {
            account: closed.follower.account.as_str().to_owned(),
            openid: closed.follower.openid.as_str().to_owned(),
            until: micros(closed.until),
        }
    }
}

/// One follower, as statements about a person want it.
#[derive(Serialize)]
pub(super) struct FollowerRow {
    pub account: String,
    pub openid: String,
}

impl From<&crate::domain::rows::Follower> for FollowerRow {
    fn from(follower: &crate::domain::rows::Follower) -> Self {
        Self {
            account: follower.account.as_str().to_owned(),
            openid: follower.openid.as_str().to_owned(),
        }
    }
}
