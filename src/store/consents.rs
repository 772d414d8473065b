//! What followers consented to tell of themselves.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, micros};
use super::{Store, StoreError};
use crate::domain::ids::UnionId;
use crate::domain::rows::{ConsentChange, Follower, Profile, RefreshToken};

/// A row of `consent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What was told.
    pub profile: Profile,
    /// By which it can be read again; `None` once it was withdrawn or has lapsed.
    pub refresh_token: Option<RefreshToken>,
    /// When they consented last.
    pub given_at: Timestamp,
    /// When name and avatar were told last.
    pub read_at: Option<Timestamp>,
    /// When they withdrew it.
    pub withdrawn_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: Option<String>,
    avatar: Option<String>,
    refresh_token: Option<String>,
    given_at: i64,
    read_at: Option<i64>,
    withdrawn_at: Option<i64>,
}

impl Store {
    /// What somebody consented to, if they ever did.
    pub async fn consent(&self, follower: &Follower) -> Result<Option<Consent>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT name, avatar, refresh_token, given_at, read_at, withdrawn_at FROM consent
             WHERE account = ? AND openid = ?",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| Consent {
            profile: Profile {
                name: row.name,
                avatar: row.avatar,
            },
            refresh_token: row.refresh_token.map(RefreshToken::new),
            given_at: instant(row.given_at),
            read_at: row.read_at.map(instant),
            withdrawn_at: row.withdrawn_at.map(instant),
        }))
    }
}

/// Writes one change. They are rare, so each is a statement of its own.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    change: &ConsentChange,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    match change {
        ConsentChange::Given {
            follower,
            profile,
            refresh_token,
            unionid,
        } => {
            give(connection, follower, profile.as_ref(), refresh_token, now).await?;
            know(connection, follower, unionid.as_ref(), now).await
        }
        ConsentChange::Read { follower, profile } => sqlx::query(
            "UPDATE consent SET name = ?3, avatar = ?4, read_at = ?5
             WHERE account = ?1 AND openid = ?2 AND withdrawn_at IS NULL",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(profile.name.as_deref())
        .bind(profile.avatar.as_deref())
        .bind(micros(now))
        .execute(connection)
        .await
        .map(drop),
        ConsentChange::Lapsed { follower } => {
            sqlx::query("UPDATE consent SET refresh_token = NULL WHERE account = ? AND openid = ?")
                .bind(follower.account.as_str())
                .bind(follower.openid.as_str())
                .execute(connection)
                .await
                .map(drop)
        }
        ConsentChange::Withdrawn {
            follower,
            at,
            closed,
        } => withdraw(connection, follower, *at, *closed).await,
    }
}

/// What was told before stays where nothing could be read now.
async fn give(
    connection: &mut SqliteConnection,
    follower: &Follower,
    profile: Option<&Profile>,
    refresh_token: &RefreshToken,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO consent (account, openid, scope, name, avatar, refresh_token, given_at, read_at)
         VALUES (?1, ?2, 'snsapi_userinfo', ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (account, openid) DO UPDATE SET
             name = CASE WHEN excluded.read_at IS NULL THEN name ELSE excluded.name END,
             avatar = CASE WHEN excluded.read_at IS NULL THEN avatar ELSE excluded.avatar END,
             refresh_token = excluded.refresh_token, given_at = excluded.given_at,
             read_at = coalesce(excluded.read_at, read_at), withdrawn_at = NULL",
    )
    .bind(follower.account.as_str())
    .bind(follower.openid.as_str())
    .bind(profile.and_then(|profile| profile.name.as_deref()))
    .bind(profile.and_then(|profile| profile.avatar.as_deref()))
    .bind(refresh_token.expose())
    .bind(micros(now))
    .bind(profile.map(|_| micros(now)))
    .execute(connection)
    .await
    .map(drop)
}

/// Who they are across accounts is noted where they are mapped already; it makes nobody a customer.
async fn know(
    connection: &mut SqliteConnection,
    follower: &Follower,
    unionid: Option<&UnionId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let Some(unionid) = unionid else {
        return Ok(());
    };
    sqlx::query(
        "UPDATE mapping SET unionid = ?3, updated_at = ?4
         WHERE account = ?1 AND openid = ?2 AND unionid IS NOT ?3",
    )
    .bind(follower.account.as_str())
    .bind(follower.openid.as_str())
    .bind(unionid.as_str())
    .bind(micros(now))
    .execute(connection)
    .await
    .map(drop)
}

/// The name by which they were mapped goes, too, if it is the one that they told. A consent that was
/// given after that stands.
async fn withdraw(
    connection: &mut SqliteConnection,
    follower: &Follower,
    at: Timestamp,
    closed: bool,
) -> Result<(), sqlx::Error> {
    for statement in [
        "UPDATE mapping SET name = NULL WHERE account = ?1 AND openid = ?2 AND name IS NOT NULL
             AND name IS (SELECT c.name FROM consent c
                 WHERE c.account = ?1 AND c.openid = ?2 AND c.given_at <= ?3)",
        "UPDATE consent SET name = NULL, avatar = NULL, refresh_token = NULL, withdrawn_at = ?3
         WHERE account = ?1 AND openid = ?2 AND given_at <= ?3 AND withdrawn_at IS NULL",
    ] {
        sqlx::query(statement)
            .bind(follower.account.as_str())
            .bind(follower.openid.as_str())
            .bind(micros(at))
            .execute(&mut *connection)
            .await?;
    }
    if closed {
        sqlx::query("DELETE FROM session WHERE account = ? AND openid = ?")
            .bind(follower.account.as_str())
            .bind(follower.openid.as_str())
            .execute(connection)
            .await?;
    }
    Ok(())
}
