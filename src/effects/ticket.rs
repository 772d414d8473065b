//! `ticket.find`, `ticket.assign` and `ticket.note`: the ticket that C4C made of a conversation, to whom it
//! goes, and what it is told.

use super::{Context, either, failed, pace, payload};
use crate::c4c::client::Client;
use crate::c4c::error::Error;
use crate::c4c::note::NewNote;
use crate::c4c::pace::Pace;
use crate::domain::ids::ObjectId;
use crate::domain::rows::{Changes, NewActivity};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::record::{self, TicketAssign, TicketFind};
use crate::flows::reply::TicketNote;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct TicketFinder(pub(super) Context);

impl Handler for TicketFinder {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.find(job).await) })
    }
}

impl TicketFinder {
    async fn find(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let TicketFind {
            tenant,
            conversation,
            activity,
            assignee,
        } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&tenant)?;
        let found = client.ticket_of_activity(Pace::Live, &activity).await;
        let Some(object_id) = found.map_err(failed)? else {
            return Ok(not_yet());
        };
        let ticket = client.ticket(Pace::Live, &object_id).await;
        let Some(ticket) = ticket.map_err(failed)? else {
            return Ok(not_yet());
        };
        let changes = record::ticketed(
            &tenant,
            conversation,
            (ticket.object_id, ticket.id),
            assignee,
        );
        Ok(Outcome::done_with(changes))
    }
}

/// C4C makes it by itself, a moment later (c4c.md 4.2).
fn not_yet() -> Outcome {
    let message = "C4C has not made the ticket of this conversation yet";
    Outcome::failed(Failure::new(Verdict::Transient, message))
}

pub(super) struct TicketAssigner(pub(super) Context);

impl Handler for TicketAssigner {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.assign(job).await) })
    }
}

impl TicketAssigner {
    /// To write it twice does no harm.
    async fn assign(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let TicketAssign {
            tenant,
            ticket,
            assignee,
        } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&tenant)?;
        let fields = [(assignee.field, assignee.agent)].into();
        let patched = client.patch_ticket(pace(job), &ticket, &fields).await;
        patched.map_err(failed)?;
        Ok(Outcome::done())
    }
}

pub(super) struct TicketNoter(pub(super) Context);

impl Handler for TicketNoter {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.note(job).await) })
    }
}

impl TicketNoter {
    async fn note(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let TicketNote {
            tenant,
            ticket,
            type_code,
            text,
        } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&tenant)?;
        let note = NewNote {
            type_code: &type_code,
            text: &text,
            language: "",
        };
        let looks = job.uncertain || job.tries > 0;
        let written = write(client, &ticket, &note, looks).await;
        let object_id = written.map_err(failed)?;
        let changes = Changes {
            activities: vec![NewActivity {
                tenant,
                kind: "note",
                object_id: Some(object_id),
                number: None,
                direction: "out",
                message_id: None,
                message: None,
            }],
            ..Changes::none()
        };
        Ok(Outcome::done_with(changes))
    }
}

/// Writes it unless it stands there; its text tells it from any other.
async fn write(
    client: &Client,
    ticket: &ObjectId,
    note: &NewNote<'_>,
    looks: bool,
) -> Result<ObjectId, Error> {
    if looks {
        let notes = client.notes(Pace::Live, ticket).await?;
        if let Some(same) = notes.into_iter().find(|one| one.text == note.text) {
            return Ok(same.object_id);
        }
    }
    client.add_note(Pace::Live, ticket, note).await
}
