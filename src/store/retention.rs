//! Deleting what has become old, a page a commit. What may go is decided here: never what is open,
//! waits, is held or dead, nor the newest row of a table, whose id a restart would give once more.
//!
//! Rows are looked through beside the writer, in the order of their ids, which is that of their
//! age; the writer only deletes what was found. A page without an old row ends the walk.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{json, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};

/// Rows of one commit: pushes wait for it, some milliseconds.
const PAGE: u32 = 250;

/// What has its own age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What was said, with its media and its words in the index.
    Messages,
    /// Conversations that have ended, once their messages are gone.
    Conversations,
    /// What happened to conversations besides their messages.
    Events,
    /// Where followers were.
    Locations,
    /// Scans of QR codes; their codes keep the count.
    Scans,
    /// Settled effects and their attempts.
    Effects,
    /// Pushes and notifications.
    Inbox,
    /// What reconciliation found.
    Findings,
    /// Runs of jobs but the last of each.
    Runs,
}

/// A page that was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Rows that went.
    pub gone: u64,
    /// The id after which to go on; `None` when nothing older is left.
    pub next: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Looked {
    id: i64,
    is_old: bool,
    may_go: bool,
}

impl Store {
    /// Looks through the next page of `kind` after the id `after` and deletes what is from before
    /// `before` and may go.
    pub async fn delete_older(
        &self,
        kind: Kept,
        before: Timestamp,
        after: i64,
    ) -> Result<Deleted, StoreError> {
        let page: Vec<Looked> = sqlx::query_as(look(kind))
            .bind(after)
            .bind(micros(before))
            .bind(PAGE)
            .fetch_all(&self.readers)
            .await?;
        let any_old = page.iter().any(|row| row.is_old);
        let next = page.last().filter(|_| any_old).map(|row| row.id);
        let ids: Vec<i64> = page
            .iter()
            .filter(|row| row.may_go)
            .map(|row| row.id)
            .collect();
        if ids.is_empty() {
            return Ok(Deleted { gone: 0, next });
        }
        let done = self.operate(Operation::Delete { kind, ids }).await?;
        Ok(Deleted {
            gone: done.rows,
            next,
        })
    }
}

/// The statement that looks through a page.
fn look(kind: Kept) -> &'static str {
    match kind {
        // A conversation goes as a whole: while one is open or young, so are its messages.
        Kept::Messages => {
            "SELECT m.id, m.recorded_at < ?2 AS is_old,
                 m.recorded_at < ?2 AND m.id < (SELECT max(id) FROM message)
                 AND m.state <> 'queued' AND m.state <> 'held' AND m.state <> 'uncertain'
                 AND NOT EXISTS (
                     SELECT 1 FROM conversation c
                     WHERE c.account = m.account AND c.openid = m.openid
                         AND c.first_message_id <= m.id
                         AND (c.state = 'open' OR c.ended_at >= ?2))
                 AND m.id NOT IN (
                     SELECT message_id FROM outbox
                     WHERE (state = 'ready' OR state = 'running') AND message_id IS NOT NULL
                     UNION ALL SELECT message_id FROM outbox
                     WHERE state = 'held' AND message_id IS NOT NULL
                     UNION ALL SELECT message_id FROM outbox
                     WHERE state = 'dead' AND message_id IS NOT NULL) AS may_go
             FROM message m WHERE m.id > ?1 ORDER BY m.id LIMIT ?3"
        }
        Kept::Conversations => {
            "SELECT c.id, c.opened_at < ?2 AS is_old,
                 c.state = 'ended' AND c.ended_at < ?2
                 AND c.id < (SELECT max(id) FROM conversation)
                 AND NOT EXISTS (
                     SELECT 1 FROM message m
                     WHERE m.id BETWEEN c.first_message_id AND c.last_message_id
                         AND m.account = c.account AND m.openid = c.openid) AS may_go
             FROM conversation c WHERE c.id > ?1 ORDER BY c.id LIMIT ?3"
        }
        Kept::Events => {
            "SELECT e.id, e.at < ?2 AS is_old,
                 e.at < ?2 AND e.id < (SELECT max(id) FROM conversation_event) AS may_go
             FROM conversation_event e WHERE e.id > ?1 ORDER BY e.id LIMIT ?3"
        }
        Kept::Locations => {
            "SELECT l.id, l.recorded_at < ?2 AS is_old,
                 l.recorded_at < ?2 AND l.id < (SELECT max(id) FROM location) AS may_go
             FROM location l WHERE l.id > ?1 ORDER BY l.id LIMIT ?3"
        }
        Kept::Scans => {
            "SELECT s.id, s.at < ?2 AS is_old,
                 s.at < ?2 AND s.id < (SELECT max(id) FROM qr_scan) AS may_go
             FROM qr_scan s WHERE s.id > ?1 ORDER BY s.id LIMIT ?3"
        }
        Kept::Effects => {
            "SELECT o.id, o.created_at < ?2 AS is_old,
                 (o.state = 'done' OR o.state = 'cancelled') AND o.finished_at < ?2
                 AND o.id < (SELECT max(id) FROM outbox) AS may_go
             FROM outbox o WHERE o.id > ?1 ORDER BY o.id LIMIT ?3"
        }
        // Some effects read the push that they follow from.
        Kept::Inbox => {
            "SELECT i.id, i.received_at < ?2 AS is_old,
                 i.received_at < ?2 AND i.id < (SELECT max(id) FROM inbox)
                 AND i.id NOT IN (
                     SELECT inbox_id FROM outbox
                     WHERE (state = 'ready' OR state = 'running') AND inbox_id IS NOT NULL
                     UNION ALL SELECT inbox_id FROM outbox
                     WHERE state = 'held' AND inbox_id IS NOT NULL
                     UNION ALL SELECT inbox_id FROM outbox
                     WHERE state = 'dead' AND inbox_id IS NOT NULL) AS may_go
             FROM inbox i WHERE i.id > ?1 ORDER BY i.id LIMIT ?3"
        }
        Kept::Findings => {
            "SELECT f.id, f.found_at < ?2 AS is_old,
                 f.found_at < ?2 AND f.id < (SELECT max(id) FROM finding) AS may_go
             FROM finding f WHERE f.id > ?1 ORDER BY f.id LIMIT ?3"
        }
        // The last one tells when the next is due.
        Kept::Runs => {
            "SELECT r.id, r.started_at < ?2 AS is_old,
                 r.started_at < ?2 AND r.outcome <> 'running'
                 AND EXISTS (SELECT 1 FROM job_run l WHERE l.job = r.job AND l.id > r.id)
                 AS may_go
             FROM job_run r WHERE r.id > ?1 ORDER BY r.id LIMIT ?3"
        }
    }
}

/// Deletes these rows; what an operator has made live again meanwhile stays.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    kind: Kept,
    ids: &[i64],
) -> Result<Effected, sqlx::Error> {
    let delete = match kind {
        Kept::Messages => {
            "DELETE FROM message WHERE id IN (SELECT value FROM json_each(?))
                 AND state <> 'queued' AND state <> 'held' AND state <> 'uncertain' RETURNING id"
        }
        Kept::Conversations => {
            "DELETE FROM conversation WHERE id IN (SELECT value FROM json_each(?))
                 AND state = 'ended' RETURNING id"
        }
        Kept::Events => {
            "DELETE FROM conversation_event WHERE id IN (SELECT value FROM json_each(?))
             RETURNING id"
        }
        Kept::Locations => {
            "DELETE FROM location WHERE id IN (SELECT value FROM json_each(?)) RETURNING id"
        }
        Kept::Scans => {
            "DELETE FROM qr_scan WHERE id IN (SELECT value FROM json_each(?)) RETURNING id"
        }
        Kept::Effects => {
            "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))
                 AND (state = 'done' OR state = 'cancelled') RETURNING id"
        }
        Kept::Inbox => {
            "DELETE FROM inbox WHERE id IN (SELECT value FROM json_each(?)) RETURNING id"
        }
        Kept::Findings => {
            "DELETE FROM finding WHERE id IN (SELECT value FROM json_each(?)) RETURNING id"
        }
        Kept::Runs => {
            "DELETE FROM job_run WHERE id IN (SELECT value FROM json_each(?)) RETURNING id"
        }
    };
    let gone: Vec<i64> = sqlx::query_scalar(delete)
        .bind(json(ids))
        .fetch_all(&mut *connection)
        .await?;
    let hangs_on_it = match kind {
        Kept::Messages => "DELETE FROM media WHERE message_id IN (SELECT value FROM json_each(?))",
        Kept::Effects => "DELETE FROM attempt WHERE outbox_id IN (SELECT value FROM json_each(?))",
        _ => return Ok(Effected::rows(gone.len() as u64)),
    };
    sqlx::query(hangs_on_it)
        .bind(json(&gone))
        .execute(connection)
        .await?;
    Ok(Effected::rows(gone.len() as u64))
}
