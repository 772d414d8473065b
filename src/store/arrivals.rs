//! Facts that arrive: what is written for one, and how its duplicate is told.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::micros;
use super::given;
use super::plan::{Ids, Plan};
use super::rows::{DedupeKey, DedupeRow, InboxRow};
use super::writer::Request;
use crate::domain::ids::{ObjectId, OpenId, TenantId};
use crate::domain::rows::Changes;
use crate::kit::trace::TraceId;

/// From which side it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A WeChat push.
    Wechat,
    /// A C4C notification.
    C4c,
}

/// What the sender is answered, before encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `success`, or 200 for C4C.
    None,
    /// Not yet known: an answer hook is being asked.
    Pending,
    /// This passive reply.
    Stored(String),
}

/// What makes two arrivals the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Dedupe {
    /// Starts with a growing number, so that the index appends.
    pub key: Arc<str>,
    /// The account or tenant.
    pub remote: Arc<str>,
    /// The OpenID; empty for C4C.
    pub sender: Arc<str>,
}

/// A fact and everything that follows from it, to be committed as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// From which side.
    pub source: Source,
    /// For which account or tenant.
    pub remote: Arc<str>,
    /// `text`, `event:subscribe`, `notification:a` …
    pub kind: Arc<str>,
    /// Who sent it.
    pub openid: Option<OpenId>,
    /// Which object it speaks of.
    pub object_id: Option<ObjectId>,
    /// `None`: never taken for a duplicate.
    pub dedupe: Option<Dedupe>,
    /// Decrypted, as received.
    pub body: Arc<str>,
    /// Set when it was authenticated but could not be read; nothing else follows from it then
    /// but what [`Arrival::changes`] says.
    pub rejected: Option<String>,
    /// What the sender is told.
    pub answer: Answer,
    /// The sender's clock.
    pub sent_at: Option<Timestamp>,
    /// What follows; messages and effects are linked to this arrival.
    pub changes: Changes,
}

impl Arrival {
    /// Something of a C4C tenant, of which nothing follows yet.
    pub fn of_tenant(tenant: &TenantId, body: String) -> Self {
        Self {
            source: Source::C4c,
            remote: tenant.text(),
            kind: "".into(),
            openid: None,
            object_id: None,
            dedupe: None,
            body: body.into(),
            rejected: None,
            answer: Answer::None,
            sent_at: None,
            changes: Changes::none(),
        }
    }
}

/// What became of an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// It is on disk.
    New {
        /// Its row.
        inbox_id: i64,
    },
    /// It had come before; only that it came again was written.
    Duplicate {
        /// The row of the first one.
        inbox_id: i64,
        /// What the first one was answered.
        answer: Answer,
    },
}

/// The dedupe keys of a batch that have been seen, before it or within it.
pub(super) struct Known(HashMap<Dedupe, (i64, Answer)>);

#[derive(sqlx::FromRow)]
struct KnownRow {
    key: String,
    remote: String,
    sender: String,
    inbox_id: i64,
    answer_state: Option<String>,
    answer: Option<String>,
}

impl Known {
    pub(super) async fn load(
        connection: &mut SqliteConnection,
        requests: &[Request],
    ) -> Result<Self, sqlx::Error> {
        let keys = requests.iter().filter_map(|request| match request {
            Request::Arrive(arrival, ..) => arrival.dedupe.as_ref(),
            _ => None,
        });
        let keys = keys.map(|dedupe| DedupeKey {
            key: dedupe.key.clone(),
            remote: dedupe.remote.clone(),
            sender: dedupe.sender.clone(),
        });
        let rows: Vec<KnownRow> = given::fetch(
            connection,
            "SELECT d.key, d.remote, d.sender, d.inbox_id, i.answer_state, i.answer
             FROM given g
             CROSS JOIN dedupe d ON d.key = g.key AND d.remote = g.remote AND d.sender = g.sender
             LEFT JOIN inbox i ON i.id = d.inbox_id",
            keys.collect(),
        )
        .await?;
        Ok(Self(rows.into_iter().map(KnownRow::into_entry).collect()))
    }
}

impl KnownRow {
    fn into_entry(self) -> (Dedupe, (i64, Answer)) {
        let answer = match (self.answer_state.as_deref(), self.answer) {
            (Some("pending"), _) => Answer::Pending,
            (Some("stored"), Some(answer)) => Answer::Stored(answer),
            _ => Answer::None,
        };
        let key = Dedupe {
            key: self.key.into(),
            remote: self.remote.into(),
            sender: self.sender.into(),
        };
        (key, (self.inbox_id, answer))
    }
}

impl Plan {
    /// Plans the rows of one arrival, or only the trace of a duplicate.
    pub(super) fn arrive(
        &mut self,
        (arrival, trace): (&Arrival, Option<&TraceId>),
        known: &mut Known,
        ids: &mut Ids,
    ) -> Arrived {
        let id = ids.inbox.next();
        let first = arrival.dedupe.as_ref().and_then(|key| known.0.get(key));
        if let Some((first, answer)) = first.cloned() {
            self.inbox.push(InboxRow {
                trace: trace.map(TraceId::text),
                ..row(arrival, id, self.now, Some(first))
            });
            return Arrived::Duplicate {
                inbox_id: first,
                answer,
            };
        }
        self.inbox.push(InboxRow {
            trace: trace.map(TraceId::text),
            ..row(arrival, id, self.now, None)
        });
        if let Some(key) = &arrival.dedupe {
            known.0.insert(key.clone(), (id, arrival.answer.clone()));
            self.dedupe.push(DedupeRow {
                key: key.key.clone(),
                remote: key.remote.clone(),
                sender: key.sender.clone(),
                inbox_id: id,
                seen_at: micros(self.now),
            });
        }
        self.change(&arrival.changes, Some(id), trace, ids);
        Arrived::New { inbox_id: id }
    }
}

fn row(arrival: &Arrival, id: i64, now: Timestamp, duplicate_of: Option<i64>) -> InboxRow {
    let (answer_state, answer) = match (&arrival.answer, duplicate_of) {
        (Answer::None, _) | (_, Some(_)) => ("none", None),
        (Answer::Pending, None) => ("pending", None),
        (Answer::Stored(answer), None) => ("stored", Some(answer.clone())),
    };
    let state = match (duplicate_of, &arrival.rejected) {
        (Some(_), _) => "suppressed",
        (None, Some(_)) => "rejected",
        (None, None) => "accepted",
    };
    InboxRow {
        id,
        source: match arrival.source {
            Source::Wechat => "wechat",
            Source::C4c => "c4c",
        },
        remote: arrival.remote.clone(),
        kind: arrival.kind.clone(),
        openid: arrival.openid.as_ref().map(OpenId::text),
        object_id: arrival.object_id.as_ref().map(ObjectId::text),
        dedupe_key: arrival.dedupe.as_ref().map(|dedupe| dedupe.key.clone()),
        body: Some(arrival.body.clone()),
        state,
        duplicate_of,
        reason: arrival.rejected.clone(),
        answer_state,
        answer,
        sent_at: arrival.sent_at.map(micros),
        received_at: micros(now),
        trace: None,
    }
}
