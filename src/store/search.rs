//! Finding messages by their words. The index proposes, the text decides.

use jiff::Timestamp;

use super::codec::micros;
use super::{MessageRow, Store, StoreError};
use crate::domain::grams::Sought;
use crate::domain::ids::{AccountId, OpenId};

/// Messages read at once. Nearly all that the index proposes are right, so one page mostly does.
const PAGE: u32 = 200;

/// What to find.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    /// What the text must have.
    pub text: Sought,
    /// Only in this account.
    pub account: Option<AccountId>,
    /// Only said with this follower. Then messages that are not in the index yet are found, too.
    pub openid: Option<OpenId>,
    /// Only recorded then or later.
    pub since: Option<Timestamp>,
    /// Only recorded before.
    pub until: Option<Timestamp>,
    /// Only older than this message: the next page.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: u32,
}

impl SearchQuery {
    /// Looks for `text` everywhere.
    pub fn new(text: Sought, limit: u32) -> Self {
        Self {
            text,
            account: None,
            openid: None,
            since: None,
            until: None,
            before: None,
            limit,
        }
    }
}

/// A message that was found, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundMessage {
    /// In which account.
    pub account: String,
    /// With which follower.
    pub openid: String,
    /// What was said.
    #[sqlx(flatten)]
    pub message: MessageRow,
}

impl Store {
    /// Messages with these words, newest first. The id of the last one is `before` for the next
    /// page.
    pub async fn search(&self, query: &SearchQuery) -> Result<Vec<FoundMessage>, StoreError> {
        let mut found = Vec::new();
        let limit = query.limit as usize;
        let mut before = query.before.unwrap_or(i64::MAX);
        while found.len() < limit {
            let page = match &query.openid {
                Some(openid) => self.said_before(before, openid, query).await?,
                None => self.proposed_before(before, query).await?,
            };
            let is_last = page.len() < PAGE as usize;
            before = page.last().map_or(before, |row| row.message.id);
            found.extend(page.into_iter().filter(|row| {
                let text = row.message.text.as_deref();
                text.is_some_and(|text| query.text.is_in(text))
            }));
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// What the index proposes. It walks its own lists from the newest message down.
    async fn proposed_before(
        &self,
        before: i64,
        query: &SearchQuery,
    ) -> Result<Vec<FoundMessage>, sqlx::Error> {
        sqlx::query_as(
            "SELECT m.account, m.openid, m.id, m.direction, m.kind, m.purpose, m.text, m.state,
                 m.outbox_id, m.created_at, m.recorded_at, m.settled_at
             FROM message_search s CROSS JOIN message m ON m.id = s.rowid
             WHERE s.message_search MATCH ?1 AND s.rowid < ?2
                 AND (?3 IS NULL OR m.account = ?3)
                 AND (?4 IS NULL OR m.recorded_at >= ?4)
                 AND (?5 IS NULL OR m.recorded_at < ?5)
             ORDER BY s.rowid DESC LIMIT ?6",
        )
        .bind(query.text.phrases())
        .bind(before)
        .bind(query.account.as_ref().map(AccountId::as_str))
        .bind(query.since.map(micros))
        .bind(query.until.map(micros))
        .bind(PAGE)
        .fetch_all(&self.readers)
        .await
    }

    /// All that was said with one follower: that is little, whatever the words are.
    async fn said_before(
        &self,
        before: i64,
        openid: &OpenId,
        query: &SearchQuery,
    ) -> Result<Vec<FoundMessage>, sqlx::Error> {
        sqlx::query_as(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT min(?1, (SELECT max(id) FROM message)) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT m.account, m.openid, m.id, m.direction, m.kind, m.purpose, m.text, m.state,
                 m.outbox_id, m.created_at, m.recorded_at, m.settled_at
             FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
             WHERE m.openid = ?2 AND m.id < ?1 AND m.text IS NOT NULL
                 AND (?3 IS NULL OR m.account = ?3)
                 AND (?4 IS NULL OR m.recorded_at >= ?4)
                 AND (?5 IS NULL OR m.recorded_at < ?5)
             ORDER BY m.id DESC LIMIT ?6",
        )
        .bind(before)
        .bind(openid.as_str())
        .bind(query.account.as_ref().map(AccountId::as_str))
        .bind(query.since.map(micros))
        .bind(query.until.map(micros))
        .bind(PAGE)
        .fetch_all(&self.readers)
        .await
    }
}
