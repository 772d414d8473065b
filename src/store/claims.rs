//! Claiming: due heads of lanes become running, under a lease.
//!
//! Where a repeat after a crash does no harm, the rows behind a head may be claimed with it, to be
//! tried one after the other without a commit between them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, json, micros};
use crate::domain::rows::Priority;

/// How much one remote can take now.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whose effects.
    pub remote: String,
    /// The least urgent priority that may be taken.
    pub down_to: Priority,
    /// At most this many.
    pub limit: usize,
    /// What is due by then.
    pub now: Timestamp,
    /// Until when the attempts must have ended.
    pub lease_until: Timestamp,
    /// Which rows may be claimed together with the head of their lane.
    pub ahead: RunAhead,
}

/// Rows that follow the head of their lane and may be claimed with it.
#[derive(Debug, Clone, Default)]
pub struct RunAhead {
    /// Rows of one lane at once, the head included; 0 and 1 mean the head alone.
    pub rows: usize,
    /// The effects for which this is allowed, the head's own among them.
    pub effects: Arc<[&'static str]>,
}

/// What a turn has claimed.
#[derive(Debug, Clone, Default)]
pub struct Turned {
    /// The claimed rows.
    pub jobs: Vec<Job>,
    /// What [`super::Store::wake`] showed with this commit: a greater number means news.
    pub seen: u64,
}

/// A claimed effect: everything its handler may need to know of its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// `outbox.id`
    pub id: i64,
    /// Its lane.
    pub lane: String,
    /// Its name.
    pub effect: String,
    /// Whose gate it stands before.
    pub remote: String,
    /// What its handler needs.
    pub payload: serde_json::Value,
    /// Whether an earlier attempt may have had its effect.
    pub uncertain: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// Counted tries before this one.
    pub attempts: i64,
    /// All tries before this one.
    pub tries: i64,
    /// Given up after this instant.
    pub expires_at: Option<Timestamp>,
    /// The fact it follows from.
    pub inbox_id: Option<i64>,
    /// The message it delivers.
    pub message_id: Option<i64>,
    /// That message's words.
    pub text: Option<String>,
    /// When the effect was written.
    pub created_at: Timestamp,
    /// When this attempt began.
    pub started_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct ClaimedRow {
    id: i64,
    lane: String,
    effect: String,
    remote: String,
    payload: String,
    uncertain: bool,
    priority: i64,
    attempts: i64,
    tries: i64,
    expires_at: Option<i64>,
    inbox_id: Option<i64>,
    message_id: Option<i64>,
    text: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
}

impl From<ClaimedRow> for Job {
    fn from(row: ClaimedRow) -> Self {
        Self {
            id: row.id,
            lane: row.lane,
            effect: row.effect,
            remote: row.remote,
            // The table's CHECK keeps it JSON.
            payload: serde_json::from_str(&row.payload).unwrap_or_default(),
            uncertain: row.uncertain,
            priority: Priority::from_i64(row.priority),
            attempts: row.attempts,
            tries: row.tries,
            expires_at: row.expires_at.map(instant),
            inbox_id: row.inbox_id,
            message_id: row.message_id,
            text: row.text,
            created_at: instant(row.created_at),
            started_at: instant(row.started_at.unwrap_or(row.created_at)),
        }
    }
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    asks: &[Ask],
) -> Result<Vec<Job>, sqlx::Error> {
    let mut jobs = Vec::new();
    for at in due(connection, asks).await? {
        let ask = &asks[at];
        let mut rows = heads(connection, ask).await?;
        rows.extend(behind(connection, ask, &rows).await?);
        rows.sort_by_key(|row| (row.priority, row.id));
        jobs.extend(rows.into_iter().map(Job::from));
    }
    Ok(jobs)
}

/// Which of these asks there is anything for: most remotes have nothing due most of the time.
async fn due(connection: &mut SqliteConnection, asks: &[Ask]) -> Result<Vec<usize>, sqlx::Error> {
    let Some(first) = asks.first() else {
        return Ok(Vec::new());
    };
    let remotes: Vec<&str> = asks.iter().map(|ask| ask.remote.as_str()).collect();
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT r.key FROM json_each(?1) r WHERE EXISTS (
             SELECT 1 FROM json_each('[0,1,2]') p
             CROSS JOIN outbox o ON o.remote = r.value AND o.priority = p.value
                 AND o.head = 1 AND o.next_attempt_at <= ?2
             WHERE o.state = 'ready')",
    )
    .bind(json(&remotes))
    .bind(micros(first.now))
    .fetch_all(connection)
    .await?;
    Ok(found
        .into_iter()
        .filter_map(|at| usize::try_from(at).ok())
        .collect())
}

/// Each priority is a range of `outbox_due`, so rows that wait for a later try are never walked;
/// those that run are, and they are few. (A bare parameter as LIMIT would make SQLite prepare the
/// statement anew each time that it is bound.)
async fn heads(
    connection: &mut SqliteConnection,
    ask: &Ask,
) -> Result<Vec<ClaimedRow>, sqlx::Error> {
    sqlx::query_as(
        "UPDATE outbox SET state = 'running', started_at = ?3, lease_until = ?4
         WHERE id IN (
             SELECT id FROM (SELECT id FROM outbox WHERE remote = ?1 AND priority = 0
                 AND head = 1 AND state = 'ready' AND next_attempt_at <= ?3
                 ORDER BY next_attempt_at LIMIT CAST(?2 AS INTEGER))
             UNION ALL
             SELECT id FROM (SELECT id FROM outbox WHERE remote = ?1 AND priority = 1
                 AND head = 1 AND state = 'ready' AND next_attempt_at <= ?3 AND ?5 >= 1
                 ORDER BY next_attempt_at LIMIT CAST(?2 AS INTEGER))
             UNION ALL
             SELECT id FROM (SELECT id FROM outbox WHERE remote = ?1 AND priority = 2
                 AND head = 1 AND state = 'ready' AND next_attempt_at <= ?3 AND ?5 >= 2
                 ORDER BY next_attempt_at LIMIT CAST(?2 AS INTEGER))
             LIMIT CAST(?2 AS INTEGER))
         RETURNING id, lane, effect, remote, payload, uncertain, priority, attempts, tries,
             expires_at, inbox_id, message_id,
             (SELECT text FROM message WHERE message.id = outbox.message_id) AS text,
             created_at, started_at",
    )
    .bind(&ask.remote)
    .bind(i64::try_from(ask.limit).unwrap_or(i64::MAX))
    .bind(micros(ask.now))
    .bind(micros(ask.lease_until))
    .bind(ask.down_to.as_i64())
    .fetch_all(connection)
    .await
}

/// The rows right behind these heads, up to the first that is not due, is held up, or may not run
/// ahead.
async fn behind(
    connection: &mut SqliteConnection,
    ask: &Ask,
    heads: &[ClaimedRow],
) -> Result<Vec<ClaimedRow>, sqlx::Error> {
    #[derive(Serialize)]
    struct Head<'a> {
        id: i64,
        lane: &'a str,
    }
    let may = |effect: &str| ask.ahead.effects.contains(&effect);
    let heads: Vec<Head<'_>> = heads
        .iter()
        .filter(|head| ask.ahead.rows > 1 && may(&head.effect))
        .map(|head| Head {
            id: head.id,
            lane: &head.lane,
        })
        .collect();
    if heads.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "WITH RECURSIVE run(id, lane, rows) AS (
             SELECT value ->> 'id', value ->> 'lane', 1 FROM json_each(?1)
             UNION ALL
             SELECT o.id, run.lane, run.rows + 1 FROM run CROSS JOIN outbox o ON o.id = (
                 SELECT n.id FROM outbox n WHERE n.lane = run.lane
                     AND (n.state = 'ready' OR n.state = 'running') AND n.id > run.id
                 ORDER BY n.id LIMIT 1)
             WHERE run.rows < ?2 AND o.state = 'ready' AND o.remote = ?3 AND o.priority <= ?4
                 AND o.next_attempt_at <= ?5 AND o.effect IN (SELECT value FROM json_each(?6)))
         UPDATE outbox SET state = 'running', started_at = ?5, lease_until = ?7
         WHERE id IN (SELECT id FROM run WHERE rows > 1)
         RETURNING id, lane, effect, remote, payload, uncertain, priority, attempts, tries,
             expires_at, inbox_id, message_id,
             (SELECT text FROM message WHERE message.id = outbox.message_id) AS text,
             created_at, started_at",
    )
    .bind(json(&heads))
    .bind(i64::try_from(ask.ahead.rows).unwrap_or(i64::MAX))
    .bind(&ask.remote)
    .bind(ask.down_to.as_i64())
    .bind(micros(ask.now))
    .bind(json(&ask.ahead.effects))
    .bind(micros(ask.lease_until))
    .fetch_all(connection)
    .await
}
