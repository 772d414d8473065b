//! How values stand in SQLite: instants as INTEGER microseconds, rows as JSON for `json_each`.

use jiff::Timestamp;
use serde::Serialize;

/// Microseconds since 1970, UTC.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant.as_microsecond()
}

/// Reads microseconds; the tables hold only what [`micros`] wrote.
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Rows as one JSON array, which a statement unfolds with `json_each`.
pub(super) fn json<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).expect("rows hold only text and numbers")
}
