//! What is kept per account: its access_token, and the send windows of its followers.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::ids::AccountId;
use crate::domain::rows::Follower;

/// What an account gets from WeChat for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// With which the API is called.
    AccessToken,
    /// With which URLs of pages are signed (wechat.md 3.4).
    JsapiTicket,
}

impl TokenKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AccessToken, Self::JsapiTicket];

    /// The word in `account_token.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::JsapiTicket => "jsapi_ticket",
        }
    }
}

/// An access_token or a ticket as it was fetched.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The token.
    pub value: SecretString,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// When WeChat said it would expire.
    pub expires_at: Timestamp,
}

/// One row of `send_window`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGrant {
    /// `message`, `menu`, `follow` or `scan`.
    pub trigger: String,
    /// When the act happened.
    pub granted_at: Timestamp,
    /// Until when we may send.
    pub valid_until: Timestamp,
    /// How many messages.
    pub allowed: u32,
    /// How many were sent.
    pub used: u32,
}

pub(super) struct TokenReplacement {
    account: String,
    kind: TokenKind,
    old: Option<SecretString>,
    new: StoredToken,
}

impl Store {
    /// The account's token of that kind, if one was ever fetched.
    pub async fn token(
        &self,
        account: &AccountId,
        kind: TokenKind,
    ) -> Result<Option<StoredToken>, StoreError> {
        let row: Option<(String, i64, i64)> = sqlx::query_as(
            "SELECT value, fetched_at, expires_at FROM account_token
             WHERE account = ? AND kind = ?",
        )
        .bind(account.as_str())
        .bind(kind.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|(value, fetched_at, expires_at)| StoredToken {
            value: value.into(),
            fetched_at: instant(fetched_at),
            expires_at: instant(expires_at),
        }))
    }

    /// Replaces the token only if the one that stands is still `old` (compare before replace):
    /// a slower refresher never overwrites a newer token. Returns whether it did.
    pub async fn replace_token(
        &self,
        account: &AccountId,
        kind: TokenKind,
        old: Option<SecretString>,
        new: StoredToken,
    ) -> Result<bool, StoreError> {
        let account = account.as_str().to_owned();
        self.operate(Operation::ReplaceToken(TokenReplacement {
            account,
            kind,
            old,
            new,
        }))
        .await
        .map(|done| done.rows > 0)
    }

    /// The follower's grants, expired ones too.
    pub async fn grants(&self, follower: &Follower) -> Result<Vec<StoredGrant>, StoreError> {
        let rows: Vec<(String, i64, i64, u32, u32)> = sqlx::query_as(
            "SELECT \"trigger\", granted_at, valid_until, allowed, used FROM send_window
             WHERE account = ? AND openid = ? ORDER BY valid_until",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_all(&self.readers)
        .await?;
        let grant = |(trigger, granted_at, valid_until, allowed, used)| StoredGrant {
            trigger,
            granted_at: instant(granted_at),
            valid_until: instant(valid_until),
            allowed,
            used,
        };
        Ok(rows.into_iter().map(grant).collect())
    }
}

pub(super) async fn replace_token(
    connection: &mut SqliteConnection,
    token: &TokenReplacement,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "INSERT INTO account_token (account, kind, value, fetched_at, expires_at)
         VALUES (?1, ?6, ?2, ?3, ?4)
         ON CONFLICT (account, kind) DO UPDATE SET
             value = excluded.value, fetched_at = excluded.fetched_at,
             expires_at = excluded.expires_at
         WHERE account_token.value IS ?5",
    )
    .bind(&token.account)
    .bind(token.new.value.expose_secret())
    .bind(micros(token.new.fetched_at))
    .bind(micros(token.new.expires_at))
    .bind(token.old.as_ref().map(|old| old.expose_secret().to_owned()))
    .bind(token.kind.as_str())
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}
