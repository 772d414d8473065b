//! Reading conversations, what C4C has of them, and media.

use std::collections::HashMap;

use jiff::Timestamp;

use super::codec::{instant, json, micros};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, ObjectId, OpenId, TenantId};
use crate::domain::rows::Follower;

/// A row of `conversation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// `conversation.id`
    pub id: i64,
    /// With whom.
    pub follower: Follower,
    /// Whether it goes on.
    pub open: bool,
    /// Its first message.
    pub first_message_id: i64,
    /// Messages of the follower.
    pub messages: i64,
    /// When it began.
    pub opened_at: Timestamp,
    /// When something was said last.
    pub last_at: Timestamp,
    /// The activity that the others follow.
    pub root_object_id: Option<ObjectId>,
    /// ObjectID and number of its ticket.
    pub ticket: Option<(ObjectId, String)>,
    /// The employee whom the follower asked for.
    pub agent: Option<String>,
}

#[derive(sqlx::FromRow)]
struct ConversationRow {
    id: i64,
    account: String,
    openid: String,
    state: String,
    first_message_id: i64,
    messages: i64,
    opened_at: i64,
    last_at: i64,
    root_object_id: Option<String>,
    ticket_object_id: Option<String>,
    ticket_id: Option<String>,
    agent: Option<String>,
}

impl From<ConversationRow> for Conversation {
    fn from(row: ConversationRow) -> Self {
        let ticket = row.ticket_object_id.map(ObjectId::new);
        Self {
            id: row.id,
            follower: Follower {
                account: AccountId::new(row.account),
                openid: OpenId::new(row.openid),
            },
            open: row.state == "open",
            first_message_id: row.first_message_id,
            messages: row.messages,
            opened_at: instant(row.opened_at),
            last_at: instant(row.last_at),
            root_object_id: row.root_object_id.map(ObjectId::new),
            ticket: ticket.zip(row.ticket_id),
            agent: row.agent,
        }
    }
}

/// A message as its handlers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `message.id`
    pub id: i64,
    /// Whose.
    pub follower: Follower,
    /// `text`, `image` …
    pub kind: String,
    /// WeChat's MsgId.
    pub msg_id: Option<String>,
    /// Its words.
    pub text: Option<String>,
    /// The sender's clock.
    pub created_at: Timestamp,
}

/// A row of `media`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MediaRow {
    /// `media.id`
    pub id: i64,
    /// `image`, `voice` …
    pub kind: String,
    /// WeChat's, of an incoming one.
    pub media_id: Option<String>,
    /// `wanted`, `stored` or `missing`.
    pub state: String,
    /// Where its bytes lie.
    pub sha256: Option<String>,
    /// How many.
    pub bytes: Option<i64>,
    /// Sniffed.
    pub mime: Option<String>,
    /// What it is called in C4C.
    pub name: Option<String>,
    /// Why it is missing.
    pub reason: Option<String>,
}

/// What stands in C4C for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InC4c {
    /// `activity` or `note`.
    pub kind: String,
    /// Its key; unknown of an answer that came by the reply form.
    pub object_id: Option<ObjectId>,
    /// An activity's ID.
    pub number: Option<String>,
}

impl Store {
    /// The newest conversation of each of these followers, as far as there is one.
    pub async fn newest_conversations(
        &self,
        followers: &[&Follower],
    ) -> Result<HashMap<Follower, Conversation>, StoreError> {
        let rows: Vec<ConversationRow> = sqlx::query_as(
            "SELECT c.id, c.account, c.openid, c.state, c.first_message_id, c.messages,
                 c.opened_at, c.last_at, c.root_object_id, c.ticket_object_id, c.ticket_id, c.agent
             FROM json_each(?) f
             CROSS JOIN conversation c ON c.id = (
                 SELECT n.id FROM conversation n
                 WHERE n.account = f.value ->> 'account' AND n.openid = f.value ->> 'openid'
                 ORDER BY n.first_message_id DESC LIMIT 1)",
        )
        .bind(json(followers))
        .fetch_all(&self.readers)
        .await?;
        let conversations = rows.into_iter().map(Conversation::from);
        Ok(conversations
            .map(|conversation| (conversation.follower.clone(), conversation))
            .collect())
    }

    /// A conversation by its id.
    pub async fn conversation_numbered(&self, id: i64) -> Result<Option<Conversation>, StoreError> {
        let row: Option<ConversationRow> = sqlx::query_as(
            "SELECT id, account, openid, state, first_message_id, messages, opened_at, last_at,
                 root_object_id, ticket_object_id, ticket_id, agent
             FROM conversation WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Conversation::from))
    }

    /// The conversation in which a message was said.
    pub async fn conversation_of(
        &self,
        follower: &Follower,
        message_id: i64,
    ) -> Result<Option<Conversation>, StoreError> {
        let row: Option<ConversationRow> = sqlx::query_as(
            "SELECT id, account, openid, state, first_message_id, messages, opened_at, last_at,
                 root_object_id, ticket_object_id, ticket_id, agent
             FROM conversation WHERE account = ? AND openid = ? AND first_message_id <= ?
             ORDER BY first_message_id DESC LIMIT 1",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .bind(message_id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Conversation::from))
    }

    /// The newest conversation of a ticket, by the ticket's number as agents know it. Numbers are a
    /// tenant's, so only its accounts are looked through.
    pub async fn conversation_of_ticket(
        &self,
        accounts: &[&AccountId],
        number: &str,
    ) -> Result<Option<Conversation>, StoreError> {
        let row: Option<ConversationRow> = sqlx::query_as(
            "SELECT id, account, openid, state, first_message_id, messages, opened_at, last_at,
                 root_object_id, ticket_object_id, ticket_id, agent
             FROM conversation
             WHERE ticket_id = ? AND account IN (SELECT value FROM json_each(?))
             ORDER BY id DESC LIMIT 1",
        )
        .bind(number)
        .bind(json(accounts))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Conversation::from))
    }

    /// The conversations that have these tickets, oldest first. Keys of two tenants may be equal, so
    /// only one's accounts are looked through.
    pub async fn conversations_of_tickets(
        &self,
        accounts: &[&AccountId],
        tickets: &[&ObjectId],
    ) -> Result<Vec<Conversation>, StoreError> {
        let rows: Vec<ConversationRow> = sqlx::query_as(
            "SELECT c.id, c.account, c.openid, c.state, c.first_message_id, c.messages,
                 c.opened_at, c.last_at, c.root_object_id, c.ticket_object_id, c.ticket_id, c.agent
             FROM json_each(?1) t CROSS JOIN conversation c ON c.ticket_object_id = t.value
             WHERE c.account IN (SELECT value FROM json_each(?2))
             ORDER BY c.id",
        )
        .bind(json(tickets))
        .bind(json(accounts))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Conversation::from).collect())
    }

    /// The newest conversation that begins with this activity; see [`Store::conversations_of_tickets`].
    pub async fn conversation_of_root(
        &self,
        accounts: &[&AccountId],
        root: &ObjectId,
    ) -> Result<Option<Conversation>, StoreError> {
        let row: Option<ConversationRow> = sqlx::query_as(
            "SELECT id, account, openid, state, first_message_id, messages, opened_at, last_at,
                 root_object_id, ticket_object_id, ticket_id, agent
             FROM conversation
             WHERE root_object_id = ? AND account IN (SELECT value FROM json_each(?))
             ORDER BY id DESC LIMIT 1",
        )
        .bind(root.as_str())
        .bind(json(accounts))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Conversation::from))
    }

    /// Open conversations of an account in which nothing was said since, the stillest first.
    pub async fn idle_conversations(
        &self,
        account: &AccountId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Conversation>, StoreError> {
        let rows: Vec<ConversationRow> = sqlx::query_as(
            "SELECT id, account, openid, state, first_message_id, messages, opened_at, last_at,
                 root_object_id, ticket_object_id, ticket_id, agent
             FROM conversation WHERE state = 'open' AND last_at < ? AND account = ?
             ORDER BY last_at LIMIT ?",
        )
        .bind(micros(since))
        .bind(account.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Conversation::from).collect())
    }

    /// A message by its id; `None` once deleted.
    pub async fn said(&self, message_id: i64) -> Result<Option<Said>, StoreError> {
        type Row = (String, String, String, Option<String>, Option<String>, i64);
        let row: Option<Row> = sqlx::query_as(
            "SELECT account, openid, kind, msg_id, text, created_at FROM message WHERE id = ?",
        )
        .bind(message_id)
        .fetch_optional(&self.readers)
        .await?;
        let said = |(account, openid, kind, msg_id, text, created_at): Row| Said {
            id: message_id,
            follower: Follower {
                account: AccountId::new(account),
                openid: OpenId::new(openid),
            },
            kind,
            msg_id,
            text,
            created_at: instant(created_at),
        };
        Ok(row.map(said))
    }

    /// The follower's profile in C4C, if it is known.
    pub async fn profile(&self, follower: &Follower) -> Result<Option<ObjectId>, StoreError> {
        let object_id: Option<String> =
            sqlx::query_scalar("SELECT object_id FROM profile WHERE account = ? AND openid = ?")
                .bind(follower.account.as_str())
                .bind(follower.openid.as_str())
                .fetch_optional(&self.readers)
                .await?;
        Ok(object_id.map(ObjectId::new))
    }

    /// What stands in C4C for a message.
    pub async fn in_c4c(&self, message_id: i64) -> Result<Option<InC4c>, StoreError> {
        let row: Option<(String, Option<String>, Option<String>)> = sqlx::query_as(
            "SELECT kind, object_id, number FROM activity WHERE message_id = ? LIMIT 1",
        )
        .bind(message_id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|(kind, object_id, number)| InC4c {
            kind,
            object_id: object_id.map(ObjectId::new),
            number,
        }))
    }

    /// Which of these objects of a tenant are known already: ours, or dealt with.
    pub async fn known_activities(
        &self,
        tenant: &TenantId,
        objects: &[&ObjectId],
    ) -> Result<Vec<ObjectId>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT a.object_id FROM json_each(?2) o
             CROSS JOIN activity a ON a.tenant = ?1 AND a.object_id = o.value",
        )
        .bind(tenant.as_str())
        .bind(json(objects))
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(ObjectId::new).collect())
    }

    /// Which of these attachments were taken from C4C already.
    pub async fn known_attachments(
        &self,
        attachments: &[&ObjectId],
    ) -> Result<Vec<ObjectId>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT m.object_id FROM json_each(?) o
             CROSS JOIN media m ON m.object_id = o.value",
        )
        .bind(json(attachments))
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(ObjectId::new).collect())
    }

    /// Which of these files no row points to, by their SHA-256.
    pub async fn unused_media(&self, sha256: &[String]) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT f.value FROM json_each(?) f
             WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.sha256 = f.value)",
        )
        .bind(json(sha256))
        .fetch_all(&self.readers)
        .await?)
    }

    /// Whether an activity is known by its number.
    pub async fn is_activity_known(
        &self,
        tenant: &TenantId,
        number: &str,
    ) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM activity WHERE tenant = ? AND number = ?)",
        )
        .bind(tenant.as_str())
        .bind(number)
        .fetch_one(&self.readers)
        .await?)
    }

    /// The media of a message, in the order in which they came.
    pub async fn media_of(&self, message_id: i64) -> Result<Vec<MediaRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, kind, media_id, state, sha256, bytes, mime, name, reason
             FROM media WHERE message_id = ? ORDER BY id",
        )
        .bind(message_id)
        .fetch_all(&self.readers)
        .await?)
    }
}
