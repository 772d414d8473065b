//! The statements of a batch: each takes all rows of its table at once, as JSON.
//!
//! sqlx pays about 50 µs a statement (performance.md), so the number of statements, not of
//! rows, is what a commit costs.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::json;
use super::rows::{
    AttemptInsert, DedupeRow, FindingInsert, FollowerRow, GrantUpsert, InboxRow, MappingUpsert,
    MessageInsert, MessageMoved, OutboxInsert, SettledRow, SnapshotUpsert,
};
use crate::domain::rows::{Cancel, PassiveDelivery, Release, StoredAnswer};

pub(super) type Written = Result<(), sqlx::Error>;

/// Runs `statement` with `rows` as its only argument; nothing to write costs nothing.
pub(super) async fn all<T: Serialize>(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: &[T],
) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(statement)
        .bind(json(rows))
        .execute(connection)
        .await
        .map(drop)
}

pub(super) async fn inbox(connection: &mut SqliteConnection, rows: &[InboxRow]) -> Written {
    all(
        connection,
        "INSERT INTO inbox (id, source, remote, kind, openid, object_id, dedupe_key, body, state,
             duplicate_of, reason, answer_state, answer, sent_at, received_at)
         SELECT value ->> 'id', value ->> 'source', value ->> 'remote', value ->> 'kind',
             value ->> 'openid', value ->> 'object_id', value ->> 'dedupe_key', value ->> 'body',
             value ->> 'state', value ->> 'duplicate_of', value ->> 'reason',
             value ->> 'answer_state', value ->> 'answer', value ->> 'sent_at',
             value ->> 'received_at'
         FROM json_each(?)",
        rows,
    )
    .await
}

pub(super) async fn dedupe(connection: &mut SqliteConnection, rows: &[DedupeRow]) -> Written {
    all(
        connection,
        "INSERT INTO dedupe (key, remote, sender, inbox_id, seen_at)
         SELECT value ->> 'key', value ->> 'remote', value ->> 'sender', value ->> 'inbox_id',
             value ->> 'seen_at'
         FROM json_each(?)",
        rows,
    )
    .await
}

pub(super) async fn messages(connection: &mut SqliteConnection, rows: &[MessageInsert]) -> Written {
    all(
        connection,
        "INSERT INTO message (id, account, openid, direction, kind, purpose, msg_id, text, state,
             inbox_id, outbox_id, created_at, recorded_at, settled_at)
         SELECT value ->> 'id', value ->> 'account', value ->> 'openid', value ->> 'direction',
             value ->> 'kind', value ->> 'purpose', value ->> 'msg_id', value ->> 'text',
             value ->> 'state', value ->> 'inbox_id', value ->> 'outbox_id',
             value ->> 'created_at', value ->> 'recorded_at', value ->> 'settled_at'
         FROM json_each(?)",
        rows,
    )
    .await
}

/// A row that was cancelled while its attempt ran keeps its state. The head is given anew by
/// [`promote`]: an older row may have become ready in the meantime.
pub(super) async fn settled(connection: &mut SqliteConnection, rows: &[SettledRow]) -> Written {
    all(
        connection,
        "UPDATE outbox SET
             state = s.value ->> 'state',
             head = 0,
             uncertain = s.value ->> 'uncertain',
             attempts = attempts + (s.value ->> 'counted'),
             tries = tries + 1,
             next_attempt_at = coalesce(s.value ->> 'next_attempt_at', next_attempt_at),
             lease_until = NULL,
             held_reason = s.value ->> 'held_reason',
             last_verdict = coalesce(s.value ->> 'last_verdict', last_verdict),
             last_error = coalesce(s.value ->> 'last_error', last_error),
             note = s.value ->> 'note',
             finished_at = s.value ->> 'finished_at'
         FROM json_each(?) s
         WHERE outbox.id = s.value ->> 'id' AND outbox.state = 'running'",
        rows,
    )
    .await
}

pub(super) async fn attempts(connection: &mut SqliteConnection, rows: &[AttemptInsert]) -> Written {
    all(
        connection,
        "INSERT INTO attempt (outbox_id, number, started_at, finished_at, outcome, counted,
             verdict, error)
         SELECT value ->> 'outbox_id', value ->> 'number', value ->> 'started_at',
             value ->> 'finished_at', value ->> 'outcome', value ->> 'counted',
             value ->> 'verdict', value ->> 'error'
         FROM json_each(?)",
        rows,
    )
    .await
}

pub(super) async fn effects(connection: &mut SqliteConnection, rows: &[OutboxInsert]) -> Written {
    all(
        connection,
        "INSERT INTO outbox (id, lane, effect, remote, payload, state, head, priority,
             next_attempt_at, expires_at, inbox_id, message_id, created_at)
         SELECT value ->> 'id', value ->> 'lane', value ->> 'effect', value ->> 'remote',
             value ->> 'payload', 'ready',
             (value ->> 'first') AND NOT EXISTS (
                 SELECT 1 FROM outbox o WHERE o.lane = value ->> 'lane'
                     AND (o.state = 'ready' OR o.state = 'running')),
             value ->> 'priority', value ->> 'next_attempt_at', value ->> 'expires_at',
             value ->> 'inbox_id', value ->> 'message_id', value ->> 'created_at'
         FROM json_each(?)",
        rows,
    )
    .await
}

/// Gives each lane its head: the running row, else the oldest ready one.
pub(super) async fn promote(
    connection: &mut SqliteConnection,
    lanes: &BTreeSet<String>,
) -> Written {
    let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
    all(
        connection,
        "UPDATE outbox SET head = 1 WHERE head = 0 AND id IN (
             SELECT (SELECT o.id FROM outbox o WHERE o.lane = l.value
                     AND (o.state = 'ready' OR o.state = 'running')
                     ORDER BY o.state DESC, o.id LIMIT 1)
             FROM json_each(?) l)",
        &lanes,
    )
    .await
}

/// Which effects of these lanes wait and have not started, as (lane, effect).
pub(super) async fn waiting(
    connection: &mut SqliteConnection,
    lanes: &[&str],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT o.lane, o.effect FROM json_each(?) l
         CROSS JOIN outbox o ON o.lane = l.value AND o.state = 'ready'",
    )
    .bind(json(lanes))
    .fetch_all(connection)
    .await
}

/// Cancels what waits in a lane. A running row is left to its attempt.
pub(super) async fn cancel(
    connection: &mut SqliteConnection,
    cancel: &Cancel,
    now: i64,
) -> Result<Vec<MessageMoved>, sqlx::Error> {
    let mut moved = Vec::new();
    for statement in [
        "UPDATE outbox SET state = 'cancelled', head = 0, note = ?2, finished_at = ?3
         WHERE lane = ?1 AND state = 'ready' RETURNING message_id",
        "UPDATE outbox SET state = 'cancelled', held_reason = NULL, note = ?2, finished_at = ?3
         WHERE lane = ?1 AND state = 'held' RETURNING message_id",
    ] {
        let ids: Vec<Option<i64>> = sqlx::query_scalar(statement)
            .bind(&cancel.lane)
            .bind(cancel.reason)
            .bind(now)
            .fetch_all(&mut *connection)
            .await?;
        moved.extend(to_state(ids, "cancelled"));
    }
    Ok(moved)
}

/// Makes held rows ready again; being older, they go before what came later.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    release: &Release,
    now: i64,
) -> Result<Vec<MessageMoved>, sqlx::Error> {
    let ids: Vec<Option<i64>> = sqlx::query_scalar(
        "UPDATE outbox SET state = 'ready', held_reason = NULL, next_attempt_at = ?3
         WHERE lane = ?1 AND state = 'held' AND held_reason = ?2
             AND (?4 IS NULL OR EXISTS (SELECT 1 FROM send_window
                 WHERE account = ?4 AND openid = ?5 AND valid_until > ?3 AND used < allowed))
         RETURNING message_id",
    )
    .bind(&release.lane)
    .bind(release.reason)
    .bind(now)
    .bind(release.if_open.as_ref().map(|f| f.account.as_str()))
    .bind(release.if_open.as_ref().map(|f| f.openid.as_str()))
    .fetch_all(&mut *connection)
    .await?;
    if !ids.is_empty() {
        behead(connection, &release.lane).await?;
    }
    Ok(to_state(ids, "queued").collect())
}

/// Ends a held send that went out as a passive reply.
pub(super) async fn deliver_passively(
    connection: &mut SqliteConnection,
    passive: &PassiveDelivery,
    now: i64,
) -> Result<Vec<MessageMoved>, sqlx::Error> {
    let ids: Vec<Option<i64>> = sqlx::query_scalar(
        "UPDATE outbox SET state = 'done', held_reason = NULL, finished_at = ?3,
             note = 'delivered as a passive reply'
         WHERE id = ?1 AND state = 'held' AND held_reason = ?2 RETURNING message_id",
    )
    .bind(passive.outbox_id)
    .bind(passive.reason)
    .bind(now)
    .fetch_all(connection)
    .await?;
    Ok(to_state(ids, "answered").collect())
}

/// Takes the head from a lane that has gained an older row, so that [`promote`] chooses anew.
pub(super) async fn behead(connection: &mut SqliteConnection, lane: &str) -> Written {
    sqlx::query("UPDATE outbox SET head = 0 WHERE lane = ? AND state = 'ready' AND head = 1")
        .bind(lane)
        .execute(connection)
        .await
        .map(drop)
}

pub(super) fn to_state(
    ids: Vec<Option<i64>>,
    state: &'static str,
) -> impl Iterator<Item = MessageMoved> {
    ids.into_iter()
        .flatten()
        .map(move |id| MessageMoved { id, state })
}

/// The delivery state of messages follows their effects.
pub(super) async fn moved(
    connection: &mut SqliteConnection,
    rows: &[MessageMoved],
    now: i64,
) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE message SET state = m.value ->> 'state', settled_at = ?2
         FROM json_each(?1) m WHERE message.id = m.value ->> 'id'",
    )
    .bind(json(rows))
    .bind(now)
    .execute(connection)
    .await
    .map(drop)
}

pub(super) async fn answers(connection: &mut SqliteConnection, rows: &[StoredAnswer]) -> Written {
    #[derive(Serialize)]
    struct Row<'a> {
        id: i64,
        state: &'static str,
        answer: Option<&'a str>,
    }
    let rows: Vec<Row<'_>> = rows
        .iter()
        .map(|row| Row {
            id: row.inbox_id,
            state: if row.answer.is_some() {
                "stored"
            } else {
                "none"
            },
            answer: row.answer.as_deref(),
        })
        .collect();
    all(
        connection,
        "UPDATE inbox SET answer_state = a.value ->> 'state', answer = a.value ->> 'answer'
         FROM json_each(?) a WHERE inbox.id = a.value ->> 'id' AND inbox.answer_state = 'pending'",
        &rows,
    )
    .await
}

/// A state of `unfollowed` is overwritten only by somebody who saw the follower return, so what
/// the C4C lane found (`returned = false`) goes before what the follower did.
pub(super) async fn mappings(connection: &mut SqliteConnection, rows: &[MappingUpsert]) -> Written {
    let mut rows: Vec<&MappingUpsert> = rows.iter().collect();
    rows.sort_by_key(|row| row.returned || row.state == "unfollowed");
    all(
        connection,
        "INSERT INTO mapping (account, openid, unionid, tenant, object_id, customer_id, state,
             reason, scene, followed_at, created_at, linked_at, updated_at)
         SELECT value ->> 'account', value ->> 'openid', value ->> 'unionid', value ->> 'tenant',
             value ->> 'object_id', value ->> 'customer_id',
             CASE WHEN NOT (value ->> 'returned') AND EXISTS (SELECT 1 FROM mapping m
                     WHERE m.account = value ->> 'account' AND m.openid = value ->> 'openid'
                     AND m.state = 'unfollowed')
                 THEN 'unfollowed' ELSE value ->> 'state' END,
             value ->> 'reason', value ->> 'scene', value ->> 'followed_at', value ->> 'now',
             CASE WHEN value ->> 'object_id' IS NOT NULL THEN value ->> 'now' END,
             value ->> 'now'
         FROM json_each(?) WHERE true
         ON CONFLICT (account, openid) DO UPDATE SET
             unionid = coalesce(excluded.unionid, unionid),
             tenant = excluded.tenant,
             object_id = coalesce(excluded.object_id, object_id),
             customer_id = coalesce(excluded.customer_id, customer_id),
             state = excluded.state,
             reason = excluded.reason,
             scene = coalesce(excluded.scene, scene),
             followed_at = coalesce(excluded.followed_at, followed_at),
             linked_at = coalesce(excluded.linked_at, linked_at),
             updated_at = excluded.updated_at",
        &rows,
    )
    .await
}

/// An older act never replaces a newer grant.
pub(super) async fn grants(connection: &mut SqliteConnection, rows: &[GrantUpsert]) -> Written {
    all(
        connection,
        "INSERT INTO send_window (account, openid, \"trigger\", granted_at, valid_until, allowed)
         SELECT value ->> 'account', value ->> 'openid', value ->> 'trigger',
             value ->> 'granted_at', value ->> 'valid_until', value ->> 'allowed'
         FROM json_each(?) WHERE true
         ON CONFLICT (account, openid, \"trigger\") DO UPDATE SET
             granted_at = excluded.granted_at, valid_until = excluded.valid_until,
             allowed = excluded.allowed, used = 0
         WHERE excluded.granted_at > granted_at",
        rows,
    )
    .await
}

/// A send counts in every live grant (wechat.md 13.2: whether grants add up is not known).
pub(super) async fn window_uses(
    connection: &mut SqliteConnection,
    rows: &[FollowerRow],
    now: i64,
) -> Written {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE send_window SET used = used + u.times
         FROM (SELECT value ->> 'account' AS account, value ->> 'openid' AS openid,
                   count(*) AS times
               FROM json_each(?1) GROUP BY 1, 2) u
         WHERE send_window.account = u.account AND send_window.openid = u.openid
             AND valid_until > ?2",
    )
    .bind(json(rows))
    .bind(now)
    .execute(connection)
    .await
    .map(drop)
}

pub(super) async fn window_closed(
    connection: &mut SqliteConnection,
    rows: &[FollowerRow],
) -> Written {
    all(
        connection,
        "DELETE FROM send_window WHERE (account, openid) IN
             (SELECT value ->> 'account', value ->> 'openid' FROM json_each(?))",
        rows,
    )
    .await
}

pub(super) async fn snapshots(
    connection: &mut SqliteConnection,
    rows: &[SnapshotUpsert],
) -> Written {
    all(
        connection,
        "INSERT INTO customer_snapshot (tenant, object_id, fields, etag, changed_at, read_at)
         SELECT value ->> 'tenant', value ->> 'object_id', value ->> 'fields', value ->> 'etag',
             value ->> 'changed_at', value ->> 'read_at'
         FROM json_each(?) WHERE true
         ON CONFLICT (tenant, object_id) DO UPDATE SET
             fields = excluded.fields, etag = excluded.etag, changed_at = excluded.changed_at,
             read_at = excluded.read_at",
        rows,
    )
    .await
}

pub(super) async fn findings(connection: &mut SqliteConnection, rows: &[FindingInsert]) -> Written {
    all(
        connection,
        "INSERT INTO finding (job_run_id, kind, account, tenant, openid, object_id, detail,
             state, found_at)
         SELECT value ->> 'job_run_id', value ->> 'kind', value ->> 'account',
             value ->> 'tenant', value ->> 'openid', value ->> 'object_id', value ->> 'detail',
             value ->> 'state', value ->> 'found_at'
         FROM json_each(?)",
        rows,
    )
    .await
}
