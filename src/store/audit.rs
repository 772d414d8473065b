//! What operators did: rows that are only ever added, each chained to the one before
//! ([`crate::domain::chain`]).
//!
//! An act that is one operation gets its row in the same transaction: see [`Store::on_behalf`]. A person
//! stands here under a pseudonym only, so that erasing them needs no change of any row.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::codec::micros;
use super::operate::{Effected, Operation};
use super::{Store, StoreError};
use crate::domain::chain::{Broken, Chain, Entry};
use crate::domain::pseudonym::{Salt, pseudonym};
use crate::domain::rows::Follower;

/// Rows that are read at once to verify them.
const PAGE: u32 = 1000;

/// Something that an operator does.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who.
    pub who: String,
    /// One stable word: `outbox.retry` …
    pub act: &'static str,
    /// On what.
    pub target: Target,
    /// What it was before: states, ids and counts, never contents.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// What an act is done to.
#[derive(Clone)]
pub enum Target {
    /// An id or a name.
    Thing(String),
    /// A person, and the salt that they get if they have none yet.
    Person(Follower, Salt),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Thing(thing) => write!(f, "Thing({thing})"),
            Self::Person(follower, _) => write!(f, "Person({follower:?})"),
        }
    }
}

/// A row of the audit as it is listed.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct AuditRow {
    /// Its place in the chain.
    pub id: i64,
    /// As text with `Z`.
    pub at: String,
    /// Who acted.
    pub who: String,
    /// What they did.
    pub act: String,
    /// On what; `person:` and a pseudonym for a person.
    pub target: String,
    /// What it was before.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// Which rows are wanted; every member narrows.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only this act.
    pub act: Option<String>,
    /// Only this target.
    pub target: Option<String>,
    /// Not older than this.
    pub since: Option<Timestamp>,
}

/// What following the whole chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// As far as the rows fit.
    pub chain: Chain,
    /// Where they do not.
    pub broken: Option<Broken>,
}

#[derive(sqlx::FromRow)]
struct Stored {
    id: i64,
    at: i64,
    who: String,
    act: String,
    target: String,
    before: Option<String>,
    after: Option<String>,
    hash: String,
}

impl Store {
    /// A handle whose operations and writes each leave this row, in their own transaction, if they change
    /// anything. Only for acts that are one operation.
    #[must_use]
    pub fn on_behalf(&self, act: Act) -> Self {
        Self {
            acting: Some(Arc::new(act)),
            ..self.clone()
        }
    }

    /// Writes down an act that is no single operation: before it begins, so that nothing happens unseen.
    pub async fn audit(&self, act: Act) -> Result<(), StoreError> {
        self.on_behalf(act).operate(Operation::Act).await.map(drop)
    }

    /// What was done, the newest first: at most `limit` rows before the row `before`.
    pub async fn audited(
        &self,
        filter: &AuditFilter,
        before: i64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e6, 'unixepoch') AS at, who, act, target,
                 before, after
             FROM audit
             WHERE id < ?1 AND (?2 IS NULL OR act = ?2) AND (?3 IS NULL OR target = ?3)
                 AND (?4 IS NULL OR at >= ?4)
             ORDER BY id DESC LIMIT ?5",
        )
        .bind(before)
        .bind(&filter.act)
        .bind(&filter.target)
        .bind(filter.since.map(micros))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// Follows the chain from its first row to its end, in pages; `noted` is an id and the hash that it had.
    pub async fn verify_audit(
        &self,
        noted: Option<&(i64, String)>,
    ) -> Result<Verified, StoreError> {
        let mut chain = Chain::default();
        let mut as_noted = noted.is_none();
        loop {
            let page = self.stored_acts(chain.id).await?;
            if page.is_empty() {
                break;
            }
            for row in page {
                let hash = row.hash.clone();
                if let Err(broken) = chain.follow(&Entry::from(row), &hash) {
                    let broken = Some(broken);
                    return Ok(Verified { chain, broken });
                }
                as_noted |=
                    noted.is_some_and(|(id, noted)| *id == chain.id && *noted == chain.hash);
            }
        }
        let written = self.highest_act().await?;
        let broken = if written > chain.id {
            let last = chain.id;
            Some(Broken::Cut { last, written })
        } else {
            let unlike = noted.filter(|_| !as_noted);
            unlike.map(|(id, _)| Broken::NotAsNoted(*id))
        };
        Ok(Verified { chain, broken })
    }

    async fn stored_acts(&self, after: i64) -> Result<Vec<Stored>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, at, who, act, target, before, after, hash FROM audit
             WHERE id > ? ORDER BY id LIMIT ?",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&self.readers)
        .await?)
    }

    /// The highest id that was ever given, as SQLite itself remembers it.
    async fn highest_act(&self) -> Result<i64, StoreError> {
        let highest: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
                .fetch_optional(&self.readers)
                .await?;
        Ok(highest.unwrap_or_default())
    }

    /// Under which name a person stands in the audit; `None` while they do not.
    pub async fn pseudonym(&self, follower: &Follower) -> Result<Option<String>, StoreError> {
        let salt: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT salt FROM pseudonym WHERE account = ? AND openid = ?")
                .bind(follower.account.as_str())
                .bind(follower.openid.as_str())
                .fetch_optional(&self.readers)
                .await?;
        Ok(salt.map(|salt| pseudonym(&salted(&salt), follower)))
    }
}

impl From<Stored> for Entry {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            at: row.at,
            who: row.who,
            act: row.act,
            target: row.target,
            before: row.before,
            after: row.after,
        }
    }
}

fn salted(bytes: &[u8]) -> Salt {
    bytes.try_into().expect("the CHECK of pseudonym.salt")
}

/// The target of an act on somebody of this pseudonym.
pub fn person_target(pseudonym: &str) -> String {
    format!("person:{pseudonym}")
}

/// The pseudonym of a person, who gets `salt` if they have none.
pub(super) async fn named(
    connection: &mut SqliteConnection,
    follower: &Follower,
    salt: &Salt,
) -> Result<String, sqlx::Error> {
    sqlx::query(
        "INSERT INTO pseudonym (account, openid, salt) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(follower.account.as_str())
    .bind(follower.openid.as_str())
    .bind(salt.as_slice())
    .execute(&mut *connection)
    .await?;
    let salt: Vec<u8> =
        sqlx::query_scalar("SELECT salt FROM pseudonym WHERE account = ? AND openid = ?")
            .bind(follower.account.as_str())
            .bind(follower.openid.as_str())
            .fetch_one(connection)
            .await?;
    Ok(pseudonym(&salted(&salt), follower))
}

/// Appends the row of an act, in whatever transaction is open.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    act: &Act,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let target = match &act.target {
        Target::Thing(thing) => thing.clone(),
        Target::Person(follower, salt) => person_target(&named(connection, follower, salt).await?),
    };
    let last: Option<String> =
        sqlx::query_scalar("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
    let highest: Option<i64> =
        sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
            .fetch_optional(&mut *connection)
            .await?;
    let entry = Entry {
        id: highest.unwrap_or_default() + 1,
        at: micros(now),
        who: act.who.clone(),
        act: act.act.to_owned(),
        target,
        before: act.before.clone(),
        after: act.after.clone(),
    };
    let hash = entry.hash(last.as_deref().unwrap_or_default());
    insert(connection, entry, hash).await
}

async fn insert(
    connection: &mut SqliteConnection,
    entry: Entry,
    hash: String,
) -> Result<Effected, sqlx::Error> {
    sqlx::query(
        "INSERT INTO audit (id, at, who, act, target, before, after, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.id)
    .bind(entry.at)
    .bind(entry.who)
    .bind(entry.act)
    .bind(entry.target)
    .bind(entry.before)
    .bind(entry.after)
    .bind(hash)
    .execute(connection)
    .await
    .map(|done| Effected::rows(done.rows_affected()))
}
