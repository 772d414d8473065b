//! Deleting what was said: the statements behind the follower's own `delete`.

use sqlx::sqlite::SqliteConnection;

use super::apply::{Written, all};
use super::rows::FollowerRow;

/// Deletes a person's own history: their messages with what hangs on them, raw pushes (suppressed ones, too) and finished
/// payloads. What still waits to be sent stays, since it has not been said yet.
pub(super) async fn history(connection: &mut SqliteConnection, rows: &[FollowerRow]) -> Written {
    for statement in [
        "UPDATE inbox SET body = NULL, answer = NULL, answer_state = 'none' WHERE id IN (
             WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.inbox_id FROM json_each(?) f
             CROSS JOIN bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
                 AND m.account = f.value ->> 'account' AND m.openid = f.value ->> 'openid')",
        "UPDATE inbox SET body = NULL WHERE id IN (
             SELECT i.id FROM json_each(?) f
             CROSS JOIN inbox i ON i.remote = f.value ->> 'account'
                 AND i.openid = f.value ->> 'openid' AND i.body IS NOT NULL
                 AND i.openid IS NOT NULL AND substr(i.kind, 1, 6) = 'event:')",
        "UPDATE inbox SET body = NULL WHERE id IN (
             SELECT d.id FROM json_each(?) f
             CROSS JOIN inbox d ON d.duplicate_of IS NOT NULL
                 AND d.remote = f.value ->> 'account' AND d.openid = f.value ->> 'openid')",
        "UPDATE outbox SET payload = '{}', message_id = NULL
         WHERE finished_at IS NOT NULL AND id IN (
             WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.outbox_id FROM json_each(?) f
             CROSS JOIN bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
                 AND m.account = f.value ->> 'account' AND m.openid = f.value ->> 'openid')",
        "DELETE FROM media WHERE message_id IN (
             WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.id FROM json_each(?) f
             CROSS JOIN bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
                 AND m.account = f.value ->> 'account' AND m.openid = f.value ->> 'openid'
                 AND m.state NOT IN ('queued', 'held', 'uncertain'))",
        "DELETE FROM location WHERE id IN (
             SELECT l.id FROM json_each(?) f CROSS JOIN location l
             ON l.account = f.value ->> 'account' AND l.openid = f.value ->> 'openid')",
        "DELETE FROM message WHERE id IN (
             WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.id FROM json_each(?) f
             CROSS JOIN bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
                 AND m.account = f.value ->> 'account' AND m.openid = f.value ->> 'openid'
                 AND m.state NOT IN ('queued', 'held', 'uncertain'))",
    ] {
        all(connection, statement, rows).await?;
    }
    Ok(())
}
