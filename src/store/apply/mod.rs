//! The statements of a batch: each takes all rows of its table at once, as JSON.
//!
//! sqlx pays about 50 µs a statement (performance.md), so the number of statements, not of
//! rows, is what a commit costs.

mod outbox;
mod people;

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::json;
use super::rows::{DedupeRow, InboxRow, MessageInsert};
use crate::domain::rows::StoredAnswer;

pub(super) use outbox::*;
pub(super) use people::*;

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
