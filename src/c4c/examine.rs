//! What `qiao doctor` asks of a tenant. Nothing here changes anything in it.

use std::collections::BTreeMap;

use super::activity::{Activity, REFERENCES};
use super::call::{Call, Wanted};
use super::calls::EntityType as _;
use super::client::Client;
use super::customer::Customer;
use super::error::{Error, Kind, refuses_csrf};
use super::metadata::Metadata;
use super::odata::address::Service;
use super::pace::Pace;
use super::profile::Profile;
use super::ticket::Ticket;

/// The customers.
pub const CUSTOMERS: &str = Customer::SET;

/// The profiles of followers.
pub const PROFILES: &str = Profile::SET;

/// What is said, as social media activities.
pub const ACTIVITIES: &str = Activity::SET;

/// The tickets.
pub const TICKETS: &str = Ticket::SET;

/// By which the ticket of an activity is found.
pub const TICKET_REFERENCES: &str = REFERENCES;

/// What hangs on activities.
pub const ACTIVITY_FILES: &str = "SocialMediaActivityAttachmentFolderCollection";

/// What hangs on tickets.
pub const TICKET_FILES: &str = "ServiceRequestAttachmentFolderCollection";

/// The key of no object: C4C's begin with 00163E.
const NOBODY: &str = "00000000000000000000000000000000";

/// What a fetch of a CSRF token brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CsrfOffer {
    /// A token.
    Token,
    /// Success without one: a technical user needs none (c4c.md 1.3).
    None,
    /// Another status.
    Failed(u16),
}

/// What became of a write under a wrong CSRF token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForgedToken {
    /// It was refused for the token.
    Refused,
    /// The token was not looked at: with this status.
    Ignored(u16),
}

impl Client {
    /// What a service holds. `path` is the service's, without a trailing slash.
    pub async fn metadata(&self, pace: Pace, path: &str) -> Result<Metadata, Error> {
        let url = Service::new(&self.tenant_url, path).metadata();
        let call = Call {
            // EDMX is no JSON, however it is asked for.
            wanted: Wanted::File { is_page: false },
            ..Call::get(url, Vec::new())
        };
        let answer = self.session.exchange(pace, &call).await?;
        Metadata::parse(&answer.body).map_err(|fault| self.session.error(Kind::Metadata(fault)))
    }

    /// Whether the user may read a set: one row at most, and of it the key alone.
    pub async fn may_read(&self, pace: Pace, path: &str, set: &str) -> Result<(), Error> {
        let service = Service::new(&self.tenant_url, path);
        let url = service.query(set, &[("$top", "1"), ("$select", "ObjectID")]);
        self.feed(pace, url, Vec::new()).await.map(drop)
    }

    /// Asks for a CSRF token.
    pub async fn csrf_offer(&self, pace: Pace) -> Result<CsrfOffer, Error> {
        Ok(match self.session.try_for_token(pace).await? {
            (_, true) => CsrfOffer::Token,
            (200..=299, false) => CsrfOffer::None,
            (401, _) => return Err(self.session.error(Kind::Unauthorized)),
            (status, false) => CsrfOffer::Failed(status),
        })
    }

    /// Changes nothing of a customer that does not exist, under a token that C4C never gave out.
    /// C4C looks at the token first; without one to look at it finds no such customer.
    pub async fn forge_csrf(&self, pace: Pace) -> Result<ForgedToken, Error> {
        let url = self.service.entity(Customer::SET, NOBODY);
        let call = Call::patch(url, &BTreeMap::new(), None);
        let answer = self.session.send_forged(pace, &call).await?;
        Ok(if refuses_csrf(&answer) {
            ForgedToken::Refused
        } else {
            ForgedToken::Ignored(answer.status)
        })
    }
}
