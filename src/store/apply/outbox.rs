//! Effects: written, settled, released, cancelled; and who is the head of a lane.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnection;

use super::{Written, all};
use crate::domain::rows::{Cancel, PassiveDelivery, Release};
use crate::store::codec::json;
use crate::store::given;
use crate::store::rows::{
    DoneRow, LaneOfEffect, MessageMoved, MessageSettled, OutboxInsert, SettledRow,
};

/// What has ended well, and its attempts: nearly all of them, so they have statements of their own,
/// with few values.
pub(in crate::store) async fn done(
    connection: &mut SqliteConnection,
    rows: Vec<DoneRow>,
) -> Written {
    given::execute(
        connection,
        "UPDATE outbox SET state = 'done', head = 0, uncertain = 0, attempts = attempts + 1,
             tries = tries + 1, lease_until = NULL, note = NULL, started_at = g.started_at,
             finished_at = g.finished_at
         FROM given g
         WHERE outbox.id = g.id AND (outbox.state = 'ready' OR outbox.state = 'running')",
        rows.clone(),
    )
    .await?;
    given::execute(
        connection,
        "INSERT INTO attempt (outbox_id, number, started_at, finished_at, outcome, counted)
         SELECT g.id, g.number, g.started_at, g.finished_at, 'done', 1
         FROM given g WHERE g.id IS NOT NULL",
        rows,
    )
    .await
}

/// A row that was cancelled while its attempt ran keeps its state. The head is given anew by
/// [`promote`]: an older row may have become ready in the meantime. (What is local was never running.)
pub(in crate::store) async fn settled(
    connection: &mut SqliteConnection,
    rows: Vec<SettledRow>,
) -> Written {
    given::execute(
        connection,
        "UPDATE outbox SET
             state = g.state,
             head = 0,
             uncertain = g.uncertain,
             attempts = attempts + g.counted,
             tries = tries + 1,
             next_attempt_at = coalesce(g.next_attempt_at, outbox.next_attempt_at),
             lease_until = NULL,
             held_reason = g.held_reason,
             last_verdict = coalesce(g.last_verdict, outbox.last_verdict),
             last_error = coalesce(g.last_error, outbox.last_error),
             note = g.note,
             finished_at = g.finished_at
         FROM given g
         WHERE outbox.id = g.id AND (outbox.state = 'ready' OR outbox.state = 'running')",
        rows,
    )
    .await
}

pub(in crate::store) async fn effects(
    connection: &mut SqliteConnection,
    rows: Vec<OutboxInsert>,
) -> Written {
    given::execute(
        connection,
        "INSERT INTO outbox (id, lane, effect, remote, payload, state, head, priority,
             next_attempt_at, expires_at, inbox_id, message_id, created_at, trace)
         SELECT g.id, g.lane, g.effect, g.remote, g.payload, 'ready',
             g.first AND NOT EXISTS (
                 SELECT 1 FROM outbox o WHERE o.lane = g.lane
                     AND (o.state = 'ready' OR o.state = 'running')),
             g.priority, g.next_attempt_at, g.expires_at, g.inbox_id, g.message_id, g.created_at,
             g.trace
         FROM given g WHERE g.id IS NOT NULL",
        rows,
    )
    .await
}

/// Lets the effects of these lanes that nobody has tried be about their messages in the order in which
/// those were said: pushes of one moment overtake each other on their way to us.
pub(in crate::store) async fn in_order_said(
    connection: &mut SqliteConnection,
    lanes: &[LaneOfEffect],
) -> Written {
    all(
        connection,
        "WITH waiting AS MATERIALIZED (
             SELECT o.id, o.lane, o.message_id, m.created_at, m.msg_id
             FROM (SELECT DISTINCT value ->> 'lane' AS lane, value ->> 'effect' AS effect
                   FROM json_each(?)) l
             CROSS JOIN outbox o ON o.lane = l.lane AND o.state = 'ready' AND o.effect = l.effect
                 AND o.tries = 0
             JOIN message m ON m.id = o.message_id)
         UPDATE outbox SET message_id = said.message_id
         FROM (SELECT id, lane, row_number() OVER (PARTITION BY lane ORDER BY id) AS place
               FROM waiting) turn
         JOIN (SELECT message_id, lane, row_number() OVER (
                   PARTITION BY lane ORDER BY created_at, length(msg_id), msg_id, message_id) AS place
               FROM waiting) said ON said.lane = turn.lane AND said.place = turn.place
         WHERE outbox.id = turn.id AND outbox.message_id <> said.message_id",
        lanes,
    )
    .await
}

/// Gives each lane its head: the first of the running rows, else the oldest ready one.
pub(in crate::store) async fn promote(
    connection: &mut SqliteConnection,
    lanes: &BTreeSet<String>,
) -> Written {
    let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
    all(
        connection,
        "UPDATE outbox SET head = 1 WHERE head = 0 AND id IN (
             SELECT coalesce(
                 (SELECT r.id FROM outbox r WHERE r.lane = l.value AND r.state = 'running'
                  ORDER BY r.id LIMIT 1),
                 (SELECT o.id FROM outbox o WHERE o.lane = l.value
                      AND (o.state = 'ready' OR o.state = 'running')
                  ORDER BY o.id LIMIT 1))
             FROM json_each(?) l)",
        &lanes,
    )
    .await
}

/// Chooses the head anew in lanes that have gained an older row. It walks from a lane's oldest row
/// to its present head, so it is not for what happens all the time.
pub(in crate::store) async fn reorder(
    connection: &mut SqliteConnection,
    lanes: &BTreeSet<String>,
) -> Written {
    let list: Vec<&str> = lanes.iter().map(String::as_str).collect();
    all(
        connection,
        "UPDATE outbox SET head = 0 WHERE state = 'ready' AND id IN (
             SELECT (SELECT o.id FROM outbox o WHERE o.lane = l.value
                     AND (o.state = 'ready' OR o.state = 'running') AND o.head = 1
                     ORDER BY o.id LIMIT 1)
             FROM json_each(?) l)",
        &list,
    )
    .await?;
    promote(connection, lanes).await
}

/// Which effects of these lanes wait and have not started, as (lane, effect).
pub(in crate::store) async fn waiting(
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

/// Cancels what waits in these lanes. A running row is left to its attempt.
pub(in crate::store) async fn cancel(
    connection: &mut SqliteConnection,
    cancels: &[Cancel],
    now: i64,
) -> Result<Vec<MessageMoved>, sqlx::Error> {
    let mut moved = Vec::new();
    if cancels.is_empty() {
        return Ok(moved);
    }
    for statement in [
        "UPDATE outbox SET state = 'cancelled', head = 0, finished_at = ?2,
             note = c.value ->> 'reason'
         FROM json_each(?1) c
         WHERE outbox.lane = c.value ->> 'lane' AND outbox.state = 'ready'
         RETURNING message_id",
        "UPDATE outbox SET state = 'cancelled', held_reason = NULL, finished_at = ?2,
             note = c.value ->> 'reason'
         FROM json_each(?1) c
         WHERE outbox.lane = c.value ->> 'lane' AND outbox.state = 'held'
         RETURNING message_id",
    ] {
        let ids: Vec<Option<i64>> = sqlx::query_scalar(statement)
            .bind(json(cancels))
            .bind(now)
            .fetch_all(&mut *connection)
            .await?;
        moved.extend(to_state(ids, "cancelled"));
    }
    Ok(moved)
}

#[derive(sqlx::FromRow)]
struct Released {
    lane: String,
    message_id: Option<i64>,
}

/// Makes held rows ready again; being older, they go before what came later. Returns their lanes
/// and messages.
pub(in crate::store) async fn release(
    connection: &mut SqliteConnection,
    releases: &[Release],
    now: i64,
) -> Result<(BTreeSet<String>, Vec<MessageMoved>), sqlx::Error> {
    if releases.is_empty() {
        return Ok(Default::default());
    }
    let rows: Vec<Released> = sqlx::query_as(
        "UPDATE outbox SET state = 'ready', held_reason = NULL, next_attempt_at = ?2
         WHERE id IN (
             SELECT h.id FROM json_each(?1) r
             CROSS JOIN outbox h ON h.lane = r.value ->> 'lane' AND h.state = 'held'
             WHERE h.held_reason = r.value ->> 'reason'
                 AND (r.value ->> 'if_open' IS NULL OR EXISTS (SELECT 1 FROM send_window w
                     WHERE w.account = r.value ->> '$.if_open.account'
                         AND w.openid = r.value ->> '$.if_open.openid'
                         AND w.valid_until > ?2 AND w.used < w.allowed
                         AND (r.value ->> 'acted_after' IS NULL
                             OR w.granted_at > r.value ->> 'acted_after'))))
         RETURNING lane, message_id",
    )
    .bind(json(releases))
    .bind(now)
    .fetch_all(connection)
    .await?;
    let (lanes, ids): (BTreeSet<String>, Vec<Option<i64>>) = rows
        .into_iter()
        .map(|row| (row.lane, row.message_id))
        .unzip();
    Ok((lanes, to_state(ids, "queued").collect()))
}

/// Ends a held send that went out as a passive reply.
pub(in crate::store) async fn deliver_passively(
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

pub(in crate::store) fn to_state(
    ids: Vec<Option<i64>>,
    state: &'static str,
) -> impl Iterator<Item = MessageMoved> {
    ids.into_iter()
        .flatten()
        .map(move |id| MessageMoved { id, state })
}

/// The delivery state of messages follows their effects. What was said by a follower stays received,
/// whatever becomes of the effects that are about it.
pub(in crate::store) async fn moved(
    connection: &mut SqliteConnection,
    rows: Vec<MessageMoved>,
    now: i64,
) -> Written {
    let rows = rows.into_iter().map(|row| MessageSettled {
        id: row.id,
        state: row.state,
        settled_at: now,
    });
    given::execute(
        connection,
        "UPDATE message SET state = g.state, settled_at = g.settled_at
         FROM given g WHERE message.id = g.id AND message.direction = 'out'",
        rows.collect(),
    )
    .await
}
