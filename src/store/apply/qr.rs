//! QR codes, their scans, and who asked for an agent.

use sqlx::sqlite::SqliteConnection;

use super::Written;
use crate::store::given;
use crate::store::rows::QrRows;

/// A code that can be scanned is not wanted anew: its ticket would go.
pub(in crate::store) async fn qr(connection: &mut SqliteConnection, rows: QrRows) -> Written {
    given::execute(
        connection,
        "INSERT INTO qr_code (account, scene, is_number, purpose, target, tenant, object_id,
             single_use, lifetime, state, created_at)
         SELECT g.account, g.scene, g.is_number, g.purpose, g.target, g.tenant, g.object_id,
             g.single_use, g.lifetime, 'wanted', g.now
         FROM given g WHERE g.account IS NOT NULL
         ON CONFLICT (account, scene) DO UPDATE SET
             is_number = excluded.is_number, lifetime = excluded.lifetime, state = 'wanted',
             reason = NULL, ticket = NULL, url = NULL, made_at = NULL, expires_at = NULL
         WHERE state <> 'ready' OR expires_at <= excluded.created_at",
        rows.wanted,
    )
    .await?;
    given::execute(
        connection,
        "UPDATE qr_code SET state = 'ready', reason = NULL, ticket = g.ticket, url = g.url,
             made_at = g.now, expires_at = g.expires_at
         FROM given g WHERE qr_code.account = g.account AND qr_code.scene = g.scene",
        rows.made,
    )
    .await?;
    given::execute(
        connection,
        "UPDATE qr_code SET state = 'failed', reason = g.reason
         FROM given g WHERE qr_code.account = g.account AND qr_code.scene = g.scene
             AND qr_code.state = 'wanted'",
        rows.failed,
    )
    .await?;
    given::execute(
        connection,
        "INSERT INTO qr_scan (code_id, account, openid, follow, outcome, at, inbox_id)
         SELECT g.code_id, g.account, g.openid, g.follow, g.outcome, g.at, g.inbox_id
         FROM given g WHERE g.code_id IS NOT NULL",
        rows.scans.clone(),
    )
    .await?;
    given::execute(
        connection,
        "UPDATE qr_code SET scans = scans + s.times, follows = follows + s.followed,
             last_scan_at = max(coalesce(last_scan_at, s.last), s.last),
             used_at = coalesce(used_at, CASE WHEN single_use THEN s.used END)
         FROM (SELECT g.code_id, count(*) AS times, sum(g.follow) AS followed, max(g.at) AS last,
                   min(CASE WHEN g.uses_up THEN g.at END) AS used
               FROM given g WHERE g.code_id IS NOT NULL GROUP BY g.code_id) s
         WHERE qr_code.id = s.code_id",
        rows.scans,
    )
    .await?;
    given::execute(
        connection,
        "INSERT INTO invitation (account, openid, agent, at)
         SELECT g.account, g.openid, g.agent, g.at FROM given g WHERE g.account IS NOT NULL
         ON CONFLICT (account, openid) DO UPDATE SET agent = excluded.agent, at = excluded.at
         WHERE excluded.at >= at",
        rows.invitations,
    )
    .await
}
