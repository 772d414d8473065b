//! Who is who, what may be sent to whom, and what is forgotten.

use sqlx::sqlite::SqliteConnection;

use super::{Written, all};
use crate::store::codec::json;
use crate::store::given;
use crate::store::rows::{
    FollowerRow, GrantUpsert, MappingUpsert, SnapshotUpsert, WindowClosedRow,
};

/// A state of `unfollowed` is overwritten only by somebody who saw the follower return, so what
/// the C4C lane found (`returned = false`) goes before what the follower did.
///
/// Who decides on an act may have read the mapping before the C4C lane linked it: their `pending`, which
/// names no customer, leaves it linked. And who follows or leaves overrides nothing that they did later, in
/// whatever order it is decided.
pub(in crate::store) async fn mappings(
    connection: &mut SqliteConnection,
    mut rows: Vec<MappingUpsert>,
) -> Written {
    rows.sort_by_key(|row| row.returned || row.state == "unfollowed");
    given::execute(
        connection,
        "INSERT INTO mapping (account, openid, unionid, tenant, object_id, customer_id, state,
             reason, scene, name, followed_at, created_at, linked_at, updated_at)
         SELECT g.account, g.openid, g.unionid, g.tenant, g.object_id, g.customer_id,
             CASE WHEN NOT g.returned AND EXISTS (SELECT 1 FROM mapping m
                     WHERE m.account = g.account AND m.openid = g.openid
                     AND m.state = 'unfollowed')
                 THEN 'unfollowed' ELSE g.state END,
             g.reason, g.scene, g.name, g.followed_at, g.now,
             CASE WHEN g.object_id IS NOT NULL THEN coalesce(g.linked_at, g.now) END, g.now
         FROM given g WHERE g.account IS NOT NULL
         ON CONFLICT (account, openid) DO UPDATE SET
             unionid = coalesce(excluded.unionid, unionid),
             tenant = excluded.tenant,
             object_id = coalesce(excluded.object_id, object_id),
             customer_id = coalesce(excluded.customer_id, customer_id),
             state = CASE WHEN excluded.followed_at < followed_at THEN state
                 WHEN excluded.state = 'pending' AND excluded.object_id IS NULL
                     AND state = 'linked'
                 THEN 'linked' ELSE excluded.state END,
             reason = CASE WHEN excluded.followed_at < followed_at THEN reason
                 ELSE excluded.reason END,
             scene = coalesce(excluded.scene, scene),
             name = coalesce(excluded.name, name),
             followed_at = max(coalesce(excluded.followed_at, followed_at),
                 coalesce(followed_at, excluded.followed_at)),
             linked_at = CASE WHEN state = 'linked' AND object_id = excluded.object_id
                 THEN linked_at ELSE coalesce(excluded.linked_at, linked_at) END,
             updated_at = excluded.updated_at",
        rows,
    )
    .await
}

/// An older act never replaces a newer grant.
pub(in crate::store) async fn grants(
    connection: &mut SqliteConnection,
    rows: Vec<GrantUpsert>,
) -> Written {
    given::execute(
        connection,
        "INSERT INTO send_window (account, openid, \"trigger\", granted_at, valid_until, allowed)
         SELECT * FROM given WHERE account IS NOT NULL
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
    rows: Vec<SnapshotUpsert>,
) -> Written {
    given::execute(
        connection,
        "INSERT INTO customer_snapshot (tenant, object_id, fields, etag, changed_at, read_at)
         SELECT * FROM given WHERE tenant IS NOT NULL
         ON CONFLICT (tenant, object_id) DO UPDATE SET
             fields = excluded.fields, etag = excluded.etag, changed_at = excluded.changed_at,
             read_at = excluded.read_at",
        rows,
    )
    .await
}
