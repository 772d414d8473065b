//! The notes of a ticket (c4c.md 4.3).
//!
//! A note has no foreign key: after a lost answer, a note with the same text that nobody has
//! counted yet is the one. So [`Client::add_note`] gives its key, to be counted.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::calls::EntityType;
use super::client::Client;
use super::error::{Error, Kind};
use super::odata::address::key_in;
use super::odata::json::{self as odata, Entity};
use super::odata::types::instant;
use super::pace::Pace;
use super::ticket::Ticket;
use crate::domain::ids::ObjectId;

/// What the ticket is about.
pub const DESCRIPTION: &str = "10004";

/// By SAP's convention, an agent's answer to the customer.
pub const REPLY_TO_CUSTOMER: &str = "10007";

/// What the customer wrote.
pub const REPLY_FROM_CUSTOMER: &str = "10008";

/// Where a ticket keeps its notes. The name of their own set is not known for sure (c4c.md 8), so
/// they are reached from the ticket.
pub(super) const NAVIGATION: &str = "ServiceRequestTextCollection";

/// A note of a ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    /// Its key.
    pub object_id: ObjectId,
    /// What kind of note: [`REPLY_TO_CUSTOMER`] and others.
    pub type_code: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: Option<Timestamp>,
    /// Who wrote it, or else who saved it.
    pub author: String,
}

impl std::fmt::Debug for Note {
    /// Author and text are personal, so they are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Note({}, {})", self.object_id, self.type_code)
    }
}

/// A note to be written.
pub struct NewNote<'a> {
    /// What kind of note.
    pub type_code: &'a str,
    /// What it says.
    pub text: &'a str,
    /// Two letters; empty leaves it to C4C.
    pub language: &'a str,
}

impl NewNote<'_> {
    /// As it is sent, alone or within a new ticket.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "TypeCode": self.type_code, "Text": self.text });
        if !self.language.is_empty() {
            body["LanguageCode"] = self.language.into();
        }
        body
    }
}

impl Client {
    /// Writes a note and gives its key. A lost answer is uncertain: look among [`Client::notes`]
    /// before it is written again.
    pub async fn add_note(
        &self,
        pace: Pace,
        ticket: &ObjectId,
        new: &NewNote<'_>,
    ) -> Result<ObjectId, Error> {
        let url = self
            .service
            .navigation(Ticket::SET, ticket.as_str(), NAVIGATION);
        let call = Call::post(url, &new.body(), vec![new.text.to_owned()]);
        let answer = self.session.exchange(pace, &call).await?;
        let made = odata::entity(&answer.body)
            .map_err(Kind::from)
            .and_then(|note| {
                note.object_id("ObjectID")
                    .ok_or(Kind::Incomplete("ObjectID"))
            });
        // The location may be the ticket's, whose key is no note's.
        let located = || {
            let key = answer.header("location").and_then(key_in)?;
            (key != *ticket).then_some(key)
        };
        made.or_else(|unread| {
            located().ok_or_else(|| Kind::CreatedUnread {
                reason: unread.to_string(),
            })
        })
        .map_err(|kind| self.session.error(kind))
    }

    /// All notes of a ticket, oldest first. A row without a key is none.
    pub async fn notes(&self, pace: Pace, ticket: &ObjectId) -> Result<Vec<Note>, Error> {
        let url = self
            .service
            .related(Ticket::SET, ticket.as_str(), NAVIGATION, &[]);
        let rows = self.rows(pace, url, Vec::new(), |_| true).await?;
        let mut notes: Vec<Note> = rows.iter().filter_map(note).collect();
        // C4C promises no order; equal stamps keep the one that it gave.
        notes.sort_by_key(|note| note.created_at);
        Ok(notes)
    }
}

fn note(row: &Entity) -> Option<Note> {
    let text = |property| row.text(property).unwrap_or_default();
    Some(Note {
        object_id: row.object_id("ObjectID")?,
        type_code: text("TypeCode"),
        text: text("Text"),
        created_at: row.filled("CreatedOn").and_then(|text| instant(&text)),
        author: row
            .filled("AuthorName")
            .unwrap_or_else(|| text("CreatedBy")),
    })
}
