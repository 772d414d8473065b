//! Social media activities: the messages of a conversation (c4c.md 4.2).
//!
//! Start at [`Client::find_activity`], which goes before [`Client::create_activity`]: WeChat's
//! MsgId is the key by which a message is known again. A conversation is a root activity and its
//! follow-ups; C4C makes a ticket of each inbound root by itself, sooner or later.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::calls::{EntityType, first};
use super::client::Client;
use super::error::{Error, Kind};
use super::odata::filter::{CHANGED_ON, Filter};
use super::odata::json::Entity;
use super::odata::types::{date, instant, uuid};
use super::pace::Pace;
use super::paging::Changed;
use crate::domain::ids::ObjectId;

/// The category of a message that begins a conversation.
const ROOT: &str = "001";

/// The category of a message that goes on with one.
const FOLLOW_UP: &str = "003";

/// `InitiatorCode` of what followers write.
const INBOUND: &str = "2";

/// `InitiatorCode` of what agents write.
const OUTBOUND: &str = "1";

/// By which documents a ticket was made.
pub(super) const REFERENCES: &str = "ServiceRequestBusinessTransactionDocumentReferenceCollection";

/// The type of a reference to a social media activity.
const SOCIAL_MEDIA_ACTIVITY: &str = "1607";

/// A message as C4C keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its key; with dashes it is its UUID (c4c.md 1.7).
    pub object_id: ObjectId,
    /// Its number, which a ticket refers to and a reply calls `sma_id`.
    pub id: String,
    /// `SocialMediaMessageID`: WeChat's MsgId of what a follower wrote, else anything.
    pub message_id: String,
    /// The first message of the conversation; its own key if it is the first.
    pub root: ObjectId,
    /// Who wrote it, or for whom it is.
    pub profile: Option<ObjectId>,
    /// Written by an agent.
    pub is_outbound: bool,
    /// Not shown to others. Qiao's own are all private, so this says little of an answer.
    pub is_private: bool,
    /// As C4C shows who wrote it.
    pub author: String,
    /// What was said.
    pub text: String,
    /// When it was said, as far as known.
    pub created_at: Option<Timestamp>,
    /// `EntityLastChangedOn`, where the service has it.
    pub changed_at: Option<Timestamp>,
}

impl std::fmt::Debug for Activity {
    /// Author and text are personal, so they are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Activity({}, {})", self.object_id, self.id)
    }
}

/// A message of a follower, to be put into C4C.
pub struct NewActivity<'a> {
    /// WeChat's MsgId.
    pub message_id: &'a str,
    /// The follower's profile.
    pub profile: &'a ObjectId,
    /// The kind of channel: `008` for WeChat, or the tenant's own.
    pub channel_code: &'a str,
    /// The social media channel, as the tenant's administrator named it.
    pub channel_id: &'a str,
    /// Shown as who wrote it.
    pub author: &'a str,
    /// What was said.
    pub text: &'a str,
    /// The conversation that it belongs to; `None` begins one.
    pub root: Option<&'a ObjectId>,
    /// When it was said. `None` leaves it to C4C, for tenants that do not let it be set.
    pub at: Option<Timestamp>,
}

impl EntityType for Activity {
    const SET: &'static str = "SocialMediaActivityCollection";

    fn of(entity: &Entity) -> Result<Self, Kind> {
        let object_id = entity
            .object_id("ObjectID")
            .ok_or(Kind::Incomplete("ObjectID"))?;
        let key = |property| entity.object_id(property);
        let text = |property| entity.text(property).unwrap_or_default();
        let at = |property| entity.filled(property).and_then(|text| instant(&text));
        Ok(Self {
            id: entity.filled("ID").ok_or(Kind::Incomplete("ID"))?,
            message_id: text("SocialMediaMessageID"),
            root: key("RootSocialMediaActivityUUID").unwrap_or_else(|| object_id.clone()),
            profile: key("SocialMediaUserProfileUUID"),
            is_outbound: text("InitiatorCode") == OUTBOUND,
            is_private: text("PrivateSocialMediaMessageIndicator") == "true",
            author: text("SocialMediaMessageAuthor"),
            text: text("Text"),
            created_at: at("SocialMediaMessageCreationDateTime"),
            changed_at: at(CHANGED_ON),
            object_id,
        })
    }
}

impl Client {
    /// Reads a message; `None` when C4C has none with that key.
    pub async fn activity(&self, pace: Pace, id: &ObjectId) -> Result<Option<Activity>, Error> {
        self.read(pace, id).await
    }

    /// The message with exactly this MsgId; of several the one that C4C had first.
    pub async fn find_activity(
        &self,
        pace: Pace,
        message_id: &str,
    ) -> Result<Option<Activity>, Error> {
        let found = self
            .search(pace, "SocialMediaMessageID", message_id)
            .await?;
        Ok(first(found, |activity: &Activity| &activity.id))
    }

    /// The message with this number, as a reply names it in `sma_id`.
    pub async fn activity_numbered(&self, pace: Pace, id: &str) -> Result<Option<Activity>, Error> {
        let found = self.search(pace, "ID", id).await?;
        Ok(first(found, |activity: &Activity| &activity.id))
    }

    /// Puts a follower's message into C4C. A lost answer is uncertain: find it before it is sent
    /// again, since C4C may not refuse a second one with the same MsgId (c4c.md 8).
    pub async fn create_activity(
        &self,
        pace: Pace,
        new: &NewActivity<'_>,
    ) -> Result<Activity, Error> {
        let sent = [new.message_id, new.author, new.text];
        let sent = sent.map(str::to_owned).to_vec();
        self.create_in(pace, &new.body(), sent).await
    }

    /// The ticket that was made of the message with this number; `None` when there is none yet.
    pub async fn ticket_of_activity(
        &self,
        pace: Pace,
        id: &str,
    ) -> Result<Option<ObjectId>, Error> {
        let equal = [("ID", id), ("TypeCode", SOCIAL_MEDIA_ACTIVITY)];
        let rows = self
            .matching(pace, &self.service, REFERENCES, &equal)
            .await?;
        let unfilterable = || Kind::Unfilterable {
            property: "ID of a ticket's document references".to_owned(),
        };
        let rows = rows.ok_or_else(|| self.session.error(unfilterable()))?;
        Ok(rows.iter().find_map(|row| row.object_id("ParentObjectID")))
    }

    /// What agents wrote, changed at `since` or later, oldest change first, a page at a time; see
    /// [`Client::changed_since`].
    pub async fn answers_changed_since(
        &self,
        pace: Pace,
        since: Timestamp,
        from: Option<&str>,
    ) -> Result<Changed<Activity>, Error> {
        let filter = Filter::equals("InitiatorCode", OUTBOUND)
            .map_err(|e| self.session.error(e.into()))?
            .and(&Filter::changed_since(since));
        let mut answers: Changed<Activity> = self.changed(pace, &filter, from).await?;
        // Nothing that a follower wrote may ever be sent back as an answer.
        answers.rows.retain(|activity| activity.is_outbound);
        Ok(answers)
    }
}

impl NewActivity<'_> {
    fn body(&self) -> Value {
        let mut body = json!({
            "CategoryCode": if self.root.is_some() { FOLLOW_UP } else { ROOT },
            "InitiatorCode": INBOUND,
            "PrivateSocialMediaMessageIndicator": true,
            "SocialMediaActivityProviderID": self.channel_id,
            "SocialMediaChannelCode": self.channel_code,
            "SocialMediaMessageAuthor": self.author,
            "SocialMediaMessageID": self.message_id,
            "SocialMediaUserProfileUUID": uuid(self.profile),
            "Text": self.text,
        });
        if let Some(root) = self.root {
            body["ParentSocialMediaActivityUUID"] = uuid(root).into();
        }
        if let Some(at) = self.at {
            body["SocialMediaMessageCreationDateTime"] = date(at).into();
        }
        body
    }
}
