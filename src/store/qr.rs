//! Reading QR codes and who scanned them.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::codec::{instant, json};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, CustomerId, ObjectId};
use crate::domain::qr::{Purpose, Scene};

/// A row of `qr_code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrCode {
    /// `qr_code.id`
    pub id: i64,
    /// In which account.
    pub account: AccountId,
    /// By what pushes name it.
    pub scene: Scene,
    /// What it is for.
    pub purpose: Purpose,
    /// The campaign, the CustomerID, or the agent's employee ID.
    pub target: String,
    /// Whom it binds to.
    pub customer: Option<(ObjectId, CustomerId)>,
    /// It binds one follower only.
    pub single_use: bool,
    /// Seconds; `None`: for ever.
    pub lifetime: Option<i64>,
    /// `wanted`, `ready` or `failed`.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// WeChat's name of the picture.
    pub ticket: Option<String>,
    /// What the picture says.
    pub url: Option<String>,
    /// When it was wanted first.
    pub created_at: Timestamp,
    /// Until when it can be scanned.
    pub expires_at: Option<Timestamp>,
    /// When it bound somebody.
    pub used_at: Option<Timestamp>,
    /// How often it was scanned.
    pub scans: i64,
    /// How often that made a follower.
    pub follows: i64,
    /// When it was scanned last.
    pub last_scan_at: Option<Timestamp>,
}

impl QrCode {
    /// Whether it can be scanned then, as far as WeChat has told.
    pub fn is_good(&self, at: Timestamp) -> bool {
        self.state == "ready" && !self.is_over(at)
    }

    /// Whether its time has passed.
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end < at)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    account: String,
    scene: String,
    is_number: bool,
    purpose: String,
    target: String,
    object_id: Option<String>,
    single_use: bool,
    lifetime: Option<i64>,
    state: String,
    reason: Option<String>,
    ticket: Option<String>,
    url: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
    scans: i64,
    follows: i64,
    last_scan_at: Option<i64>,
}

impl From<Row> for QrCode {
    fn from(row: Row) -> Self {
        let number = row.scene.parse().ok().filter(|_| row.is_number);
        let customer = row.object_id.map(ObjectId::new);
        Self {
            id: row.id,
            account: AccountId::new(row.account),
            scene: number.map_or(Scene::Text(row.scene), Scene::Number),
            purpose: Purpose::parse(&row.purpose).expect("the CHECK of qr_code.purpose"),
            customer: customer.map(|object| (object, CustomerId::new(&row.target))),
            target: row.target,
            single_use: row.single_use,
            lifetime: row.lifetime,
            state: row.state,
            reason: row.reason,
            ticket: row.ticket,
            url: row.url,
            created_at: instant(row.created_at),
            expires_at: row.expires_at.map(instant),
            used_at: row.used_at.map(instant),
            scans: row.scans,
            follows: row.follows,
            last_scan_at: row.last_scan_at.map(instant),
        }
    }
}

/// A scan as `qr show` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct QrScanRow {
    /// `qr_scan.id`
    pub id: i64,
    /// Who.
    pub openid: String,
    /// Whether it made a follower of them.
    pub follow: bool,
    /// What came of it.
    pub outcome: String,
    /// The customer whom they stand for now.
    pub customer_id: Option<String>,
    /// When.
    pub at: String,
}

/// A scene of an account, as statements are given it.
#[derive(Serialize)]
struct Named<'a> {
    account: &'a str,
    scene: &'a str,
}

impl Store {
    /// The codes of these scenes, as far as we made them.
    pub async fn qr_codes_of(
        &self,
        scenes: &[(&AccountId, &str)],
    ) -> Result<HashMap<(AccountId, String), QrCode>, StoreError> {
        if scenes.is_empty() {
            return Ok(HashMap::new());
        }
        let named = scenes.iter().map(|(account, scene)| Named {
            account: account.as_str(),
            scene,
        });
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT q.id, q.account, q.scene, q.is_number, q.purpose, q.target, q.object_id,
                 q.single_use, q.lifetime, q.state, q.reason, q.ticket, q.url, q.created_at,
                 q.expires_at, q.used_at, q.scans, q.follows, q.last_scan_at
             FROM json_each(?) n CROSS JOIN qr_code q
                 ON q.account = n.value ->> 'account' AND q.scene = n.value ->> 'scene'",
        )
        .bind(json(&named.collect::<Vec<_>>()))
        .fetch_all(&self.readers)
        .await?;
        let codes = rows.into_iter().map(QrCode::from);
        Ok(codes
            .map(|code| ((code.account.clone(), code.scene.text()), code))
            .collect())
    }

    /// One code.
    pub async fn qr_code(
        &self,
        account: &AccountId,
        scene: &str,
    ) -> Result<Option<QrCode>, StoreError> {
        let found = self.qr_codes_of(&[(account, scene)]).await?;
        Ok(found.into_values().next())
    }

    /// Codes older than the one with the id `before`, newest first, at most `limit`.
    pub async fn qr_codes(&self, before: i64, limit: u32) -> Result<Vec<QrCode>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, account, scene, is_number, purpose, target, object_id, single_use, lifetime,
                 state, reason, ticket, url, created_at, expires_at, used_at, scans, follows,
                 last_scan_at
             FROM qr_code WHERE id < ? ORDER BY id DESC LIMIT ?",
        )
        .bind(before)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(QrCode::from).collect())
    }

    /// The last scans of a code, newest first, at most `limit`.
    pub async fn qr_scans(&self, code_id: i64, limit: u32) -> Result<Vec<QrScanRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT s.id, s.openid, s.follow, s.outcome, m.customer_id,
                 strftime('%Y-%m-%dT%H:%M:%fZ', s.at / 1e6, 'unixepoch') AS at
             FROM qr_scan s
             LEFT JOIN mapping m ON m.account = s.account AND m.openid = s.openid
             WHERE s.code_id = ? ORDER BY s.id DESC LIMIT ?",
        )
        .bind(code_id)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// How many permanent codes an account has.
    pub async fn permanent_qr_codes(&self, account: &AccountId) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM qr_code WHERE account = ? AND lifetime IS NULL",
        )
        .bind(account.as_str())
        .fetch_one(&self.readers)
        .await?)
    }
}
