//! What reconciliation asks and remembers: the followers it has seen, and who is missing.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{json, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::{Follower, MappingState};

impl Store {
    /// Remembers a page of an account's followers for the running reconciliation.
    pub async fn mark_seen(
        &self,
        account: &AccountId,
        openids: &[OpenId],
    ) -> Result<(), StoreError> {
        let account = account.as_str().to_owned();
        let openids = openids.iter().map(|id| id.as_str().to_owned()).collect();
        self.operate(Operation::Seen { account, openids })
            .await
            .map(drop)
    }

    /// Empties that memory.
    pub async fn forget_seen(&self, account: &AccountId) -> Result<(), StoreError> {
        let account = account.as_str().to_owned();
        self.operate(Operation::ForgetSeen { account })
            .await
            .map(drop)
    }

    /// Which of these followers have no mapping, or one that says they left.
    pub async fn unmapped(
        &self,
        account: &AccountId,
        openids: &[OpenId],
    ) -> Result<Vec<OpenId>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT f.value FROM json_each(?2) f
             LEFT JOIN mapping m ON m.account = ?1 AND m.openid = f.value
             WHERE m.openid IS NULL OR m.state = 'unfollowed'",
        )
        .bind(account.as_str())
        .bind(json(openids))
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(OpenId::new).collect())
    }

    /// Mapped followers whom WeChat did not list, in key order after `after`. Who has followed
    /// since the listing `began` could not be in it.
    pub async fn unseen(
        &self,
        account: &AccountId,
        began: Timestamp,
        after: Option<&OpenId>,
        limit: u32,
    ) -> Result<Vec<Follower>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT m.openid FROM mapping m
             WHERE m.account = ?1 AND m.openid > ?2 AND m.state <> 'unfollowed'
                 AND m.created_at < ?4 AND coalesce(m.followed_at, 0) < ?4
                 AND NOT EXISTS (SELECT 1 FROM reconcile_seen s
                     WHERE s.account = m.account AND s.openid = m.openid)
             ORDER BY m.openid LIMIT ?3",
        )
        .bind(account.as_str())
        .bind(after.map_or("", OpenId::as_str))
        .bind(limit)
        .bind(micros(began))
        .fetch_all(&self.readers)
        .await?;
        Ok(followers(account, found))
    }

    /// Pending mappings for which no effect waits in their C4C lane, in key order after `after`.
    pub async fn stranded(
        &self,
        account: &AccountId,
        after: Option<&OpenId>,
        limit: u32,
    ) -> Result<Vec<Follower>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT m.openid FROM mapping m
             WHERE m.account = ?1 AND m.openid > ?2 AND m.state = ?3
                 AND NOT EXISTS (SELECT 1 FROM outbox o
                     WHERE o.lane = 'c4c:' || m.account || ':' || m.openid
                     AND (o.state = 'ready' OR o.state = 'running'))
             ORDER BY m.openid LIMIT ?4",
        )
        .bind(account.as_str())
        .bind(after.map_or("", OpenId::as_str))
        .bind(MappingState::Pending.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(followers(account, found))
    }
}

fn followers(account: &AccountId, openids: Vec<String>) -> Vec<Follower> {
    let follower = |openid| Follower {
        account: account.clone(),
        openid: OpenId::new(openid),
    };
    openids.into_iter().map(follower).collect()
}

pub(super) async fn seen(
    connection: &mut SqliteConnection,
    account: &str,
    openids: &[String],
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "INSERT OR IGNORE INTO reconcile_seen (account, openid) SELECT ?, value FROM json_each(?)",
    )
    .bind(account)
    .bind(json(openids))
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn forget_seen(
    connection: &mut SqliteConnection,
    account: &str,
) -> Result<Effected, sqlx::Error> {
    sqlx::query("DELETE FROM reconcile_seen WHERE account = ?")
        .bind(account)
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}
