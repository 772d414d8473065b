//! What is done once, when the daemon starts: nothing runs yet, so what stands as running was
//! cut off, and nobody knows whether it happened.

use super::codec::micros;
use super::operate::Operation;
use super::{Store, StoreError, apply};
use sqlx::sqlite::SqliteConnection;

use jiff::Timestamp;

impl Store {
    /// Makes every row found running `uncertain` and ready; returns how many there were.
    /// Jobs found running are marked interrupted.
    pub async fn recover(&self) -> Result<u64, StoreError> {
        self.operate(Operation::Recover).await.map(|done| done.rows)
    }

    /// Whether anything ever arrived: pushes may have been missed since.
    pub async fn has_arrivals(&self) -> Result<bool, StoreError> {
        let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM inbox WHERE id > 0)");
        Ok(any.fetch_one(&self.readers).await?)
    }
}

pub(super) async fn recover(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    sqlx::query(
        "INSERT INTO attempt (outbox_id, number, started_at, finished_at, outcome, counted,
             verdict, error)
         SELECT id, tries + 1, coalesce(started_at, ?1), ?1, 'failed', 1, 'uncertain',
             'the daemon stopped in the middle of this attempt'
         FROM outbox WHERE state = 'running'",
    )
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE message SET state = 'uncertain', settled_at = ?
         WHERE id IN (SELECT message_id FROM outbox WHERE state = 'running')
             AND direction = 'out'",
    )
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    // Each may have shown its message, so it counts as sent, whatever becomes of it now.
    sqlx::query(
        "UPDATE send_window SET used = used + u.times
         FROM (SELECT m.account, m.openid, count(*) AS times
               FROM outbox o JOIN message m ON m.id = o.message_id
               WHERE o.state = 'running' AND m.direction = 'out' GROUP BY 1, 2) u
         WHERE send_window.account = u.account AND send_window.openid = u.openid
             AND valid_until > ?",
    )
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    let lanes: Vec<String> = sqlx::query_scalar(
        "UPDATE outbox SET state = 'ready', head = 0, uncertain = 1, lease_until = NULL,
             attempts = attempts + 1, tries = tries + 1, next_attempt_at = ?1,
             last_verdict = 'uncertain',
             last_error = 'the daemon stopped in the middle of this attempt'
         WHERE state = 'running' RETURNING lane",
    )
    .bind(micros(now))
    .fetch_all(&mut *connection)
    .await?;
    let found = lanes.len() as u64;
    apply::promote(connection, &lanes.into_iter().collect()).await?;
    sqlx::query(
        "UPDATE job_run SET outcome = 'interrupted', finished_at = ? WHERE outcome = 'running'",
    )
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(found)
}
