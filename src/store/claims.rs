//! Claiming: due heads of lanes become running, under a lease.
//!
//! Where a repeat after a crash does no harm, heads may be claimed before there is a slot for them, and
//! the rows behind a head with it, to be tried one after the other without a commit between them. Rows that
//! reach out to nobody are only read here ([`Store::oldest_of`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Row as _, Sqlite, SqliteExecutor};

use super::codec::{instant, json, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::rows::Priority;
use crate::kit::trace::TraceId;

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

/// Rows that may be claimed before their turn has come.
#[derive(Debug, Clone, Default)]
pub struct RunAhead {
    /// Heads beyond [`Ask::limit`].
    pub heads: usize,
    /// The effects that these may have.
    pub waiting: Arc<[&'static str]>,
    /// Rows of one lane at once, the head included; 0 and 1 mean the head alone.
    pub rows: usize,
    /// The effects that these may have, the head among them.
    pub effects: Arc<[&'static str]>,
}

impl RunAhead {
    fn may_wait(&self, job: &Job) -> bool {
        self.waiting.contains(&job.effect.as_str())
    }

    fn may_follow(&self, job: &Job) -> bool {
        self.effects.contains(&job.effect.as_str())
    }
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
    pub payload: String,
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
    /// The trace that it belongs to.
    pub trace: Option<TraceId>,
    /// When this attempt began.
    pub started_at: Timestamp,
}

/// A row that may be claimed, and whether it is due.
pub(super) struct Candidate {
    job: Job,
    is_due: bool,
}

impl Candidate {
    /// By position, as all statements here give it: a name costs a look-up for each column of each row.
    fn read(row: &SqliteRow, now: Timestamp) -> Result<Self, sqlx::Error> {
        let job = Job {
            id: row.try_get_unchecked(0)?,
            lane: row.try_get_unchecked(1)?,
            effect: row.try_get_unchecked(2)?,
            remote: row.try_get_unchecked(3)?,
            payload: row.try_get_unchecked(4)?,
            uncertain: row.try_get_unchecked(5)?,
            priority: Priority::from_i64(row.try_get_unchecked(6)?),
            attempts: row.try_get_unchecked(7)?,
            tries: row.try_get_unchecked(8)?,
            expires_at: row.try_get_unchecked::<Option<i64>, _>(9)?.map(instant),
            inbox_id: row.try_get_unchecked(10)?,
            message_id: row.try_get_unchecked(11)?,
            text: row.try_get_unchecked(12)?,
            created_at: instant(row.try_get_unchecked(13)?),
            trace: row
                .try_get_unchecked::<Option<&str>, _>(14)?
                .and_then(TraceId::parse),
            started_at: now,
        };
        let is_due = row.try_get_unchecked(15)?;
        Ok(Self { job, is_due })
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

async fn candidates<'c>(
    query: Query<'_>,
    executor: impl SqliteExecutor<'c>,
    now: Timestamp,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = query.fetch_all(executor).await?;
    rows.iter().map(|row| Candidate::read(row, now)).collect()
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    asks: &[Ask],
) -> Result<Vec<Job>, sqlx::Error> {
    let mut jobs = Vec::new();
    for at in due(connection, asks).await? {
        let ask = &asks[at];
        let mut claimed = heads(connection, ask).await?;
        claimed.extend(behind(connection, ask, &claimed).await?);
        mark(connection, ask, &claimed).await?;
        claimed.sort_by_key(|job| (job.priority, job.id));
        jobs.append(&mut claimed);
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
async fn heads(connection: &mut SqliteConnection, ask: &Ask) -> Result<Vec<Job>, sqlx::Error> {
    let most = ask.limit + ask.ahead.heads;
    let query = sqlx::query(
        "SELECT o.id, o.lane, o.effect, o.remote, o.payload, o.uncertain, o.priority, o.attempts,
             o.tries, o.expires_at, o.inbox_id, o.message_id,
             (SELECT text FROM message WHERE message.id = o.message_id), o.created_at, o.trace,
             o.state = 'ready' AND o.next_attempt_at <= ?1
         FROM outbox o WHERE o.id IN (
             SELECT id FROM (SELECT id FROM outbox WHERE remote = ?2 AND priority = 0
                 AND head = 1 AND state = 'ready' AND next_attempt_at <= ?1
                 ORDER BY next_attempt_at LIMIT CAST(?3 AS INTEGER))
             UNION ALL
             SELECT id FROM (SELECT id FROM outbox WHERE remote = ?2 AND priority = 1
                 AND head = 1 AND state = 'ready' AND next_attempt_at <= ?1 AND ?4 >= 1
                 ORDER BY next_attempt_at LIMIT CAST(?3 AS INTEGER))
             UNION ALL
             SELECT id FROM (SELECT id FROM outbox WHERE remote = ?2 AND priority = 2
                 AND head = 1 AND state = 'ready' AND next_attempt_at <= ?1 AND ?4 >= 2
                 ORDER BY next_attempt_at LIMIT CAST(?3 AS INTEGER))
             LIMIT CAST(?3 AS INTEGER))
         ORDER BY o.priority, o.next_attempt_at, o.id",
    )
    .bind(micros(ask.now))
    .bind(&ask.remote)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .bind(ask.down_to.as_i64());
    let found = candidates(query, connection, ask.now).await?;
    // Nothing waits that is less urgent than something that may not wait.
    let claimed = found.into_iter().map(|candidate| candidate.job).enumerate();
    let claimed = claimed.take_while(|(place, job)| *place < ask.limit || ask.ahead.may_wait(job));
    Ok(claimed.map(|(_, job)| job).collect())
}

/// The rows right behind these heads, up to the first that is not due, is held up, or may not run
/// ahead.
async fn behind(
    connection: &mut SqliteConnection,
    ask: &Ask,
    heads: &[Job],
) -> Result<Vec<Job>, sqlx::Error> {
    let may_be_followed = |head: &&Job| ask.ahead.rows > 1 && ask.ahead.may_follow(head);
    let lanes: HashMap<&str, i64> = heads
        .iter()
        .filter(may_be_followed)
        .map(|head| (head.lane.as_str(), head.id))
        .collect();
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query(
        "SELECT o.id, o.lane, o.effect, o.remote, o.payload, o.uncertain, o.priority, o.attempts,
             o.tries, o.expires_at, o.inbox_id, o.message_id,
             (SELECT text FROM message WHERE message.id = o.message_id), o.created_at, o.trace,
             o.state = 'ready' AND o.next_attempt_at <= ?1
         FROM json_each(?2) l CROSS JOIN outbox o ON o.id IN (
             SELECT n.id FROM outbox n WHERE n.lane = l.key
                 AND (n.state = 'ready' OR n.state = 'running') AND n.id > l.value
             ORDER BY n.id LIMIT CAST(?3 AS INTEGER))
         ORDER BY o.id",
    )
    .bind(micros(ask.now))
    .bind(serde_json::to_string(&lanes).expect("text keys and numbers"))
    .bind(i64::try_from(ask.ahead.rows - 1).unwrap_or(i64::MAX));
    let mut ended = HashSet::new();
    let mut claimed = Vec::new();
    for Candidate { job, is_due } in candidates(query, connection, ask.now).await? {
        let follows = is_due
            && job.remote == ask.remote
            && job.priority <= ask.down_to
            && ask.ahead.may_follow(&job);
        if follows && !ended.contains(&job.lane) {
            claimed.push(job);
        } else {
            ended.insert(job.lane);
        }
    }
    Ok(claimed)
}

async fn mark(
    connection: &mut SqliteConnection,
    ask: &Ask,
    claimed: &[Job],
) -> Result<(), sqlx::Error> {
    if claimed.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = claimed.iter().map(|job| job.id).collect();
    sqlx::query(
        "UPDATE outbox SET state = 'running', started_at = ?1, lease_until = ?2
         WHERE id IN (SELECT value FROM json_each(?3))",
    )
    .bind(micros(ask.now))
    .bind(micros(ask.lease_until))
    .bind(json(&ids))
    .execute(connection)
    .await
    .map(drop)
}

/// Marks the head of a lane as running, if it is due.
pub(super) async fn claim_head(
    connection: &mut SqliteConnection,
    lane: &str,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let id: Option<i64> = sqlx::query_scalar(
        "UPDATE outbox SET state = 'running', started_at = ?2, lease_until = ?3
         WHERE state = 'ready' AND next_attempt_at <= ?2 AND id = (
             SELECT o.id FROM outbox o WHERE o.lane = ?1
                 AND (o.state = 'ready' OR o.state = 'running') AND o.head = 1
             ORDER BY o.id LIMIT 1)
         RETURNING id",
    )
    .bind(lane)
    .bind(micros(now))
    .bind(micros(lease_until))
    .fetch_optional(connection)
    .await?;
    Ok(Effected {
        rows: u64::from(id.is_some()),
        id: id.unwrap_or_default(),
    })
}

impl Store {
    /// Claims the head of one lane, if it is due: for whoever runs that lane and nothing else.
    pub async fn claim_head(
        &self,
        lane: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let claim = Operation::ClaimHead {
            lane: lane.to_owned(),
            lease_until,
        };
        let Some(id) = self.operate(claim).await?.made() else {
            return Ok(None);
        };
        let query = sqlx::query(
            "SELECT o.id, o.lane, o.effect, o.remote, o.payload, o.uncertain, o.priority, o.attempts,
                 o.tries, o.expires_at, o.inbox_id, o.message_id,
                 (SELECT text FROM message WHERE message.id = o.message_id), o.created_at, o.trace, 1
             FROM outbox o WHERE o.id = ?",
        )
        .bind(id);
        let claimed = candidates(query, &self.readers, now).await?;
        Ok(claimed.into_iter().map(|candidate| candidate.job).next())
    }

    /// The oldest rows of lanes of a remote whose effects are not claimed, lane by lane and in order,
    /// as far as they are due; `limit` is shared out among the lanes.
    pub async fn oldest_of(
        &self,
        remote: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Vec<Job>>, StoreError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let lanes: Vec<String> = sqlx::query_scalar(
            "SELECT o.lane FROM json_each('[0,1,2]') p
             CROSS JOIN outbox o ON o.remote = ?1 AND o.priority = p.value AND o.head = 1
                 AND o.next_attempt_at <= ?2
             WHERE o.state = 'ready' LIMIT CAST(?3 AS INTEGER)",
        )
        .bind(remote)
        .bind(micros(now))
        .bind(most)
        .fetch_all(&self.readers)
        .await?;
        if lanes.is_empty() {
            return Ok(Vec::new());
        }
        let count = i64::try_from(lanes.len()).unwrap_or(i64::MAX);
        let query = sqlx::query(
            "SELECT o.id, o.lane, o.effect, o.remote, o.payload, o.uncertain, o.priority, o.attempts,
                 o.tries, o.expires_at, o.inbox_id, o.message_id,
                 (SELECT text FROM message WHERE message.id = o.message_id), o.created_at, o.trace,
                 o.state = 'ready' AND o.next_attempt_at <= ?1
             FROM json_each(?2) l CROSS JOIN outbox o ON o.id IN (
                 SELECT n.id FROM outbox n WHERE n.lane = l.value
                     AND (n.state = 'ready' OR n.state = 'running')
                 ORDER BY n.id LIMIT CAST(?3 AS INTEGER))
             ORDER BY l.key, o.id",
        )
        .bind(micros(now))
        .bind(json(&lanes))
        .bind((most / count).max(1));
        let mut oldest: Vec<Vec<Job>> = Vec::with_capacity(lanes.len());
        let mut ended: Option<String> = None;
        for Candidate { job, is_due } in candidates(query, &self.readers, now).await? {
            let has_ended = ended.as_ref() == Some(&job.lane);
            if has_ended || !is_due {
                ended = Some(job.lane);
                continue;
            }
            match oldest.last_mut() {
                Some(lane) if lane[0].lane == job.lane => lane.push(job),
                _ => oldest.push(vec![job]),
            }
        }
        Ok(oldest)
    }
}
