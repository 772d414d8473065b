//! Conversations as people list them.

use jiff::Timestamp;

use super::codec::instant;
use super::{Store, StoreError};
use crate::domain::ids::AccountId;
use crate::domain::rows::Follower;

/// Which conversations to list, newest first.
#[derive(Debug, Clone)]
pub struct ConversationFilter {
    /// Only this state.
    pub state: Option<String>,
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Only older ones than this.
    pub before: i64,
    /// At most this many.
    pub limit: u32,
}

/// A conversation in a listing.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedConversation {
    /// `conversation.id`
    pub id: i64,
    /// The account.
    pub account: String,
    /// The follower.
    pub openid: String,
    /// Their customer, if linked.
    pub customer_id: Option<String>,
    /// `open` or `ended`.
    pub state: String,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// Messages of the follower.
    pub messages: i64,
    /// The number of its ticket.
    pub ticket: Option<String>,
    opened_at: i64,
    last_at: i64,
}

impl ListedConversation {
    /// When it began.
    pub fn opened_at(&self) -> Timestamp {
        instant(self.opened_at)
    }

    /// When something was said last.
    pub fn last_at(&self) -> Timestamp {
        instant(self.last_at)
    }
}

impl Store {
    /// Everybody's conversations. It walks along the ids, and reads no more than it lists unless it is
    /// narrowed to what is rare.
    pub async fn conversations(
        &self,
        filter: &ConversationFilter,
    ) -> Result<Vec<ListedConversation>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT c.id, c.account, c.openid, p.customer_id, c.state, c.end_reason, c.messages,
                 c.ticket_id AS ticket, c.opened_at, c.last_at
             FROM conversation c
             LEFT JOIN mapping p ON p.account = c.account AND p.openid = c.openid
             WHERE c.id < ?1 AND (?2 IS NULL OR c.state = ?2) AND (?3 IS NULL OR c.account = ?3)
             ORDER BY c.id DESC LIMIT ?4",
        )
        .bind(filter.before)
        .bind(&filter.state)
        .bind(filter.account.as_ref().map(AccountId::as_str))
        .bind(filter.limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// Those of one follower, whatever account the filter names.
    pub async fn conversations_with(
        &self,
        follower: &Follower,
        filter: &ConversationFilter,
    ) -> Result<Vec<ListedConversation>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT c.id, c.account, c.openid, p.customer_id, c.state, c.end_reason, c.messages,
                 c.ticket_id AS ticket, c.opened_at, c.last_at
             FROM conversation c
             LEFT JOIN mapping p ON p.account = c.account AND p.openid = c.openid
             WHERE c.account = ?1 AND c.openid = ?2 AND c.id < ?3 AND (?4 IS NULL OR c.state = ?4)
             ORDER BY c.first_message_id DESC LIMIT ?5",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(filter.before)
        .bind(&filter.state)
        .bind(filter.limit)
        .fetch_all(&self.readers)
        .await?)
    }
}
