//! Who is who: reading `mapping` and the customers' baselines.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, json, micros};
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Follower, MappingState, Snapshot};

/// One row of `mapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Who.
    pub follower: Follower,
    /// Across accounts.
    pub unionid: Option<UnionId>,
    /// Where the customer lives.
    pub tenant: TenantId,
    /// The customer.
    pub customer: Option<(ObjectId, CustomerId)>,
    /// Its state.
    pub state: MappingState,
    /// Why, for states that need a word.
    pub reason: Option<String>,
    /// Of the QR code.
    pub scene: Option<String>,
    /// By which the customer was named last.
    pub name: Option<String>,
    /// CreateTime of the last follow or unfollow.
    pub followed_at: Option<Timestamp>,
    /// Since when they are linked to this customer.
    pub linked_at: Option<Timestamp>,
    /// When it was last written.
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    account: String,
    openid: String,
    unionid: Option<String>,
    tenant: String,
    object_id: Option<String>,
    customer_id: Option<String>,
    state: String,
    reason: Option<String>,
    scene: Option<String>,
    name: Option<String>,
    followed_at: Option<i64>,
    linked_at: Option<i64>,
    updated_at: i64,
}

impl From<Row> for Mapping {
    fn from(row: Row) -> Self {
        Self {
            follower: Follower {
                account: AccountId::new(row.account),
                openid: OpenId::new(row.openid),
            },
            unionid: row.unionid.map(UnionId::new),
            tenant: TenantId::new(row.tenant),
            customer: row
                .object_id
                .map(ObjectId::new)
                .zip(row.customer_id.map(CustomerId::new)),
            state: MappingState::parse(&row.state).expect("the CHECK of mapping.state"),
            reason: row.reason,
            scene: row.scene,
            name: row.name,
            followed_at: row.followed_at.map(instant),
            linked_at: row.linked_at.map(instant),
            updated_at: instant(row.updated_at),
        }
    }
}

impl Store {
    /// The mapping of one follower.
    pub async fn mapping(&self, follower: &Follower) -> Result<Option<Mapping>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT account, openid, unionid, tenant, object_id, customer_id, state, reason, scene,
                 name, followed_at, linked_at, updated_at
             FROM mapping WHERE account = ? AND openid = ?",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Mapping::from))
    }

    /// The mappings of these followers, as far as there are any.
    pub async fn mappings_of_followers(
        &self,
        followers: &[&Follower],
    ) -> Result<HashMap<Follower, Mapping>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT m.account, m.openid, m.unionid, m.tenant, m.object_id, m.customer_id, m.state,
                 m.reason, m.scene, m.name, m.followed_at, m.linked_at, m.updated_at
             FROM json_each(?) f
             CROSS JOIN mapping m ON m.account = f.value ->> 'account'
                 AND m.openid = f.value ->> 'openid'",
        )
        .bind(json(followers))
        .fetch_all(&self.readers)
        .await?;
        let mappings = rows.into_iter().map(Mapping::from);
        Ok(mappings.map(|m| (m.follower.clone(), m)).collect())
    }

    /// Everyone who stands for this customer: one person may follow several accounts.
    pub async fn mappings_of(
        &self,
        tenant: &TenantId,
        object: &ObjectId,
    ) -> Result<Vec<Mapping>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT account, openid, unionid, tenant, object_id, customer_id, state, reason, scene,
                 name, followed_at, linked_at, updated_at
             FROM mapping WHERE tenant = ? AND object_id = ?",
        )
        .bind(tenant.as_str())
        .bind(object.as_str())
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Mapping::from).collect())
    }

    /// Whether anybody who follows one of these accounts still waits for their customer.
    pub async fn any_pending(&self, accounts: &[&AccountId]) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM json_each(?) a
             CROSS JOIN mapping m ON m.account = a.value AND m.state = 'pending')",
        )
        .bind(json(accounts))
        .fetch_one(&self.readers)
        .await?)
    }

    /// Mappings in key order after `after`, at most `limit`; all accounts if `account` is `None`.
    pub async fn mappings(
        &self,
        account: Option<&AccountId>,
        after: Option<&Follower>,
        limit: u32,
    ) -> Result<Vec<Mapping>, StoreError> {
        let (after_account, after_openid) = after.map_or(("", ""), |follower| {
            (follower.account.as_str(), follower.openid.as_str())
        });
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT account, openid, unionid, tenant, object_id, customer_id, state, reason, scene,
                 name, followed_at, linked_at, updated_at
             FROM mapping
             WHERE (account, openid) > (?1, ?2) AND (?3 IS NULL OR account = ?3)
             ORDER BY account, openid LIMIT ?4",
        )
        .bind(after_account)
        .bind(after_openid)
        .bind(account.map(AccountId::as_str))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Mapping::from).collect())
    }

    /// Mappings of followers whom the running reconciliation has seen at WeChat, in key order after
    /// `after`; who is taken to have left is left out.
    pub async fn seen_mappings(
        &self,
        account: &AccountId,
        after: Option<&OpenId>,
        limit: usize,
    ) -> Result<Vec<Mapping>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT m.account, m.openid, m.unionid, m.tenant, m.object_id, m.customer_id, m.state,
                 m.reason, m.scene, m.name, m.followed_at, m.linked_at, m.updated_at
             FROM reconcile_seen s
             CROSS JOIN mapping m ON m.account = s.account AND m.openid = s.openid
             WHERE s.account = ?1 AND s.openid > ?2 AND m.state <> 'unfollowed'
             ORDER BY s.openid LIMIT ?3",
        )
        .bind(account.as_str())
        .bind(after.map_or("", OpenId::as_str))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Mapping::from).collect())
    }

    /// Accounts in which this OpenID is known, for commands that name only the person.
    pub async fn accounts_of(&self, openid: &OpenId) -> Result<Vec<AccountId>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE known(account) AS (
                 SELECT min(account) FROM mapping
                 UNION ALL
                 SELECT (SELECT min(m.account) FROM mapping m WHERE m.account > known.account)
                 FROM known WHERE known.account IS NOT NULL)
             SELECT m.account FROM known
             CROSS JOIN mapping m ON m.account = known.account AND m.openid = ?",
        )
        .bind(openid.as_str())
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(AccountId::new).collect())
    }

    /// The baseline of a customer, if one was read.
    pub async fn snapshot(
        &self,
        tenant: &TenantId,
        object: &ObjectId,
    ) -> Result<Option<Snapshot>, StoreError> {
        let row: Option<(String, Option<String>, Option<i64>)> = sqlx::query_as(
            "SELECT fields, etag, changed_at FROM customer_snapshot
             WHERE tenant = ? AND object_id = ?",
        )
        .bind(tenant.as_str())
        .bind(object.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|(fields, etag, changed_at)| Snapshot {
            tenant: tenant.clone(),
            object_id: object.clone(),
            fields: serde_json::from_str::<BTreeMap<String, String>>(&fields).unwrap_or_default(),
            etag,
            changed_at: changed_at.map(instant),
        }))
    }

    /// Takes their customer from a follower, who is `obsolete` then, or has left as before. `false` when they have
    /// none.
    pub async fn unlink(
        &self,
        follower: &Follower,
        reason: &'static str,
    ) -> Result<bool, StoreError> {
        let follower = follower.clone();
        let done = self.operate(Operation::Unlink { follower, reason }).await?;
        Ok(done.rows > 0)
    }
}

pub(super) async fn unlink(
    connection: &mut SqliteConnection,
    follower: &Follower,
    reason: &str,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "UPDATE mapping SET object_id = NULL, customer_id = NULL, linked_at = NULL, reason = ?3,
             state = CASE WHEN state = 'unfollowed' THEN state ELSE 'obsolete' END,
             updated_at = ?4
         WHERE account = ?1 AND openid = ?2 AND object_id IS NOT NULL",
    )
    .bind(follower.account.as_str())
    .bind(follower.openid.as_str())
    .bind(reason)
    .bind(micros(now))
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}
