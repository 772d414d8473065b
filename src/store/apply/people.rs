//! Who is who, what may be sent to whom, and what is forgotten.

use sqlx::sqlite::SqliteConnection;

use super::{Written, all};
use crate::store::codec::json;
use crate::store::rows::{
    FindingInsert, FollowerRow, GrantUpsert, MappingUpsert, SnapshotUpsert, WindowClosedRow,
};

/// A state of `unfollowed` is overwritten only by somebody who saw the follower return, so what
/// the C4C lane found (`returned = false`) goes before what the follower did.
pub(in crate::store) async fn mappings(
    connection: &mut SqliteConnection,
    rows: &[MappingUpsert],
) -> Written {
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
pub(in crate::store) async fn grants(
    connection: &mut SqliteConnection,
    rows: &[GrantUpsert],
) -> Written {
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
pub(in crate::store) async fn window_uses(
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

pub(in crate::store) async fn window_closed(
    connection: &mut SqliteConnection,
    rows: &[WindowClosedRow],
) -> Written {
    all(
        connection,
        "DELETE FROM send_window WHERE (account, openid, \"trigger\") IN (
             SELECT w.account, w.openid, w.\"trigger\" FROM json_each(?) c
             CROSS JOIN send_window w ON w.account = c.value ->> 'account'
                 AND w.openid = c.value ->> 'openid' AND w.granted_at <= c.value ->> 'until')",
        rows,
    )
    .await
}

pub(in crate::store) async fn snapshots(
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

pub(in crate::store) async fn findings(
    connection: &mut SqliteConnection,
    rows: &[FindingInsert],
) -> Written {
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
