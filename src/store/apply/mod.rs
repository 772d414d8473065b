//! The statements of a batch: each takes all rows of its table at once ([`given`]), or a short list as
//! JSON.
//!
//! sqlx pays about 50 µs a statement (performance.md), so the number of statements, not of
//! rows, is what a commit costs.

mod conversations;
mod outbox;
mod people;
mod qr;

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::json;
use super::given;
use super::rows::AnswerRow;
use crate::domain::rows::StoredAnswer;

pub(super) use conversations::*;
pub(super) use outbox::*;
pub(super) use people::*;
pub(super) use qr::*;

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

pub(super) async fn answers(connection: &mut SqliteConnection, rows: Vec<StoredAnswer>) -> Written {
    let rows = rows.into_iter().map(|row| AnswerRow {
        id: row.inbox_id,
        state: if row.answer.is_some() {
            "stored"
        } else {
            "none"
        },
        answer: row.answer,
    });
    given::execute(
        connection,
        "UPDATE inbox SET answer_state = g.state, answer = g.answer
         FROM given g WHERE inbox.id = g.id AND inbox.answer_state = 'pending'",
        rows.collect(),
    )
    .await
}
