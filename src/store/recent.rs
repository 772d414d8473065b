//! What came lately and what follows from it: for those who watch rows move, such as the demo's page.

use serde::Serialize;

use super::{Store, StoreError};

/// Attempts read at most: an effect whose remote is down for long has many.
const MOST_ATTEMPTS: u32 = 300;

/// A row of `inbox`. Instants are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct RecentArrival {
    /// Its key.
    pub id: i64,
    /// `wechat` or `c4c`.
    pub source: String,
    /// What it is.
    pub kind: String,
    /// Whom it is about.
    pub openid: Option<String>,
    /// `accepted` …
    pub state: String,
    /// The arrival that it repeats.
    pub duplicate_of: Option<i64>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// As received, decrypted.
    pub body: Option<String>,
    /// When it came.
    pub received_at: i64,
}

/// A row of `outbox`. Instants are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct RecentEffect {
    /// Its key.
    pub id: i64,
    /// The arrival that it follows from.
    pub inbox_id: Option<i64>,
    /// The message that it delivers.
    pub message_id: Option<i64>,
    /// What must happen one after the other.
    pub lane: String,
    /// Its name.
    pub effect: String,
    /// Who is called.
    pub remote: String,
    /// `ready` …
    pub state: String,
    /// 1: nobody knows whether it happened.
    pub uncertain: i64,
    /// Counted tries.
    pub attempts: i64,
    /// All tries.
    pub tries: i64,
    /// Why it is held.
    pub held_reason: Option<String>,
    /// What the last failure was.
    pub last_verdict: Option<String>,
    /// And in words.
    pub last_error: Option<String>,
    /// How a done one ended.
    pub note: Option<String>,
    /// What it needs to know, JSON.
    pub payload: String,
    /// When it was committed.
    pub created_at: i64,
    /// When it last began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
}

/// A row of `attempt`. Instants are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct RecentAttempt {
    /// Whose it is.
    pub outbox_id: i64,
    /// Which one, from 1.
    pub number: i64,
    /// When it began.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: i64,
    /// `done` …
    pub outcome: String,
    /// 1: it counts as a try.
    pub counted: i64,
    /// What the failure was.
    pub verdict: Option<String>,
    /// And in words.
    pub error: Option<String>,
}

/// The newest rows, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recent {
    /// What came.
    pub arrivals: Vec<RecentArrival>,
    /// What must follow.
    pub effects: Vec<RecentEffect>,
    /// How it went.
    pub attempts: Vec<RecentAttempt>,
}

/// How much was said by followers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct SaidTally {
    /// Messages in the history.
    pub messages: i64,
    /// Different MsgIds among them.
    pub msg_ids: i64,
}

impl Store {
    /// The newest `arrivals` and `effects`, with the attempts of those effects.
    pub async fn recent(&self, arrivals: u32, effects: u32) -> Result<Recent, StoreError> {
        let arrivals = sqlx::query_as(
            "SELECT id, source, kind, openid, state, duplicate_of, reason, body, received_at
             FROM inbox ORDER BY id DESC LIMIT ?",
        )
        .bind(arrivals)
        .fetch_all(&self.readers)
        .await?;
        let effects: Vec<RecentEffect> = sqlx::query_as(
            "SELECT id, inbox_id, message_id, lane, effect, remote, state, uncertain, attempts,
                 tries, held_reason, last_verdict, last_error, note, payload, created_at,
                 started_at, finished_at
             FROM outbox ORDER BY id DESC LIMIT ?",
        )
        .bind(effects)
        .fetch_all(&self.readers)
        .await?;
        let oldest = effects.last().map_or(i64::MAX, |effect| effect.id);
        let attempts = sqlx::query_as(
            "SELECT outbox_id, number, started_at, finished_at, outcome, counted, verdict, error
             FROM attempt WHERE outbox_id >= ? ORDER BY outbox_id DESC, number DESC LIMIT ?",
        )
        .bind(oldest)
        .bind(MOST_ATTEMPTS)
        .fetch_all(&self.readers)
        .await?;
        Ok(Recent {
            arrivals,
            effects,
            attempts,
        })
    }

    /// Counts what followers have said. It scans the whole table.
    pub async fn said_tally(&self) -> Result<SaidTally, StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*) AS messages, count(DISTINCT msg_id) AS msg_ids
             FROM message WHERE direction = 'in'",
        )
        .fetch_one(&self.readers)
        .await?)
    }
}
