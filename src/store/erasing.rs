//! Erasing a person, commit by commit: the statements behind [`super::erasures`].
//!
//! The beginning is one transaction: from it on they are unknown, so whoever comes later under the same
//! OpenID is a new person, whose rows have ids above the cuts.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::apply;
use super::audit::{self, Act, Target};
use super::codec::{json, micros};
use super::erasures::Beginning;
use super::operate::Effected;
use super::person::Keys;
use super::plan::{Ids, Plan};
use crate::domain::rows::{Cancel, Changes, Follower, NewErasure};

/// Pages of the full-text index that one commit merges: some ten milliseconds.
const MERGED: i64 = -200;

/// Why what waits for a person who is being erased is not done any more.
const ERASED: &str = "the person is being erased";

pub(super) async fn order(
    connection: &mut SqliteConnection,
    new: &NewErasure,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO erasure (account, openid, cause, state, obsolete_customer, not_before,
             requested_at)
         VALUES (?, ?, ?, 'waiting', ?, ?, ?)
         ON CONFLICT (account, openid) WHERE openid IS NOT NULL DO UPDATE SET
             cause = CASE WHEN excluded.cause = 'operator' THEN 'operator' ELSE cause END,
             obsolete_customer = max(obsolete_customer, excluded.obsolete_customer),
             not_before = min(not_before, excluded.not_before)
         RETURNING id",
    )
    .bind(new.follower.account.as_str())
    .bind(new.follower.openid.as_str())
    .bind(new.cause.as_str())
    .bind(new.obsolete_customer)
    .bind(micros(new.not_before))
    .bind(micros(now))
    .fetch_one(connection)
    .await?;
    Ok(Effected { rows: 1, id })
}

pub(super) async fn drop_waiting(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Effected, sqlx::Error> {
    sqlx::query("DELETE FROM erasure WHERE id = ? AND state = 'waiting'")
        .bind(id)
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn begin(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    beginning: &Beginning,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let Beginning {
        id,
        follower,
        keys,
        salt,
        changes,
    } = beginning;
    if is_busy(connection, follower, keys).await? {
        return Ok(Effected::rows(0));
    }
    let pseudonym = audit::named(connection, follower, salt).await?;
    let begun = sqlx::query(
        "UPDATE erasure SET state = 'erasing', begun_at = ?2, pseudonym = ?3, keys = ?4,
             inbox_cut = ?5, message_cut = ?6, outbox_cut = ?7, first_seen_at = (
                 SELECT min(at) FROM (
                     SELECT created_at AS at FROM mapping WHERE account = ?8 AND openid = ?9
                     UNION ALL
                     SELECT opened_at FROM conversation WHERE account = ?8 AND openid = ?9))
         WHERE id = ?1 AND state = 'waiting'",
    )
    .bind(id)
    .bind(micros(now))
    .bind(pseudonym)
    .bind(serde_json::to_string(keys).expect("texts"))
    .bind(ids.inbox.last())
    .bind(ids.message.last())
    .bind(ids.outbox.last())
    .bind(follower.account.as_str())
    .bind(follower.openid.as_str())
    .execute(&mut *connection)
    .await?;
    let mut plan = Plan::new(now);
    let cancel = |lane: &String| Cancel {
        lane: lane.clone(),
        reason: ERASED,
    };
    let cancels = keys.lanes.iter().map(cancel).collect();
    let cancelled = Changes {
        cancels,
        ..Changes::none()
    };
    plan.change(&cancelled, None, None, ids);
    plan.change(changes, None, None, ids);
    plan.write(connection).await?;
    forget(connection, *id, follower).await?;
    Ok(Effected::rows(begun.rows_affected()))
}

/// Whether something is being done for the person just now, or is about to be decided.
async fn is_busy(
    connection: &mut SqliteConnection,
    follower: &Follower,
    keys: &Keys,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM json_each(?1) l CROSS JOIN outbox o
                 ON o.lane = l.value AND o.state = 'running')
             OR EXISTS (SELECT 1 FROM outbox o
                 WHERE (o.lane = 'in:' || ?2 OR o.lane = 'found:' || ?2)
                     AND (o.state = 'ready' OR o.state = 'running') AND instr(o.payload, ?3) > 0)",
    )
    .bind(json(&keys.lanes))
    .bind(follower.account.as_str())
    .bind(follower.openid.as_str())
    .fetch_one(connection)
    .await
}

/// The rows that make somebody known: few, with the person in their key.
async fn forget(
    connection: &mut SqliteConnection,
    id: i64,
    follower: &Follower,
) -> Result<(), sqlx::Error> {
    for (table, statement) in [
        (
            "customer_snapshot",
            "DELETE FROM customer_snapshot WHERE (tenant, object_id) IN (
                 SELECT m.tenant, m.object_id FROM mapping m
                 WHERE m.account = ?1 AND m.openid = ?2 AND NOT EXISTS (
                     SELECT 1 FROM mapping x WHERE x.tenant = m.tenant AND x.object_id = m.object_id
                         AND (x.account <> m.account OR x.openid <> m.openid)))",
        ),
        (
            "reconcile_customer",
            "DELETE FROM reconcile_customer WHERE (tenant, object_id) IN (
                 SELECT r.tenant, r.object_id FROM mapping m JOIN reconcile_customer r
                     ON r.tenant = m.tenant AND r.object_id = m.object_id
                 WHERE m.account = ?1 AND m.openid = ?2)",
        ),
        (
            "reconcile_customer",
            "DELETE FROM reconcile_customer WHERE (tenant, object_id) IN (
                 SELECT r.tenant, r.object_id FROM mapping m JOIN reconcile_customer r
                     ON r.tenant = m.tenant AND r.wechat_id = m.openid
                 WHERE m.account = ?1 AND m.openid = ?2)",
        ),
        (
            "qr_code",
            "DELETE FROM qr_code WHERE id IN (
                 SELECT c.id FROM mapping m JOIN qr_code c
                     ON c.object_id = m.object_id AND c.tenant = m.tenant
                 WHERE m.account = ?1 AND m.openid = ?2 AND NOT EXISTS (
                     SELECT 1 FROM mapping x WHERE x.tenant = m.tenant AND x.object_id = m.object_id
                         AND (x.account <> m.account OR x.openid <> m.openid)))",
        ),
        (
            "qr_scan",
            "DELETE FROM qr_scan WHERE account = ?1 AND openid = ?2",
        ),
        (
            "invitation",
            "DELETE FROM invitation WHERE account = ?1 AND openid = ?2",
        ),
        (
            "mapping",
            "DELETE FROM mapping WHERE account = ?1 AND openid = ?2",
        ),
        (
            "session",
            "DELETE FROM session WHERE account = ?1 AND openid = ?2",
        ),
        (
            "consent",
            "DELETE FROM consent WHERE account = ?1 AND openid = ?2",
        ),
        (
            "send_window",
            "DELETE FROM send_window WHERE account = ?1 AND openid = ?2",
        ),
        (
            "profile",
            "DELETE FROM profile WHERE account = ?1 AND openid = ?2",
        ),
        (
            "reconcile_seen",
            "DELETE FROM reconcile_seen WHERE account = ?1 AND openid = ?2",
        ),
        // What they say from now on begins another one.
        (
            "conversation",
            "DELETE FROM conversation WHERE account = ?1 AND openid = ?2 AND state = 'open'",
        ),
    ] {
        let done = sqlx::query(statement)
            .bind(follower.account.as_str())
            .bind(follower.openid.as_str())
            .execute(&mut *connection)
            .await?;
        count(connection, id, table, done.rows_affected()).await?;
    }
    Ok(())
}

pub(super) async fn erase(
    connection: &mut SqliteConnection,
    id: i64,
    table: &'static str,
    rows: &[i64],
) -> Result<Effected, sqlx::Error> {
    let statement = match table {
        "outbox" => return erase_effects(connection, id, rows).await,
        "inbox" => {
            let keys = "DELETE FROM dedupe WHERE (key, remote, sender) IN (
                 SELECT i.dedupe_key, i.remote,
                     CASE i.source WHEN 'wechat' THEN i.openid ELSE '' END
                 FROM json_each(?) r CROSS JOIN inbox i ON i.id = r.value
                 WHERE i.dedupe_key IS NOT NULL)";
            erase_by(connection, id, "dedupe", keys, rows).await?;
            "DELETE FROM inbox WHERE id IN (SELECT value FROM json_each(?))"
        }
        "message" => "DELETE FROM message WHERE id IN (SELECT value FROM json_each(?))",
        "activity" => "DELETE FROM activity WHERE id IN (SELECT value FROM json_each(?))",
        "media" => "DELETE FROM media WHERE id IN (SELECT value FROM json_each(?))",
        "conversation" => "DELETE FROM conversation WHERE id IN (SELECT value FROM json_each(?))",
        "conversation_event" => {
            "DELETE FROM conversation_event WHERE id IN (SELECT value FROM json_each(?))"
        }
        "location" => "DELETE FROM location WHERE id IN (SELECT value FROM json_each(?))",
        "finding" => "DELETE FROM finding WHERE id IN (SELECT value FROM json_each(?))",
        "job_run" => {
            "UPDATE job_run SET resume = NULL WHERE id IN (SELECT value FROM json_each(?))"
        }
        // The others went at the beginning.
        _ => return Ok(Effected::rows(0)),
    };
    erase_by(connection, id, table, statement, rows).await
}

async fn erase_by(
    connection: &mut SqliteConnection,
    id: i64,
    table: &str,
    statement: &'static str,
    rows: &[i64],
) -> Result<Effected, sqlx::Error> {
    let done = sqlx::query(statement)
        .bind(json(rows))
        .execute(&mut *connection)
        .await?;
    count(connection, id, table, done.rows_affected()).await?;
    Ok(Effected::rows(done.rows_affected()))
}

/// A lane that loses its head gets another one.
async fn erase_effects(
    connection: &mut SqliteConnection,
    id: i64,
    rows: &[i64],
) -> Result<Effected, sqlx::Error> {
    let attempts = "DELETE FROM attempt WHERE outbox_id IN (
         SELECT o.id FROM json_each(?) r CROSS JOIN outbox o ON o.id = r.value
         WHERE o.state <> 'running')";
    erase_by(connection, id, "attempt", attempts, rows).await?;
    let lanes: Vec<String> = sqlx::query_scalar(
        "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'running'
         RETURNING lane",
    )
    .bind(json(rows))
    .fetch_all(&mut *connection)
    .await?;
    let deleted = lanes.len() as u64;
    apply::promote(connection, &lanes.into_iter().collect()).await?;
    count(connection, id, "outbox", deleted).await?;
    Ok(Effected::rows(deleted))
}

async fn count(
    connection: &mut SqliteConnection,
    id: i64,
    table: &str,
    rows: u64,
) -> Result<(), sqlx::Error> {
    if rows == 0 {
        return Ok(());
    }
    sqlx::query(
        "UPDATE erasure SET counts = json_set(counts, '$.' || ?2,
             coalesce(json_extract(counts, '$.' || ?2), 0) + ?3)
         WHERE id = ?1",
    )
    .bind(id)
    .bind(table)
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .execute(connection)
    .await
    .map(drop)
}

/// With a negative number FTS5 goes on until all is in one segment without deleted entries.
pub(super) async fn merge_index(
    connection: &mut SqliteConnection,
) -> Result<Effected, sqlx::Error> {
    let before = changes_so_far(connection).await?;
    sqlx::query("INSERT INTO message_search (message_search, rank) VALUES ('merge', ?)")
        .bind(MERGED)
        .execute(&mut *connection)
        .await?;
    let written = changes_so_far(connection).await? - before;
    // The order itself counts as one change.
    Ok(Effected::rows(u64::from(written > 1)))
}

async fn changes_so_far(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT total_changes()")
        .fetch_one(connection)
        .await
}

#[derive(sqlx::FromRow)]
struct Forgotten {
    account: String,
    openid: String,
    pseudonym: String,
    counts: String,
}

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    id: i64,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let forgotten: Option<Forgotten> = sqlx::query_as(
        "SELECT account, openid, pseudonym, counts FROM erasure WHERE id = ? AND state = 'erasing'",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(forgotten) = forgotten else {
        return Ok(Effected::rows(0));
    };
    let act = Act {
        who: "qiao".to_owned(),
        act: "person.erased",
        target: Target::Thing(audit::person_target(&forgotten.pseudonym)),
        before: None,
        after: Some(forgotten.counts),
    };
    audit::append(connection, &act, now).await?;
    sqlx::query("DELETE FROM pseudonym WHERE account = ? AND openid = ?")
        .bind(forgotten.account)
        .bind(forgotten.openid)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE erasure SET state = 'erased', openid = NULL, keys = NULL, finished_at = ?2
         WHERE id = ?1",
    )
    .bind(id)
    .bind(micros(now))
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn certify(
    connection: &mut SqliteConnection,
    id: i64,
    certificate: &str,
    sha256: &str,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "UPDATE erasure SET state = 'done', certificate = ?2, sha256 = ?3
         WHERE id = ?1 AND state = 'erased'",
    )
    .bind(id)
    .bind(certificate)
    .bind(sha256)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}
