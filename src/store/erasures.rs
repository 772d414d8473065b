//! Erasures as they are ordered and stand. What is a person's tells [`super::person`], how it is deleted
//! [`super::erasing`]; the order of the steps is the job's (`src/jobs/erase.rs`).

use jiff::Timestamp;

use super::codec::{instant, json, micros};
use super::operate::Operation;
use super::person::{Ends, Keys};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::pseudonym::Salt;
use crate::domain::rows::{Changes, Follower, NewErasure};

/// Erasures that one look takes up.
const DUE: u32 = 100;

/// An erasure as its steps need it.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// `erasure.id`
    pub id: i64,
    /// The account.
    pub account: AccountId,
    /// Who; `None` once they are erased.
    pub openid: Option<OpenId>,
    /// `operator` or `unfollow`.
    pub cause: String,
    /// `waiting`, `erasing`, `erased` or `done`.
    pub state: String,
    /// Whether C4C's customer is made obsolete.
    pub obsolete_customer: bool,
    /// When it was wanted.
    pub requested_at: Timestamp,
    /// When it began.
    pub begun_at: Option<Timestamp>,
    /// When the last row was gone.
    pub finished_at: Option<Timestamp>,
    /// Since when there were rows of them.
    pub first_seen_at: Option<Timestamp>,
    /// Their name in the audit.
    pub pseudonym: Option<String>,
    /// Rows that are gone, by table: a JSON object.
    pub counts: String,
    /// What was certified, and its SHA-256.
    pub certificate: Option<(String, String)>,
    keys: Option<String>,
    cuts: Option<(i64, i64, i64)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    account: String,
    openid: Option<String>,
    cause: String,
    state: String,
    obsolete_customer: bool,
    requested_at: i64,
    begun_at: Option<i64>,
    finished_at: Option<i64>,
    first_seen_at: Option<i64>,
    inbox_cut: Option<i64>,
    message_cut: Option<i64>,
    outbox_cut: Option<i64>,
    keys: Option<String>,
    pseudonym: Option<String>,
    counts: String,
    certificate: Option<String>,
    sha256: Option<String>,
}

impl From<Row> for Erasure {
    fn from(row: Row) -> Self {
        let cuts = row.outbox_cut.zip(row.message_cut).zip(row.inbox_cut);
        Self {
            id: row.id,
            account: AccountId::new(row.account),
            openid: row.openid.map(OpenId::new),
            cause: row.cause,
            state: row.state,
            obsolete_customer: row.obsolete_customer,
            requested_at: instant(row.requested_at),
            begun_at: row.begun_at.map(instant),
            finished_at: row.finished_at.map(instant),
            first_seen_at: row.first_seen_at.map(instant),
            pseudonym: row.pseudonym,
            counts: row.counts,
            certificate: row.certificate.zip(row.sha256),
            keys: row.keys,
            cuts: cuts.map(|((outbox, message), inbox)| (outbox, message, inbox)),
        }
    }
}

impl Erasure {
    /// Whom it is about, until they are erased.
    pub fn follower(&self) -> Option<Follower> {
        let openid = self.openid.clone()?;
        let account = self.account.clone();
        Some(Follower { account, openid })
    }

    /// By what their rows are found.
    pub fn keys(&self) -> Keys {
        let keys = self.keys.as_deref();
        keys.and_then(|keys| serde_json::from_str(keys).ok())
            .unwrap_or_default()
    }

    /// Up to where their rows are theirs: what came later is of a new person.
    pub fn ends(&self, now: Ends) -> Ends {
        let (outbox, message, inbox) = self.cuts.unwrap_or_default();
        Ends {
            outbox,
            message,
            inbox,
            ..now
        }
    }
}

/// What the beginning of an erasure writes.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// `erasure.id`
    pub id: i64,
    /// Whom.
    pub follower: Follower,
    /// By what their rows are found.
    pub keys: Keys,
    /// The salt that they get if they have none yet.
    pub salt: Salt,
    /// What is to be done besides, for example at C4C.
    pub changes: Changes,
}

impl Store {
    /// Orders an erasure and gives its id: that of the one that waits already, if one does.
    pub async fn order_erasure(&self, new: NewErasure) -> Result<i64, StoreError> {
        self.operate(Operation::OrderErasure(new))
            .await
            .map(|done| done.id)
    }

    /// Erasures that are due, the oldest first.
    pub async fn erasures_due(&self, now: Timestamp) -> Result<Vec<Erasure>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, account, openid, cause, state, obsolete_customer, requested_at, begun_at,
                 finished_at, first_seen_at, inbox_cut, message_cut, outbox_cut, keys, pseudonym,
                 counts, certificate, sha256
             FROM erasure
             WHERE (state = 'waiting' OR state = 'erasing' OR state = 'erased') AND not_before <= ?
             ORDER BY not_before, id LIMIT ?",
        )
        .bind(micros(now))
        .bind(DUE)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Erasure::from).collect())
    }

    /// One erasure.
    pub async fn erasure(&self, id: i64) -> Result<Option<Erasure>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, account, openid, cause, state, obsolete_customer, requested_at, begun_at,
                 finished_at, first_seen_at, inbox_cut, message_cut, outbox_cut, keys, pseudonym,
                 counts, certificate, sha256
             FROM erasure WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Erasure::from))
    }

    /// Gives up an erasure that has not begun. `false` when it has.
    pub async fn drop_erasure(&self, id: i64) -> Result<bool, StoreError> {
        self.operate(Operation::DropErasure { id })
            .await
            .map(|done| done.rows > 0)
    }

    /// Makes the person unknown, and remembers up to where their rows are theirs. `false` when something
    /// is just being done for them: then nothing is written.
    pub async fn begin_erasure(&self, beginning: Beginning) -> Result<bool, StoreError> {
        self.operate(Operation::BeginErasure(Box::new(beginning)))
            .await
            .map(|done| done.rows > 0)
    }

    /// Deletes rows of the person that [`Store::personal`] has found, a few hundred at most. Returns how
    /// many there were; what is running stays until it has ended.
    pub async fn erase(
        &self,
        id: i64,
        table: &'static str,
        rows: Vec<i64>,
    ) -> Result<u64, StoreError> {
        self.operate(Operation::Erase { id, table, rows })
            .await
            .map(|done| done.rows)
    }

    /// Which of these files somebody else has, too, or the person since they began anew.
    pub async fn files_of_others(
        &self,
        follower: &Follower,
        ends: &Ends,
        sha256: &[String],
    ) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT f.value FROM json_each(?4) f
             WHERE EXISTS (SELECT 1 FROM media x JOIN message m ON m.id = x.message_id
                 WHERE x.sha256 = f.value
                     AND (m.account <> ?1 OR m.openid <> ?2 OR m.id > ?3))",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(ends.message)
        .bind(json(sha256))
        .fetch_all(&self.readers)
        .await?)
    }

    /// Merges some of the full-text index, so that the grams of deleted messages leave it. `false` when
    /// nothing is left to merge.
    pub async fn merge_index(&self) -> Result<bool, StoreError> {
        self.operate(Operation::MergeIndex)
            .await
            .map(|done| done.rows > 0)
    }

    /// Forgets the OpenID and the salt, in one transaction with the row of the audit.
    pub async fn finish_erasure(&self, id: i64) -> Result<(), StoreError> {
        self.operate(Operation::FinishErasure { id })
            .await
            .map(drop)
    }

    /// Keeps the certificate; the erasure is done.
    pub async fn certify(
        &self,
        id: i64,
        certificate: String,
        sha256: String,
    ) -> Result<(), StoreError> {
        self.operate(Operation::Certify {
            id,
            certificate,
            sha256,
        })
        .await
        .map(drop)
    }
}
