//! Social media profiles: a follower as the sender of messages (c4c.md 4.1).
//!
//! Start at [`Client::find_profile`]. A profile is bound to a customer, but it can live without.

use serde_json::{Value, json};

use super::calls::EntityType;
use super::client::Client;
use super::error::{Error, Kind};
use super::odata::filter::quoted;
use super::odata::json::Entity;
use super::odata::types::uuid;
use super::pace::Pace;
use crate::domain::ids::{CustomerId, ObjectId, OpenId};

/// Finds profiles by account; `$filter` cannot (c4c.md 4.1).
const SEARCH: &str = "GetSocialMediaUserProfile";

/// Where a profile keeps its accounts.
const INFORMATION: &str = "SocialMediaUserProfileUserInformation";

/// A natural person.
const PERSON: &str = "02";

/// The category of a business partner that customers and contacts have.
const PARTNER: &str = "1";

/// A follower as a sender of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its key.
    pub object_id: ObjectId,
    /// The customer that it is bound to, if the answer says so.
    pub customer: Option<CustomerId>,
}

/// A profile to be made.
pub struct NewProfile<'a> {
    /// The follower.
    pub openid: &'a OpenId,
    /// The kind of channel: `008` for WeChat, or the tenant's own.
    pub channel_code: &'a str,
    /// The social media channel, as the tenant's administrator named it.
    pub channel_id: &'a str,
    /// Shown to agents; need not be unique.
    pub name: &'a str,
    /// Whom it is bound to.
    pub customer: Option<Bound<'a>>,
}

/// The customer of a profile.
pub struct Bound<'a> {
    /// Its key.
    pub customer: &'a ObjectId,
    /// Its role, as it was created with: `CRM000`, or `BUP001` for a contact.
    pub role_code: &'a str,
}

/// An account of a profile; one follower has one in each channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileAccount {
    /// The kind of channel.
    pub channel_code: String,
    /// The channel.
    pub channel_id: String,
    /// The follower.
    pub openid: OpenId,
}

impl EntityType for Profile {
    const SET: &'static str = "SocialMediaUserProfileCollection";

    fn of(entity: &Entity) -> Result<Self, Kind> {
        // Padded with zeros (c4c.md 1.7).
        let number = entity.text("AccountInternalID").unwrap_or_default();
        let number = number.trim_start_matches('0');
        Ok(Self {
            object_id: entity
                .object_id("ObjectID")
                .ok_or(Kind::Incomplete("ObjectID"))?,
            customer: (!number.is_empty()).then(|| CustomerId::new(number)),
        })
    }
}

impl Client {
    /// The profile with exactly this OpenID.
    ///
    /// C4C may compare without regard to case and need not say whom it found, so each profile
    /// that comes back is read until one has the very account.
    pub async fn find_profile(
        &self,
        pace: Pace,
        openid: &OpenId,
    ) -> Result<Option<Profile>, Error> {
        let account = format!("'{}'", quoted(openid.as_str()));
        let url = self
            .service
            .query(SEARCH, &[("SocialMediaUserAccountID", &account)]);
        let sent = vec![openid.as_str().to_owned()];
        for row in self.rows(pace, url, sent, |_| true).await? {
            let profile: Profile = self.seen_as(&row)?;
            let is_it = match row.text("SocialMediaUserAccountID") {
                Some(account) => account == openid.as_str(),
                None => self
                    .profile_accounts(pace, &profile.object_id)
                    .await?
                    .iter()
                    .any(|account| account.openid == *openid),
            };
            if is_it {
                return Ok(Some(profile));
            }
        }
        Ok(None)
    }

    /// The accounts of a profile; none when there is no such profile.
    pub async fn profile_accounts(
        &self,
        pace: Pace,
        id: &ObjectId,
    ) -> Result<Vec<ProfileAccount>, Error> {
        let url = self
            .service
            .related(Profile::SET, id.as_str(), INFORMATION, &[]);
        let rows = match self.rows(pace, url, Vec::new(), |_| true).await {
            Err(error) if matches!(error.kind, Kind::NotFound { .. }) => return Ok(Vec::new()),
            rows => rows?,
        };
        Ok(rows.iter().filter_map(account).collect())
    }

    /// Makes a profile. A lost answer is uncertain: find it before it is made again.
    pub async fn create_profile(&self, pace: Pace, new: &NewProfile<'_>) -> Result<Profile, Error> {
        let sent = vec![new.openid.as_str().to_owned(), new.name.to_owned()];
        self.create_in(pace, &new.body(), sent).await
    }
}

impl NewProfile<'_> {
    fn body(&self) -> Value {
        let mut body = json!({
            "SocialMediaUserCategoryCode": PERSON,
            INFORMATION: [{
                "SocialMediaChannelCode": self.channel_code,
                "ExternalPartyAccountID": self.channel_id,
                "SocialMediaUserAccountID": self.openid.as_str(),
                "SocialMediaUserName": self.name,
                "GivenName": self.name,
            }],
        });
        if let Some(bound) = &self.customer {
            body["SocialMediaUserProfileBupaReference"] = json!([{
                "BusinessPartnerCategoryCode": PARTNER,
                "BusinessPartnerRoleCode": bound.role_code,
                "BusinessPartnerUUID": uuid(bound.customer),
            }]);
        }
        body
    }
}

fn account(row: &Entity) -> Option<ProfileAccount> {
    let openid = row.filled("SocialMediaUserAccountID")?;
    Some(ProfileAccount {
        channel_code: row.text("SocialMediaChannelCode").unwrap_or_default(),
        channel_id: row.text("ExternalPartyAccountID").unwrap_or_default(),
        openid: OpenId::new(openid),
    })
}
