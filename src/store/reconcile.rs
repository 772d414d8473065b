//! What reconciliation remembers of both platforms while it runs, and the repairs of what it found.
//!
//! What is asked of these tables stands in [`super::differences`].

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::{json, micros};
use super::operate::{Effected, Operation};
use super::plan::{Ids, Plan};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Changes, Finding, Follower};

/// Rows of that memory that one commit deletes: pushes wait for it, some milliseconds.
const FORGOTTEN_AT_ONCE: u64 = 5000;

/// A customer as a page of C4C shows it; what a page does not show is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenCustomer {
    /// Its key.
    pub object_id: ObjectId,
    /// The WeChat ID that it carries.
    pub wechat_id: Option<OpenId>,
    /// Whether it is in use.
    pub active: Option<bool>,
}

/// A finding that has a repair.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlannedRepair {
    /// `finding.id`
    pub id: i64,
    /// The repair, as JSON.
    pub repair: String,
}

/// Findings whose repairs are queued, with what is written for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Repaired {
    /// Their ids.
    pub findings: Vec<i64>,
    /// The repairs.
    pub changes: Changes,
    /// UnionIDs that became known.
    pub unionids: Vec<(Follower, UnionId)>,
}

impl Store {
    /// Remembers a page of an account's followers; `at` is when WeChat was asked.
    pub async fn mark_seen(
        &self,
        account: &AccountId,
        openids: &[OpenId],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let account = account.as_str().to_owned();
        let openids = json(openids);
        let seen = Operation::Seen {
            account,
            openids,
            at,
        };
        self.operate(seen).await.map(drop)
    }

    /// Remembers that these followers had another OpenID before, which is known.
    pub async fn mark_moved(
        &self,
        account: &AccountId,
        openids: &[OpenId],
    ) -> Result<(), StoreError> {
        let account = account.as_str().to_owned();
        let openids = json(openids);
        self.operate(Operation::Moved { account, openids })
            .await
            .map(drop)
    }

    /// Empties the memory of an account's followers.
    pub async fn forget_seen(&self, account: &AccountId) -> Result<(), StoreError> {
        loop {
            let account = account.as_str().to_owned();
            let gone = self.operate(Operation::ForgetSeen { account }).await?;
            if gone.rows < FORGOTTEN_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Remembers a page of customers, those of them that carry a WeChat ID or are mapped.
    pub async fn mark_customers(
        &self,
        tenant: &TenantId,
        customers: &[SeenCustomer],
    ) -> Result<(), StoreError> {
        let tenant = tenant.as_str().to_owned();
        let customers = json(customers);
        self.operate(Operation::SeenCustomers { tenant, customers })
            .await
            .map(drop)
    }

    /// Empties the memory of a tenant's customers.
    pub async fn forget_customers(&self, tenant: &TenantId) -> Result<(), StoreError> {
        loop {
            let tenant = tenant.as_str().to_owned();
            let gone = self.operate(Operation::ForgetCustomers { tenant }).await?;
            if gone.rows < FORGOTTEN_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Counts a call of which an account has `most` a day. `false` when the day has no more.
    pub async fn count_call(
        &self,
        account: &AccountId,
        call: &'static str,
        day: Date,
        most: u32,
    ) -> Result<bool, StoreError> {
        let account = account.as_str().to_owned();
        let day = day.to_string();
        let counted = Operation::CountCall {
            account,
            call,
            day,
            most,
        };
        self.operate(counted).await.map(|done| done.rows > 0)
    }

    /// Remembers where a run goes on, with what it has found up to there, in one commit.
    pub async fn note_findings(
        &self,
        run: i64,
        resume: String,
        findings: Vec<Finding>,
    ) -> Result<(), StoreError> {
        let findings = Box::new(Changes {
            findings,
            ..Changes::none()
        });
        let noted = Operation::NoteFindings {
            run,
            resume,
            findings,
        };
        self.operate(noted).await.map(drop)
    }

    /// How many findings of a run can be repaired and are not.
    pub async fn count_planned(&self, run: i64) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM finding
             WHERE job_run_id = ? AND state = 'found' AND repair IS NOT NULL",
        )
        .bind(run)
        .fetch_one(&self.readers)
        .await?)
    }

    /// The first of them, at most `limit`.
    pub async fn planned(&self, run: i64, limit: u32) -> Result<Vec<PlannedRepair>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, repair FROM finding
             WHERE job_run_id = ? AND state = 'found' AND repair IS NOT NULL ORDER BY id LIMIT ?",
        )
        .bind(run)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// Queues repairs and says so of their findings, in one commit.
    pub async fn repair(&self, repaired: Repaired) -> Result<(), StoreError> {
        self.operate(Operation::Repair(Box::new(repaired)))
            .await
            .map(drop)
    }
}

pub(super) async fn seen(
    connection: &mut SqliteConnection,
    account: &str,
    openids: &str,
    at: Timestamp,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "INSERT OR IGNORE INTO reconcile_seen (account, openid, seen_at)
         SELECT ?, value, ? FROM json_each(?)",
    )
    .bind(account)
    .bind(micros(at))
    .bind(openids)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn moved(
    connection: &mut SqliteConnection,
    account: &str,
    openids: &str,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "UPDATE reconcile_seen SET moved = 1
         WHERE account = ? AND openid IN (SELECT value FROM json_each(?))",
    )
    .bind(account)
    .bind(openids)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn forget_seen(
    connection: &mut SqliteConnection,
    account: &str,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "DELETE FROM reconcile_seen WHERE (account, openid) IN (
             SELECT account, openid FROM reconcile_seen WHERE account = ? ORDER BY openid
             LIMIT CAST(? AS INTEGER))",
    )
    .bind(account)
    .bind(FORGOTTEN_AT_ONCE.cast_signed())
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn seen_customers(
    connection: &mut SqliteConnection,
    tenant: &str,
    customers: &str,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "INSERT INTO reconcile_customer (tenant, object_id, wechat_id, active)
         SELECT ?1, c.value ->> 'object_id', c.value ->> 'wechat_id', c.value ->> 'active'
         FROM json_each(?2) c
         WHERE c.value ->> 'wechat_id' IS NOT NULL
             OR EXISTS (SELECT 1 FROM reconcile_customer r
                 WHERE r.tenant = ?1 AND r.object_id = c.value ->> 'object_id')
             OR EXISTS (SELECT 1 FROM mapping m
                 WHERE m.tenant = ?1 AND m.object_id = c.value ->> 'object_id')
         ON CONFLICT (tenant, object_id) DO UPDATE SET
             wechat_id = coalesce(excluded.wechat_id, wechat_id),
             active = coalesce(excluded.active, active)",
    )
    .bind(tenant)
    .bind(customers)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn forget_customers(
    connection: &mut SqliteConnection,
    tenant: &str,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "DELETE FROM reconcile_customer WHERE (tenant, object_id) IN (
             SELECT tenant, object_id FROM reconcile_customer WHERE tenant = ? ORDER BY object_id
             LIMIT CAST(? AS INTEGER))",
    )
    .bind(tenant)
    .bind(FORGOTTEN_AT_ONCE.cast_signed())
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn count_call(
    connection: &mut SqliteConnection,
    account: &str,
    call: &str,
    day: &str,
    most: u32,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "INSERT INTO call_count (account, call, day, calls) SELECT ?1, ?2, ?3, 1 WHERE ?4 > 0
         ON CONFLICT (account, call) DO UPDATE SET
             calls = CASE WHEN day = excluded.day THEN calls + 1 ELSE 1 END, day = excluded.day
         WHERE day <> excluded.day OR calls < ?4",
    )
    .bind(account)
    .bind(call)
    .bind(day)
    .bind(most)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}

pub(super) async fn repair(
    connection: &mut SqliteConnection,
    repaired: &Repaired,
    ids: &mut Ids,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE finding SET state = 'repairing'
         WHERE id IN (SELECT value FROM json_each(?)) AND state = 'found'",
    )
    .bind(json(&repaired.findings))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE mapping SET unionid = u.value ->> '$[1]', updated_at = ?2 FROM json_each(?1) u
         WHERE mapping.account = u.value ->> '$[0].account'
             AND mapping.openid = u.value ->> '$[0].openid'",
    )
    .bind(json(&repaired.unionids))
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    let mut plan = Plan::new(now);
    plan.change(&repaired.changes, None, ids);
    plan.write(connection).await?;
    Ok(Effected::rows(done.rows_affected()))
}
