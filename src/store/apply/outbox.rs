//! Effects: written, settled, released, cancelled; and who is the head of a lane.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnection;

use super::{Written, all};
use crate::domain::rows::{Cancel, PassiveDelivery, Release};
use crate::store::codec::json;
use crate::store::rows::{AttemptInsert, MessageMoved, OutboxInsert, SettledRow};

/// A row that was cancelled while its attempt ran keeps its state. The head is given anew by
/// [`promote`]: an older row may have become ready in the meantime.
pub(in crate::store) async fn settled(
    connection: &mut SqliteConnection,
    rows: &[SettledRow],
) -> Written {
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

pub(in crate::store) async fn attempts(
    connection: &mut SqliteConnection,
    rows: &[AttemptInsert],
) -> Written {
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

pub(in crate::store) async fn effects(
    connection: &mut SqliteConnection,
    rows: &[OutboxInsert],
) -> Written {
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
pub(in crate::store) async fn promote(
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

/// Cancels what waits in a lane. A running row is left to its attempt.
pub(in crate::store) async fn cancel(
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
pub(in crate::store) async fn release(
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

/// Takes the head from a lane that has gained an older row, so that [`promote`] chooses anew.
pub(in crate::store) async fn behead(connection: &mut SqliteConnection, lane: &str) -> Written {
    sqlx::query("UPDATE outbox SET head = 0 WHERE lane = ? AND state = 'ready' AND head = 1")
        .bind(lane)
        .execute(connection)
        .await
        .map(drop)
}

pub(in crate::store) fn to_state(
    ids: Vec<Option<i64>>,
    state: &'static str,
) -> impl Iterator<Item = MessageMoved> {
    ids.into_iter()
        .flatten()
        .map(move |id| MessageMoved { id, state })
}

/// The delivery state of messages follows their effects.
pub(in crate::store) async fn moved(
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
