//! What reconciliation asks once both platforms have been read: where three sides differ.
//!
//! Every answer comes in pages in key order, so that neither memory nor a read grows with the number of
//! followers. What a row means is decided in `flows`.

use jiff::Timestamp;

use super::codec::{instant, micros};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Follower, MappingState};

/// A follower whom WeChat lists and no mapping has as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFollower {
    /// Who.
    pub openid: OpenId,
    /// When WeChat was asked.
    pub seen_at: Timestamp,
    /// Their mapping says that they left.
    pub has_left: bool,
    /// Customers in use that carry their OpenID.
    pub claims: u32,
}

/// A mapping and what was seen of its customer in C4C, unless all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Whose mapping.
    pub openid: OpenId,
    /// Its state.
    pub state: MappingState,
    /// The customer for whom it stands.
    pub object_id: Option<ObjectId>,
    /// Whether that one is in use; `None` when it was not seen.
    pub active: Option<bool>,
    /// The WeChat ID that it carries.
    pub wechat_id: Option<OpenId>,
    /// Whether that is the OpenID of another follower who stands for the same customer.
    pub of_companion: bool,
    /// Customers in use that carry the follower's OpenID.
    pub claims: u32,
    /// Whether something waits or runs for them in C4C.
    pub busy: bool,
}

/// One person, by their UnionID, with several customers.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SharedUnionId {
    unionid: String,
    /// One of their accounts …
    pub account: String,
    /// … and who they are there.
    pub openid: String,
    /// The numbers of their customers, joined by commas.
    pub customers: String,
}

impl SharedUnionId {
    /// Where the next page starts.
    pub fn unionid(&self) -> UnionId {
        UnionId::new(&self.unionid)
    }
}

/// A customer for whom several followers of one account stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCustomer {
    /// Which.
    pub object_id: ObjectId,
    /// How many followers stand for it.
    pub followers: u32,
}

#[derive(sqlx::FromRow)]
struct SuspectRow {
    openid: String,
    state: String,
    object_id: Option<String>,
    active: Option<bool>,
    wechat_id: Option<String>,
    of_companion: bool,
    claims: u32,
    busy: bool,
}

impl From<SuspectRow> for Suspect {
    fn from(row: SuspectRow) -> Self {
        Self {
            openid: OpenId::new(row.openid),
            state: MappingState::parse(&row.state).expect("the CHECK of mapping.state"),
            object_id: row.object_id.map(ObjectId::new),
            active: row.active,
            wechat_id: row.wechat_id.map(OpenId::new),
            of_companion: row.of_companion,
            claims: row.claims,
            busy: row.busy,
        }
    }
}

impl Store {
    /// Mapped followers from `first` to `last` whom WeChat did not list. Who has followed since the
    /// listing `began` could not be in it.
    pub async fn unseen(
        &self,
        account: &AccountId,
        began: Timestamp,
        first: &OpenId,
        last: &OpenId,
    ) -> Result<Vec<Follower>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT m.openid FROM mapping m
             WHERE m.account = ?1 AND m.openid >= ?2 AND m.openid <= ?3
                 AND m.state <> 'unfollowed' AND m.created_at < ?4
                 AND coalesce(m.followed_at, 0) < ?4
                 AND NOT EXISTS (SELECT 1 FROM reconcile_seen s
                     WHERE s.account = m.account AND s.openid = m.openid)
             ORDER BY m.openid",
        )
        .bind(account.as_str())
        .bind(first.as_str())
        .bind(last.as_str())
        .bind(micros(began))
        .fetch_all(&self.readers)
        .await?;
        let follower = |openid| Follower {
            account: account.clone(),
            openid: OpenId::new(openid),
        };
        Ok(found.into_iter().map(follower).collect())
    }

    /// Listed followers from `first` to `last` who have no mapping, or one that says that they left
    /// before they were listed. Who is known to have had another OpenID is left out.
    pub async fn unknown(
        &self,
        account: &AccountId,
        tenant: &TenantId,
        first: &OpenId,
        last: &OpenId,
    ) -> Result<Vec<UnknownFollower>, StoreError> {
        let found: Vec<(String, i64, bool, u32)> = sqlx::query_as(
            "SELECT s.openid, s.seen_at, m.openid IS NOT NULL,
                 (SELECT count(*) FROM reconcile_customer c
                  WHERE c.tenant = ?2 AND c.wechat_id = s.openid AND c.active = 1)
             FROM reconcile_seen s
             LEFT JOIN mapping m ON m.account = s.account AND m.openid = s.openid
             WHERE s.account = ?1 AND s.openid >= ?3 AND s.openid <= ?4 AND s.moved = 0
                 AND (m.openid IS NULL
                     OR (m.state = 'unfollowed' AND coalesce(m.followed_at, 0) < s.seen_at))
             ORDER BY s.openid",
        )
        .bind(account.as_str())
        .bind(tenant.as_str())
        .bind(first.as_str())
        .bind(last.as_str())
        .fetch_all(&self.readers)
        .await?;
        let unknown =
            |(openid, seen_at, has_left, claims): (String, i64, bool, u32)| UnknownFollower {
                openid: OpenId::new(openid),
                seen_at: instant(seen_at),
                has_left,
                claims,
            };
        Ok(found.into_iter().map(unknown).collect())
    }

    /// The first and the last of the next `size` mappings of an account after `after`.
    pub async fn window(
        &self,
        account: &AccountId,
        after: Option<&OpenId>,
        size: u32,
    ) -> Result<Option<(OpenId, OpenId)>, StoreError> {
        let found: (Option<String>, Option<String>) = sqlx::query_as(
            "SELECT min(w.openid), max(w.openid) FROM (
                 SELECT openid FROM mapping WHERE account = ? AND openid > ?
                 ORDER BY openid LIMIT ?) w",
        )
        .bind(account.as_str())
        .bind(after.map_or("", OpenId::as_str))
        .bind(size)
        .fetch_one(&self.readers)
        .await?;
        let (first, last) = found;
        Ok(first.map(OpenId::new).zip(last.map(OpenId::new)))
    }

    /// The same of the followers whom WeChat listed.
    pub async fn seen_window(
        &self,
        account: &AccountId,
        after: Option<&OpenId>,
        size: u32,
    ) -> Result<Option<(OpenId, OpenId)>, StoreError> {
        let found: (Option<String>, Option<String>) = sqlx::query_as(
            "SELECT min(w.openid), max(w.openid) FROM (
                 SELECT openid FROM reconcile_seen WHERE account = ? AND openid > ?
                 ORDER BY openid LIMIT ?) w",
        )
        .bind(account.as_str())
        .bind(after.map_or("", OpenId::as_str))
        .bind(size)
        .fetch_one(&self.readers)
        .await?;
        let (first, last) = found;
        Ok(first.map(OpenId::new).zip(last.map(OpenId::new)))
    }

    /// The mappings of an account from `first` to `last` that do not fit what was seen in C4C, or
    /// that wait for a customer. Who left is left out.
    pub async fn suspects(
        &self,
        account: &AccountId,
        first: &OpenId,
        last: &OpenId,
    ) -> Result<Vec<Suspect>, StoreError> {
        let found: Vec<SuspectRow> = sqlx::query_as(
            "SELECT m.openid, m.state, m.object_id, c.active, c.wechat_id,
                 EXISTS (SELECT 1 FROM mapping f WHERE f.tenant = m.tenant
                     AND f.object_id = m.object_id AND f.openid = c.wechat_id
                     AND f.openid <> m.openid AND f.state = 'linked') AS of_companion,
                 (SELECT count(*) FROM reconcile_customer o WHERE o.tenant = m.tenant
                     AND o.wechat_id = m.openid AND o.active = 1) AS claims,
                 EXISTS (SELECT 1 FROM outbox o
                     WHERE o.lane = 'c4c:' || m.account || ':' || m.openid
                     AND (o.state = 'ready' OR o.state = 'running')) AS busy
             FROM mapping m
             LEFT JOIN reconcile_customer c ON c.tenant = m.tenant AND c.object_id = m.object_id
             WHERE m.account = ?1 AND m.openid >= ?2 AND m.openid <= ?3
                 AND m.state <> 'unfollowed'
                 AND (m.state <> 'linked' OR c.active IS NOT 1 OR c.wechat_id IS NOT m.openid
                     OR (SELECT count(*) FROM reconcile_customer o WHERE o.tenant = m.tenant
                         AND o.wechat_id = m.openid AND o.active = 1) <> 1)
             ORDER BY m.openid",
        )
        .bind(account.as_str())
        .bind(first.as_str())
        .bind(last.as_str())
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(Suspect::from).collect())
    }

    /// Customers for whom several followers of one account stand, in key order after `after`.
    pub async fn shared_customers(
        &self,
        tenant: &TenantId,
        after: Option<&ObjectId>,
        limit: u32,
    ) -> Result<Vec<SharedCustomer>, StoreError> {
        let found: Vec<(String, u32)> = sqlx::query_as(
            "SELECT object_id, count(*) FROM mapping
             WHERE tenant = ? AND object_id > ? AND state = 'linked'
             GROUP BY object_id HAVING count(*) > count(DISTINCT account)
             ORDER BY object_id LIMIT ?",
        )
        .bind(tenant.as_str())
        .bind(after.map_or("", ObjectId::as_str))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        let shared = |(object_id, followers): (String, u32)| SharedCustomer {
            object_id: ObjectId::new(object_id),
            followers,
        };
        Ok(found.into_iter().map(shared).collect())
    }

    /// People who follow several accounts of one tenant and are several customers there, in order
    /// of their UnionIDs after `after`.
    pub async fn shared_unionids(
        &self,
        tenant: &TenantId,
        after: Option<&UnionId>,
        limit: u32,
    ) -> Result<Vec<SharedUnionId>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT unionid, min(account) AS account, openid,
                 group_concat(DISTINCT customer_id) AS customers
             FROM mapping
             WHERE tenant = ? AND unionid > ? AND unionid IS NOT NULL AND state = 'linked'
             GROUP BY unionid HAVING count(DISTINCT object_id) > 1 AND count(DISTINCT account) > 1
             ORDER BY unionid LIMIT ?",
        )
        .bind(tenant.as_str())
        .bind(after.map_or("", UnionId::as_str))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }
}
