//! Conversations, what C4C knows of them, and media.

use sqlx::sqlite::SqliteConnection;

use super::Written;
use crate::store::given;
use crate::store::rows::{ActivityInsert, ConversationRows, MediaRows, ProfileUpsert};

/// Ends come first: a follower has one open conversation at a time. One that opens goes to the agent whom its
/// follower asked for.
pub(in crate::store) async fn conversations(
    connection: &mut SqliteConnection,
    rows: ConversationRows,
) -> Written {
    given::execute(
        connection,
        "UPDATE conversation SET state = 'ended', end_reason = g.reason, ended_at = g.at
         FROM given g WHERE conversation.id = g.id AND conversation.state = 'open'",
        rows.ended,
    )
    .await?;
    given::execute(
        connection,
        "INSERT INTO conversation (account, openid, state, first_message_id, last_message_id,
             messages, previous_id, opened_at, last_at, agent)
         SELECT g.account, g.openid, 'open', g.message_id, g.message_id, 1, g.previous_id, g.at,
             g.at, (SELECT i.agent FROM invitation i
                 WHERE i.account = g.account AND i.openid = g.openid)
         FROM given g WHERE g.account IS NOT NULL
         ON CONFLICT DO NOTHING",
        rows.opened.clone(),
    )
    .await?;
    given::execute(
        connection,
        "DELETE FROM invitation WHERE (account, openid) IN (
             SELECT c.account, c.openid FROM given g CROSS JOIN conversation c
                 ON c.account = g.account AND c.openid = g.openid
                 AND c.first_message_id = g.message_id)",
        rows.opened,
    )
    .await?;
    given::execute(
        connection,
        "UPDATE conversation SET
             last_at = max(last_at, g.at),
             last_message_id = max(last_message_id, coalesce(g.message_id, 0)),
             messages = messages + (g.message_id IS NOT NULL)
         FROM given g WHERE conversation.id = g.id",
        rows.goes_on,
    )
    .await?;
    given::execute(
        connection,
        "UPDATE conversation SET
             root_object_id = coalesce(g.root_object_id, conversation.root_object_id),
             ticket_object_id = coalesce(g.ticket_object_id, conversation.ticket_object_id),
             ticket_id = coalesce(g.ticket_id, conversation.ticket_id)
         FROM given g WHERE conversation.id = g.id",
        rows.in_c4c,
    )
    .await
}

pub(in crate::store) async fn profiles(
    connection: &mut SqliteConnection,
    rows: Vec<ProfileUpsert>,
) -> Written {
    given::execute(
        connection,
        "INSERT INTO profile (account, openid, object_id, made_at)
         SELECT * FROM given WHERE account IS NOT NULL
         ON CONFLICT (account, openid) DO UPDATE SET
             object_id = excluded.object_id, made_at = excluded.made_at",
        rows,
    )
    .await
}

/// An activity that is known already stays as it was first known.
pub(in crate::store) async fn activities(
    connection: &mut SqliteConnection,
    rows: Vec<ActivityInsert>,
) -> Written {
    given::execute(
        connection,
        "INSERT INTO activity (tenant, kind, object_id, number, direction, message_id, recorded_at)
         SELECT * FROM given WHERE tenant IS NOT NULL
         ON CONFLICT DO NOTHING",
        rows,
    )
    .await
}

pub(in crate::store) async fn media(connection: &mut SqliteConnection, rows: MediaRows) -> Written {
    given::execute(
        connection,
        "INSERT INTO media (message_id, kind, media_id, state)
         SELECT g.message_id, g.kind, g.media_id, 'wanted'
         FROM given g WHERE g.message_id IS NOT NULL",
        rows.wanted,
    )
    .await?;
    given::insert(connection, "media", rows.attached).await?;
    given::execute(
        connection,
        "UPDATE media SET state = g.state, sha256 = g.sha256, bytes = g.bytes, mime = g.mime,
             name = g.name, reason = g.reason, settled_at = g.settled_at
         FROM given g WHERE media.id = g.id AND media.state = 'wanted'",
        rows.settled,
    )
    .await
}
