//! Tickets: a conversation as agents work on it (c4c.md 4.3).
//!
//! Start at [`Client::create_ticket`]. C4C has no idempotency key and tickets have no field for
//! foreign numbers, so whoever creates one puts a mark into a property that can be filtered by —
//! a field of the tenant's own, or the subject `Name` — and after a lost answer looks for the
//! mark with [`Client::find_ticket_by`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::call::Call;
use super::calls::{EntityType, first};
use super::client::Client;
use super::error::{Error, Kind};
use super::note::{self, NewNote};
use super::odata::filter::{CHANGED_ON, Filter};
use super::odata::json::Entity;
use super::odata::types::instant;
use super::pace::Pace;
use super::paging::Changed;
use crate::domain::ids::ObjectId;

/// Life-cycle status of a ticket that is done; C4C's own, which tenants cannot rename.
const COMPLETED: &str = "3";

/// The property that holds a ticket's number.
pub const NUMBER: &str = "ID";

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its key.
    pub object_id: ObjectId,
    /// Its number, as people know it.
    pub id: String,
    /// `ServiceRequestUserLifeCycleStatusCode`, which a tenant may define itself.
    pub status: String,
    /// Done, whatever the tenant calls it.
    pub is_completed: bool,
    /// `EntityLastChangedOn`, where the service has it.
    pub changed_at: Option<Timestamp>,
}

impl EntityType for Ticket {
    const SET: &'static str = "ServiceRequestCollection";

    fn of(entity: &Entity) -> Result<Self, Kind> {
        let text = |property| entity.text(property).unwrap_or_default();
        Ok(Self {
            object_id: entity
                .object_id("ObjectID")
                .ok_or(Kind::Incomplete("ObjectID"))?,
            id: entity.filled(NUMBER).ok_or(Kind::Incomplete(NUMBER))?,
            status: text("ServiceRequestUserLifeCycleStatusCode"),
            is_completed: text("ServiceRequestLifeCycleStatusCode") == COMPLETED,
            changed_at: entity.filled(CHANGED_ON).and_then(|text| instant(&text)),
        })
    }
}

impl Client {
    /// Opens a ticket with these properties and its first note, in one call. A lost answer is
    /// uncertain: look for its mark before it is opened again.
    pub async fn create_ticket(
        &self,
        pace: Pace,
        fields: &BTreeMap<String, String>,
        first_note: &NewNote<'_>,
    ) -> Result<Ticket, Error> {
        let texts = fields.iter();
        let mut body: Map<String, Value> = texts
            .map(|(name, text)| (name.clone(), text.clone().into()))
            .collect();
        body.insert(
            note::NAVIGATION.to_owned(),
            Value::Array(vec![first_note.body()]),
        );
        let mut sent: Vec<String> = fields.values().cloned().collect();
        sent.push(first_note.text.to_owned());
        self.create_in(pace, &body, sent).await
    }

    /// Reads a ticket; `None` when C4C has none with that key.
    pub async fn ticket(&self, pace: Pace, id: &ObjectId) -> Result<Option<Ticket>, Error> {
        self.read(pace, id).await
    }

    /// The ticket whose property is exactly `value`: its [`NUMBER`], or the mark with which it was
    /// created. Of several the one that C4C had first.
    pub async fn find_ticket_by(
        &self,
        pace: Pace,
        property: &str,
        value: &str,
    ) -> Result<Option<Ticket>, Error> {
        let found = self.search(pace, property, value).await?;
        Ok(first(found, |ticket: &Ticket| &ticket.id))
    }

    /// Changes properties of a ticket, for example its status.
    pub async fn patch_ticket(
        &self,
        pace: Pace,
        id: &ObjectId,
        fields: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let url = self.service.entity(Ticket::SET, id.as_str());
        let call = Call::patch(url, fields, None);
        self.session.exchange(pace, &call).await.map(drop)
    }

    /// Tickets changed at `since` or later, oldest change first, a page at a time; see
    /// [`Client::changed_since`]. A new note changes its ticket.
    pub async fn tickets_changed_since(
        &self,
        pace: Pace,
        since: Timestamp,
        from: Option<&str>,
    ) -> Result<Changed<Ticket>, Error> {
        self.changed(pace, &Filter::changed_since(since), from)
            .await
    }
}
